import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { TEXTS } from '../../lib/http/notices.js'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppOptions, buildApp, COOKIE, eachBackend, SECRET } from '../support/app.js'
import { pass, setClock, START, stopTime } from '../support/clock.js'
import { tableOf } from '../support/documents.js'

const HOUR = 3_600_000

/** An application whose visitors come over https, and what its log warns of. */
async function scene (t: Test, options: AppOptions) {
  const built = await buildApp(t, { fastify: { trustProxy: true }, ...options })
  const { app, client, logs } = built
  app.get('/*', async ({ session, url }, reply) => {
    if (url.includes('public')) reply.header('cache-control', 'public')
    if (!url.includes('read')) session.visits++
    if (url.includes('big')) session.note = 'x'.repeat(2400)
    return session.visits
  })
  const get = async (url: string, { host = 'app.example.com', cookie = client.header, proto = 'https' } = {}) =>
    await app.inject({ url, headers: { host, 'x-forwarded-proto': proto, ...(cookie !== '' && { cookie }) } })
  return { ...built, get, warnings: () => logs.splice(0).filter(({ level }) => level === 40) }
}
type Scene = Awaited<ReturnType<typeof scene>>

t.test('what may be wrong with the installation is said at once, and again after an hour with how often it was seen', async t => {
  stopTime(t)
  const { get, warnings } = await scene(t, { backend: 'cookie', cookie: { domain: 'example.com' } })
  const write = async (times: number) => { for (let i = 0; i < times; i++) await get('/', { host: 'localhost' }) }
  warnings()
  await write(3)
  const text = "browsers drop a session cookie of the domain example.com on the host of this request: set cookie.domain to a domain that the host belongs to, or leave it out, and behind a proxy set Fastify's trustProxy"
  t.match(warnings(), [{ msg: text, fault: 'domain', host: 'localhost', session: 'session', times: 1 }])
  pass(HOUR - 1)
  await write(2)
  t.strictSame(warnings(), [])
  pass(1)
  t.strictSame(warnings(), [], 'nothing is said by itself')
  await write(2)
  t.match(warnings(), [{ msg: `${text} (seen 5 times since the last warning)`, times: 5 }])
  setClock(Date.now() - 3 * HOUR)
  await write(1)
  t.match(warnings(), [{ times: 2 }], 'also if the clock was set back')
})

const FAULTS: Record<string, { readonly options?: Partial<AppOptions>, readonly cause: (scene: Scene) => Promise<unknown>, readonly says: RegExp }> = {
  'several cookies of one name': {
    cause: ({ get }) => get('/read', { cookie: '__Host-Http-session=s3cret; __Host-Http-session=s3cret' }),
    says: /several cookies named __Host-Http-session, and none of them was used: .*another application of this host has the same cookie.name/
  },
  'a domain that does not cover the host': {
    options: { cookie: { domain: 'shop.example.com' } }, cause: ({ get }) => get('/'), says: /cookie of the domain shop.example.com on the host/
  },
  'a domain for an address': {
    options: { cookie: { domain: 'example.com' } }, cause: ({ get }) => get('/', { host: '10.0.0.1' }), says: /cookie of the domain example.com on the host/
  },
  'a change outside the path': {
    options: { cookie: { path: '/shop' } }, cause: ({ get }) => get('/news'), says: /changed outside cookie.path \(\/shop\): .*replaces the visitor's session/
  },
  'a change on a path that only begins alike': {
    options: { cookie: { path: '/shop' } }, cause: ({ get }) => get('/shopping'), says: /changed outside cookie.path/
  },
  'a secure cookie on plain http': {
    cause: ({ get }) => get('/', { proto: 'http' }), says: /drop the secure session cookie of a plain-http response/
  },
  'a public response': { cause: ({ get }) => get('/public'), says: /cache-control of a public response is replaced by no-store/ }
}

for (const [fault, { options, cause, says }] of Object.entries(FAULTS)) {
  t.test(`said once: ${fault}`, t => eachBackend(t, async (t, backend) => {
    const built = await scene(t, { backend, ...options })
    built.warnings()
    for (let i = 0; i < 3; i++) await cause(built)
    const warnings = built.warnings()
    t.match(warnings, [{ msg: says }])
    t.equal(warnings.length, 1)
    t.notMatch(JSON.stringify(warnings), /s3cret/)
  }))
}

t.test('nothing is said where the installation is in order', t => eachBackend(t, async (t, backend) => {
  const rows: [Partial<AppOptions>, string, string][] = [
    [{}, '/', 'localhost:3000'], [{ cookie: { domain: 'example.com' } }, '/', 'example.com'], [{ cookie: { domain: '.Example.com' } }, '/', 'APP.EXAMPLE.COM:8080'],
    [{ cookie: { path: '/shop' } }, '/shop', 'example.com'], [{ cookie: { path: '/shop' } }, '/shop?a=/b', 'example.com'], [{ cookie: { path: '/shop/' } }, '/shop/a', 'example.com'],
    [{ cookie: { path: '/shop' } }, '/read', 'example.com'], [{ cookie: { domain: 'localhost' } }, '/', 'localhost']
  ]
  for (const [options, url, host] of rows) {
    const { get, warnings } = await scene(t, { backend, ...options })
    await get(url, { host })
    t.strictSame(warnings(), [], `${JSON.stringify(options)} ${host}${url}`)
  }
}))

