import t from 'tap'
import { keyrings } from '../support/tokens.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { buildApp, COOKIE, eachBackend, SECRET, setCookies, settled } from '../support/app.js'
import { START, stopTime } from '../support/clock.js'
import { watchProcess } from '../support/process-events.js'

const DAY = 86_400_000
const record = (fields: object) => JSON.stringify({ version: 1, createdAt: START, usedAt: START, data: { visits: 1, theme: 'light', cart: [] }, ...fields })
const withData = (data: string) => `{"version":1,"createdAt":${START},"usedAt":${START},"data":${data}}`
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

/** What a store might find under an id, and what is told of it. */
const PAYLOADS: ReadonlyArray<readonly [string, unknown, string]> = [
  ['truncated JSON', record({}).slice(0, -7), 'corrupt'],
  ['nothing at all', '', 'corrupt'],
  ['a space', ' ', 'corrupt'],
  ['NUL bytes', '\0\0\0\0', 'corrupt'],
  ['a NUL byte behind the record', `${record({})}\0`, 'corrupt'],
  ['a byte order mark before it', `\ufeff${record({})}`, 'corrupt'],
  ['invalid UTF-8 that a driver replaced', record({}).replace('{', '\ufffd'), 'corrupt'],
  ['the text null', 'null', 'corrupt'],
  ['the text true', 'true', 'corrupt'],
  ['a number', '7', 'corrupt'],
  ['a JSON string', '"text"', 'corrupt'],
  ['an array', '[1,2]', 'corrupt'],
  ['an empty object', '{}', 'corrupt'],
  ['deep nesting', nested(10_000), 'corrupt'],
  ['10 MB of nothing', 'x'.repeat(10_000_000), 'too-large'],
  ['undefined', undefined, 'corrupt'],
  ['no text but a number', 7, 'corrupt'],
  ['no text but an object', { version: 1 }, 'corrupt'],
  ['no text but bytes', Buffer.from(record({})), 'corrupt'],
  ...['version', 'createdAt', 'usedAt', 'authenticatedAt', 'rotatedAt', 'idle', 'absolute'].flatMap((field) =>
    (['text', -1, 1.5, 2 ** 48, 1e308, [], {}, true] as const).map((value) => [`${field}: ${JSON.stringify(value)}`, record({ [field]: value }), 'corrupt'] as const)),
  ...['text', 0, 3_600, [], {}].map((value) => [`persist: ${JSON.stringify(value)}`, record({ persist: value }), 'corrupt'] as const),
  ...['version', 'createdAt', 'usedAt'].map((field) => [`${field}: null`, record({ [field]: null }), 'corrupt'] as const),
  ['NaN', record({}).replace(`"usedAt":${START}`, '"usedAt":NaN'), 'corrupt'],
  ['a time that overflows', record({}).replace(`"usedAt":${START}`, '"usedAt":1e999'), 'corrupt'],
  ['a moved session without a time', '{"movedTo":"00000000:00","final":false}', 'corrupt'],
  ['a moved session that leads to a path', `{"movedTo":"../../etc/passwd","at":${START},"final":false}`, 'corrupt'],
  ['a moved session that leads to a command', `{"movedTo":"a\\r\\nflush_all\\r\\n","at":${START},"final":false}`, 'corrupt'],
  ['no data', record({ data: undefined }), 'invalid'],
  ['data that are null', withData('null'), 'invalid'],
  ['data that are a text', withData('"text"'), 'invalid'],
  ['data that are an array', withData('[]'), 'invalid'],
  ['data of a wrong type', withData('{"visits":"many"}'), 'invalid'],
  ['a date that is none', withData('{"lastSeen":"yesterday"}'), 'invalid'],
  ['deeply nested data', withData(`{"cart":${nested(10_000)}}`), 'invalid'],
  ['an own __proto__', withData('{"__proto__":{"polluted":true},"visits":1}'), 'invalid'],
  ['an own __proto__, escaped', withData('{"\\u005f_proto__":{"polluted":true},"visits":1}'), 'invalid'],
  ['an own __proto__ inside', withData('{"profile":{"name":"x","__proto__":{"polluted":true}}}'), 'invalid'],
  ['a constructor', withData('{"constructor":{"prototype":{"polluted":true}}}'), 'invalid'],
  ['a hostile extra', withData('{},"extra":{"__proto__":{"polluted":true}}'), 'invalid'],
  ['begun in the future', record({ createdAt: START + 3_600_001, usedAt: START }), 'from-the-future'],
  ['begun too long ago', record({ createdAt: START - 31 * DAY }), 'expired'],
  ['from the beginning of time', record({ createdAt: 0, usedAt: 0 }), 'expired'],
  ['ended', '{"ended":true}', 'unknown']
]

