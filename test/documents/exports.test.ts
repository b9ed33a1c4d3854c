import t from 'tap'
import * as codecs from '../../lib/codecs.js'
import * as conformance from '../../lib/conformance.js'
import * as root from '../../lib/index.js'
import * as inspector from '../../lib/inspector.js'
import { readOptions } from '../../lib/options/options.js'
import { readOptions as readDeviceOptions } from '../../lib/device-bound/options.js'
import * as deviceBound from '../../lib/device-bound.js'
import * as testing from '../../lib/testing.js'
import { schema } from '../support/app.js'
import { membersOf } from '../support/declarations.js'
import { blocksOf, codeIn, proseOf, tableOf } from '../support/documents.js'
import { cookieDefaults, optionDefaults } from '../support/option-defaults.js'

const readme = proseOf('README.md')
const typing = proseOf('docs/typing.md')

t.test('the package root exports what docs/typing.md says, and nothing else', async (t) => {
  const said = codeIn(/^The package root has .*$/m.exec(typing)?.[0] ?? '')
  t.strictSame(Object.keys(root).sort(), ['default', ...said].sort())
  t.equal(root.default, root.sessionPlugin)
  t.strictSame(Object.keys(root).sort(), ['SessionError', 'createSession', 'default', 'requireBound', 'requireRecent', 'requireSession', 'returnPath', 'sessionPlugin', 'sessionSocket', 'withGuard', 'withSession'])
})

t.test('what the blocks of README and docs/typing.md import from the package root is exported', async (t) => {
  const imported = importsOf('fastify-typed-session')
  t.ok(imported.length >= 3)
  t.strictSame(imported.filter((name) => !(name in root)), [])
})

t.test('codecs exports the codecs that docs/typing.md shows, and nothing else', async (t) => {
  t.strictSame(Object.keys(codecs).sort(), importsOf('fastify-typed-session/codecs').sort())
})

t.test('device-bound exports its plugin, and the guide has each option with the default that the code has', async (t) => {
  t.strictSame(Object.keys(deviceBound).sort(), ['default', 'deviceBound'])
  t.equal(deviceBound.default, deviceBound.deviceBound)
  const { session, prefix, cookieLife, refuses } = readDeviceOptions({})
  const defaults = { session: `'${session}'`, prefix: `'${prefix}'`, cookieLife: String(cookieLife / 1000), when: 'every sign-in', onUnbound: refuses ? "'refuse'" : "'anonymous'" }
  const { rows } = tableOf('docs/guides/device-bound.md', 'Options', 'option')
  const bare = (cell: string) => cell.replace(/^`|`$/g, '')
  t.strictSame(Object.fromEntries(rows.map(([option = '', value = '']) => [bare(option), bare(value)])), defaults)
  const members = membersOf('device-bound.ts', 'DeviceBoundOptions')
  t.strictSame(members.map(({ name }) => name), Object.keys(defaults))
  for (const { name, doc } of members.filter(({ name }) => name !== 'when')) t.match(doc, `Default \`${defaults[name as keyof typeof defaults]}\``)
})

t.test('inspector exports its plugin, and nothing else', async (t) => {
  t.strictSame(Object.keys(inspector).sort(), ['default', 'inspector'])
  t.equal(inspector.default, inspector.inspector)
})

t.test('testing and conformance export what the README names, and nothing else', async (t) => {
  const named = codeIn(readme).map((code) => /^\w+/.exec(code)?.[0])
  t.strictSame(Object.keys(testing).sort(), ['readSession', 'sessionCookie', 'visitor'])
  t.strictSame(Object.keys(conformance), ['storeConformance'])
  t.strictSame([...Object.keys(testing), ...Object.keys(conformance)].filter((name) => !named.includes(name)), [])
})

for (const [what, members, defaults, silent] of [
  ['option', membersOf('options.ts', 'PluginOptions'), optionDefaults, ['cookie', 'initial']],
  ['cookie option', membersOf('options.ts', 'CookieOptions'), cookieDefaults, []]
] as const) {
  t.test(`the comment on every ${what} states the default that the code has`, async (t) => {
    const stated = members.flatMap(({ name, doc }) => statedDefault(doc).map((value) => [name, value] as const))
    const expected = Object.entries(defaults).filter(([name]) => !(silent as readonly string[]).includes(name))
    t.strictSame(Object.fromEntries(stated), Object.fromEntries(expected))
  })
}

t.test('the comment on timeouts states what the presets are', async (t) => {
  const doc = membersOf('options.ts', 'CommonOptions').find(({ name }) => name === 'timeouts')?.doc ?? ''
  for (const timeouts of ['aal1', 'aal2', 'aal3']) {
    const [idle, absolute] = [readOptions({ schema, timeouts }, false)].flatMap((settings) => [settings.idle.usual, settings.absolute.usual]) as [number, number]
    t.match(doc, `${timeouts} ${idle === absolute ? span(idle) : `${span(idle)} / ${span(absolute)}`}`)
  }
})

function importsOf (entry: string): string[] {
  const lines = ['README.md', 'docs/typing.md'].flatMap(blocksOf).flatMap(({ code }) => code.split('\n')).filter((line) => line.endsWith(`from '${entry}'`))
  return [...new Set(lines.flatMap((line) => /\{(.*)\}/.exec(line)?.[1]?.split(',').map((name) => name.trim()) ?? []))]
}

function statedDefault (doc: string): string[] {
  if (doc.endsWith('Required.')) return ['required']
  const words = /\bDefault:? (`[^`]*`|[^.,:(]+)/.exec(doc)?.[1]?.replaceAll('`', '')
  const other: Record<string, string> = { 'one day': '86400', '30 days': '2592000', 'in the cookie itself': 'none' }
  return words === undefined ? [] : [other[words] ?? words]
}

function span (milliseconds: number): string {
  const minutes = milliseconds / 60_000
  if (minutes > 24 * 60) return `${minutes / 24 / 60} days`
  return minutes >= 60 ? `${minutes / 60} h` : `${minutes} min`
}
