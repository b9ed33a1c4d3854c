import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RESERVED_KEYS } from '../../lib/session/session.js'
import { membersOf } from '../support/declarations.js'
import { codeIn, documents, proseOf, readText } from '../support/documents.js'
import { cookieDefaults, optionDefaults } from '../support/option-defaults.js'
import { root } from '../support/root.js'

const instance = membersOf('instance.ts', 'Sessions').map(({ name }) => name)
const route = membersOf('route.ts', 'RouteSessionSettings').map(({ name }) => name)

/** Of clients, of stores, of the benchmarks. */
const others = ['docs/stores.md', 'docs/redis.md', 'docs/memcached.md', 'docs/failures.md', 'benchmarks/README.md']

/** Inline code of the project's own: not the blocks, nor what docs/moving.md says of other packages and `others` of other options. */
const advice = documents.filter((path) => !others.includes(path)).flatMap((path) => {
  const prose = path === 'docs/moving.md' ? proseOf(path).replace(/^\|[^|]*\|[^|]*\|/gm, '') : proseOf(path)
  return codeIn(prose).map((code) => ({ path, code }))
})

/** Options of device-bound. */
const device = membersOf('device-bound.ts', 'DeviceBoundOptions').map(({ name }) => name)

const unknown = (pattern: RegExp, known: readonly string[]) => {
  const named = advice.flatMap(({ path, code }) => [...code.matchAll(pattern)].map((match) => ({ name: match[1] ?? '', place: `${path}: ${code}` })))
  return { count: named.length, unknown: named.filter(({ name }) => !known.includes(name)).map(({ place }) => place) }
}

t.test('every option that is advised exists', async (t) => {
  // `config` and its `session` are a route's, `sessionPlugin` is an option of @fastify/csrf-protection. Inside `cookie` and `session` stand these.
  t.match(readText('node_modules/@fastify/csrf-protection/types/index.d.ts'), /\bsessionPlugin\b/)
  const { count, unknown: missing } = unknown(/^([a-z]\w*): /g, [...Object.keys(optionDefaults), ...Object.keys(cookieDefaults), ...route, ...device, 'config', 'sessionPlugin', 'ending'])
  t.ok(count > 8)
  t.strictSame(missing, [])
})

t.test('every cookie option that is advised exists', async (t) => {
  const { count, unknown: missing } = unknown(/\bcookie(?:: \{ |\.)(\w+)/g, Object.keys(cookieDefaults))
  t.ok(count > 2)
  t.strictSame(missing, [])
})

t.test('every member of the session that is advised exists', async (t) => {
  const { count, unknown: missing } = unknown(/(?<!\w)session\.(\w+)\(/g, [...RESERVED_KEYS])
  t.ok(count > 4)
  t.strictSame(missing, [])
})

t.test('every member of app.sessions that is advised exists', async (t) => {
  const { count, unknown: missing } = unknown(/\bapp\.sessions\.(\w+)/g, instance)
  t.ok(count > 1)
  t.strictSame(missing, [])
})

t.test('every file of the repository that a document names is there', async (t) => {
  const file = /^(?:lib|types|test|examples|benchmarks|scripts|docs)\/[\w./-]+(?:\/|\.\w+)$/
  const named = documents.flatMap((path) => codeIn(proseOf(path)).filter((code) => file.test(code)).map((code) => `${path}: ${code}`))
  t.ok(named.length > 30)
  t.strictSame(named.filter((place) => !existsSync(join(root, place.split(': ')[1] ?? ''))), [])
})

t.test('every heading that a link names is there', async (t) => {
  const anchor = (heading: string) => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-')
  for (const path of documents) {
    const folder = path.includes('/') ? path.replace(/[^/]+$/, '') : ''
    for (const [, target = '', name = ''] of proseOf(path).matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)) {
      const headings = [...proseOf(target === '' ? path : join(folder, target)).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading))
      t.ok(headings.includes(name), `${path} → ${target}#${name}`)
    }
  }
})

t.test('every link to a file of the repository leads somewhere', async (t) => {
  for (const path of documents) {
    const folder = path.includes('/') ? path.replace(/[^/]+$/, '') : ''
    for (const [, target = ''] of readText(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) t.doesNotThrow(() => readText(folder + target), `${path} → ${target}`)
  }
})