for (const [what, payload, reason] of PAYLOADS) {
  t.test(`R-14, K-46: a record that is corrupt: ${what}`, async t => {
    stopTime(t)
    const { uncaught } = watchProcess(t)
    const memory = memoryStore()
    const seen: string[] = []
    let replaced = false
    const store = {
      create: memory.create.bind(memory),
      replace: memory.replace.bind(memory),
      touch: memory.touch.bind(memory),
      delete: memory.delete.bind(memory),
      async load (id: string) { seen.push(id); return replaced && seen[0] === id ? payload as string : await memory.load(id) }
    }
    const { app, client, rejected, newClient } = await buildApp(t, { backend: 'memory', store })
    app.get('/write', async ({ session }) => { session.visits++ })
    app.get('/read', async ({ session }) => ({ ...session.data(), isNew: session.isNew, polluted: (session as unknown as Record<string, unknown>).polluted }))
    await client.get('/write')
    const old = client.header
    await client.get('/read')
    replaced = true
    const response = await client.get('/read')
    t.equal(response.statusCode, 200)
    t.match(response.json(), { visits: 0, isNew: true })
    t.strictSame(setCookies(response.headers), [])
    t.strictSame(rejected().map(({ reason }) => reason), [reason])
    t.notMatch(JSON.stringify(rejected()[0]!.paths), 'polluted')
    t.equal(({} as Record<string, unknown>).polluted, undefined)

    await client.get('/write')
    t.not(client.header, old, 'a new session has an id of its own')
    t.equal((await client.get('/read')).json().visits, 1)
    t.equal(await memory.load(seen[0] as string) !== null, true, 'the old record is left alone')
    t.equal((await newClient().get('/read', { cookie: old })).json().visits, 0)
    await settled()
    t.strictSame(uncaught, [])
  })
}

t.test('a record that leads in a circle, or to itself, ends the search', async t => {
  stopTime(t)
  const memory = memoryStore()
  const { app, client, rejected } = await buildApp(t, { backend: 'memory', store: memory })
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/read', async ({ session }) => session.data())
  await client.get('/write')
  let loads = 0
  memory.load = (id) => { loads++; return `{"movedTo":"${id}","at":${START},"final":false}` }
  t.equal((await client.get('/read')).json().visits, 0)
  t.strictSame(rejected().map(({ reason }) => reason), ['moved'])
  t.ok(loads <= 100, `${loads} loads`)
})

// S-9.2.1, K-14. A forger who has the key: what is sealed is not trusted for being sealed.
const keyring = keyrings([Buffer.from(SECRET, 'base64url')], { application: '', session: 'session', cookie: COOKIE })

interface Sealed { createdAt?: number, usedAt?: number, authenticatedAt?: number, version?: number, flags?: number, more?: Buffer, body?: string | Buffer }

function seal ({ createdAt = START, usedAt = START, authenticatedAt = 0, version = 1, flags = 0, more = Buffer.alloc(0), body = '{"visits":1}' }: Sealed): string {
  const head = Buffer.alloc(37)
  head.writeUIntBE(createdAt, 16, 6)
  head.writeUIntBE(usedAt, 22, 6)
  head.writeUIntBE(authenticatedAt, 28, 6)
  head.writeUInt16BE(version, 34)
  head[36] = flags
  return keyring.sealed.write(Buffer.concat([head, more, Buffer.from(body)]))
}