t.test('a removal that browsers drop as well is not worth a word', t => eachBackend(t, async (t, backend) => {
  const { app, get, warnings } = await scene(t, { backend, cookie: { path: '/shop' } })
  app.get('/out', async ({ session }) => await session.destroy())
  const cookie = String((await get('/shop')).headers['set-cookie']).split(';')[0] as string
  warnings()
  t.match((await get('/out', { cookie })).headers['set-cookie'], [/Max-Age=0/])
  t.strictSame(warnings(), [])
}))

t.test('a cookie of more than 3 KiB is said to be a burden for proxies', async t => {
  const { get, warnings } = await scene(t, { backend: 'cookie' })
  for (let i = 0; i < 2; i++) await get('/big', { cookie: '' })
  t.match(warnings(), [{ msg: /the Set-Cookie of the session has 3\d\d\d bytes: proxies may answer 502 for it \(nginx takes 4 KiB/, fault: 'size' }])
  const stored = await scene(t, { backend: 'memory' })
  await stored.get('/big', { cookie: '' })
  t.strictSame(stored.warnings(), [])
})

const narrower = z.object({ visits: z.string().default(''), theme: z.string().default('dark'), cart: z.array(z.string()).default(() => []) })

t.test('records that the schema discards are said with version and paths, and what to do', t => eachBackend(t, async (t, backend) => {
  const kept = backend === 'memory' ? { store: memoryStore() } : backend === 'revocable' ? { revocations: memoryStore() } : {}
  for (const [from, to, says] of [
    [1, 1, /a session of version 1 does not satisfy the schema of version 1 \(visits\) and was discarded: raise version and migrate, or set onInvalid: 'salvage'/],
    [1, 2, /of version 1 does not satisfy the schema of version 2 \(visits\)/],
    [3, 2, /of the newer version 3 does not satisfy the schema of version 2 \(visits\) and was not used: while both are deployed/]
  ] as const) {
    const before = await scene(t, { backend, ...kept, version: from })
    await before.client.get('/')
    const warnings: string[] = []
    const after = Fastify({ logger: { level: 'warn', stream: { write: (line) => { warnings.push(JSON.parse(line).msg) } } } })
    t.teardown(() => after.close())
    const handle = createSession(narrower, { secret: SECRET, ...kept, version: to })
    after.register(handle.plugin)
    after.get('/', async (request) => handle.get(request).theme)
    for (let i = 0; i < 2; i++) t.equal((await after.inject({ url: '/', headers: { cookie: before.client.header } })).body, 'dark')
    t.match(warnings, [says])
    t.equal(warnings.length, 1)
  }
}))

t.test('a secret that this process does not know is said with its id and those of the known, and what to do', t => eachBackend(t, async (t, backend) => {
  const kept = backend === 'memory' ? { store: memoryStore() } : backend === 'revocable' ? { revocations: memoryStore() } : {}
  const before = await scene(t, { backend, ...kept, secret: randomBytes(32) })
  await before.client.get('/')
  const after = await scene(t, { backend, ...kept })
  after.warnings()
  for (let i = 0; i < 2; i++) await after.get('/read', { cookie: before.client.header })
  const [keyId] = before.sessions.policy().keyIds
  const [known] = after.sessions.policy().keyIds
  t.strictSame(after.warnings().map(({ msg }) => msg), [
    `a session cookie is sealed with a secret that this process does not know (key id ${keyId}; known: ${known}). After a change of SESSION_SECRET give both: secret: [new, old]. If another application of this host has the same cookie.name, rename one of the two`
  ])
  await after.get('/read', { cookie: `${COOKIE}=${'x'.repeat(60)}` })
  t.strictSame(after.warnings(), [], 'anything else is only forged')
}))

t.test('a clock that is ahead is said with the difference, whether the session is accepted or not', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  for (const [ahead, says] of [
    [900, null],
    [90_000, /a session tells of a time 90 seconds ahead of the clock here, which is read as now: let a time server/],
    [4_000_000, /a session tells of a time 4000 seconds ahead of the clock here and was not accepted: let a time server/]
  ] as const) {
    const built = await scene(t, { backend })
    setClock(START + ahead)
    await built.client.get('/')
    setClock(START)
    built.warnings()
    for (let i = 0; i < 2; i++) await built.get('/read')
    const said = built.warnings().map(({ msg }) => msg)
    t.match(said, says === null ? [] : [says])
    t.equal(said.length, says === null ? 0 : 1, String(ahead))
  }
}))

t.test('of many paths the first five are named', async t => {
  const paths = ['a', 'b', 'c', 'd', 'e', 'f']
  t.match(TEXTS.invalid({ paths, written: 1, version: 1 }), /\(a, b, c, d, e, …\)/)
  t.match(TEXTS.invalid({ paths: paths.slice(1), written: 1, version: 1 }), /\(b, c, d, e, f\)/)
})

t.test('docs/proxies.md has every fault that is warned of, and no other', async t => {
  const { rows } = tableOf('docs/proxies.md', 'When the log warns', '`fault`')
  t.strictSame(rows.map(([fault]) => fault).sort(), Object.keys(TEXTS).map((fault) => `\`${fault}\``).sort())
})