const LAST = 2 ** 48 - 1
const TOKENS: Readonly<Record<string, readonly [string, string]>> = {
  'an empty body': [keyring.sealed.write(Buffer.alloc(0)), 'forged'],
  'half a head': [keyring.sealed.write(Buffer.alloc(20)), 'forged'],
  'a head and no data': [seal({ body: '' }), 'forged'],
  'truncated JSON': [seal({ body: '{"visits":1' }), 'forged'],
  'NUL bytes behind the data': [seal({ body: '{"visits":1}\0' }), 'forged'],
  'invalid UTF-8 between': [seal({ body: Buffer.from([0x7b, 0xff, 0x7d]) }), 'forged'],
  'flags that do not exist': [seal({ flags: 64 }), 'forged'],
  'all flags, and nothing for them': [seal({ flags: 63 }), 'forged'],
  'a flag for more data, and no list': [seal({ flags: 8 }), 'forged'],
  'a time of rotation that is cut off': [seal({ flags: 1, body: '{}' }), 'forged'],
  null: [seal({ body: 'null' }), 'invalid'],
  'a number': [seal({ body: '7' }), 'invalid'],
  'an array': [seal({ body: '[]' }), 'invalid'],
  'a wrong type': [seal({ body: '{"visits":"many"}' }), 'invalid'],
  'an own __proto__': [seal({ body: '{"__proto__":{"polluted":true}}' }), 'invalid'],
  'an own __proto__, escaped': [seal({ body: '{"\\u005f_proto__":{"polluted":true}}' }), 'invalid'],
  'deep nesting': [seal({ body: `{"cart":${nested(500)}}` }), 'invalid'],
  'a hostile extra': [seal({ flags: 8, body: '[{},{"__proto__":{"polluted":true}}]' }), 'invalid'],
  'begun in the future': [seal({ createdAt: START + 3_600_001 }), 'from-the-future'],
  'begun at the end of time': [seal({ createdAt: LAST, usedAt: LAST }), 'from-the-future'],
  'from the beginning of time': [seal({ createdAt: 0, usedAt: 0 }), 'expired'],
  'idle for too long': [seal({ usedAt: START - DAY }), 'expired'],
  'begun too long ago': [seal({ createdAt: START - 30 * DAY }), 'expired'],
  'sealed for another cookie': [keyrings([Buffer.from(SECRET, 'base64url')], { application: '', session: 'session', cookie: 'other' }).sealed.write(Buffer.alloc(40)), 'forged'],
  'an id for a store': [keyring.reference.write(Buffer.alloc(38)), 'forged']
}

for (const [what, [token, reason]] of Object.entries(TOKENS)) {
  t.test(`S-9.2.1: an authentic token with hostile contents: ${what}`, async t => {
    stopTime(t)
    const { uncaught } = watchProcess(t)
    const { app, client, newClient, rejected } = await buildApp(t, { backend: 'cookie' })
    app.get('/read', async ({ session }) => ({ ...session.data(), isNew: session.isNew }))
    client.jar.set(COOKIE, token)
    const response = await client.get('/read')
    const plain = await newClient().get('/read')
    t.equal(response.statusCode, 200)
    t.strictSame(response.json(), plain.json(), 'as without a cookie')
    t.strictSame(Object.keys(response.headers).sort(), Object.keys(plain.headers).sort())
    t.strictSame(rejected().map(({ reason }) => reason), [reason])
    t.equal(({} as Record<string, unknown>).polluted, undefined)
    t.strictSame(uncaught, [])
  })
}

t.test('what is sealed rightly is read, so that the cases above fail for the reason they name', async t => {
  stopTime(t)
  const { app, client } = await buildApp(t, { backend: 'cookie' })
  app.get('/read', async ({ session }) => session.data())
  const six = Buffer.alloc(6)
  six.writeUIntBE(START, 0, 6)
  for (const sealed of [{}, { usedAt: START + 60_000 }, { usedAt: LAST }, { createdAt: START + 3_600_000 }, { createdAt: START - 30 * DAY + 1 }, { usedAt: START - DAY + 1, createdAt: START - DAY }, { flags: 1, more: six }, { flags: 8, body: '[{"visits":1},{}]' }]) {
    client.jar.set(COOKIE, seal(sealed))
    t.equal((await client.get('/read')).json().visits, 1, JSON.stringify(sealed))
  }
})

t.test('a cookie that is longer than any browser would keep is not even decoded', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client, rejected } = await buildApp(t, { backend })
    app.get('/read', async ({ session }) => session.data())
    client.jar.set(COOKIE, '1'.repeat(8_000))
    t.equal((await client.get('/read')).json().visits, 0)
    t.strictSame(rejected().map(({ reason }) => reason), ['malformed'])
  })
})
