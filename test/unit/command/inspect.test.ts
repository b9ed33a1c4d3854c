import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { inspectToken } from '../../../lib/command/inspect.js'
import { readCookieText } from '../../../lib/command/input.js'
import { MemoryStore } from '../../../lib/stores/memory.js'
import { buildApp, COOKIE, SECRET } from '../../support/app.js'
import { loadCipher } from '../../../lib/tokens/cipher.js'
import { createKeyring } from '../../../lib/tokens/keyring.js'
import { sealed } from '../../../lib/tokens/kinds.js'
import { parseSecrets } from '../../../lib/tokens/secrets.js'
import { BOUND, deviceApp, signedIn } from '../../support/device-app.js'
import { FaultyStore } from '../../support/faulty-store.js'
import { pass, START, stopTime } from '../../support/clock.js'

const binding = { session: 'session', cookie: COOKIE, application: '' }
const HOUR = 3_600_000

/** Lines by their name. */
const facts = (text: string) => Object.fromEntries(text.trimEnd().split('\n').map((line) => [line.slice(0, 16).trim(), line.slice(16)]))
const inspect = async (text: string, { secret = SECRET, now = START, application = '' } = {}) => facts(await inspectToken(text, secret, { ...binding, application }, now))

t.test('of a sealed cookie: key, times, sizes of the keys and the data', async (t) => {
  stopTime(t)
  const { client, app } = await buildApp(t, { backend: 'cookie', undeclaredKeys: ['flash'], idleTimeout: () => 600, absoluteTimeout: () => 3_600 })
  app.get('/', async ({ session }) => { Object.assign(session, { userId: 'ann', visits: 3, flash: 'hello' }); session.persist() })
  await client.get('/')
  const said = await inspect(client.header, { now: START + HOUR })
  t.match(said, {
    kind: /^sealed/,
    'key id': /^[\w-]{6}, the newest secret$/,
    version: '1',
    created: '2026-01-15T12:00:00.000Z, 60 minutes ago',
    'last used': /ago$/,
    'signed in': /ago$/,
    rotated: 'never',
    'idle deadline': '2026-01-15T12:10:00.000Z, 50 minutes ago',
    absolute: '2026-01-15T13:00:00.000Z, 0 seconds ago',
    'persist()': 'true',
    bytes: `${client.token?.length} of the token`,
    undeclared: '{"flash":"hello"}'
  })
  t.strictSame(JSON.parse(said.data ?? ''), { userId: 'ann', visits: 3, theme: 'light', cart: [] })
  t.match(await inspect(client.token as string, { now: START - 1 }), { created: '2026-01-15T12:00:00.000Z, in 0 seconds' })
  t.match(await inspect(`Cookie: a=b; ${client.header}`, { now: START + 100 * 24 * HOUR }), { created: /, 100 days ago$/ })
})

t.test('a deadline that the options decide is said to be theirs, and what has not happened has not', async (t) => {
  stopTime(t)
  const { client, app } = await buildApp(t, { backend: 'cookie' })
  app.get('/', async ({ session }) => { session.visits = 3 })
  app.get('/rotate', async ({ session }) => await session.rotate())
  await client.get('/')
  t.match(await inspect(client.token as string), { 'signed in': 'no', 'idle deadline': /idleTimeout/, absolute: /absoluteTimeout/, 'persist()': 'not called', undeclared: undefined })
  pass(5 * HOUR)
  await client.get('/rotate')
  t.match(await inspect(client.token as string, { now: START + 5 * HOUR + 30_000 }), { created: /, 5 hours ago$/, rotated: /, 30 seconds ago$/ })
})

t.test('of the cookie of a store: the key under which the record lies', async (t) => {
  stopTime(t)
  const store = new FaultyStore(new MemoryStore())
  const { client, app } = await buildApp(t, { backend: 'memory', store })
  app.get('/', async ({ session }) => { session.visits = 3 })
  await client.get('/')
  t.strictSame(await inspect(client.token as string), {
    kind: 'reference: the session lies in a store',
    'key id': (await inspect(client.token as string))['key id'],
    issued: '2026-01-15T12:00:00.000Z, 0 seconds ago',
    'key in store': store.arguments[0]![0]
  })
})

t.test('of the cookie of a device: which binding it proves, and until when', async (t) => {
  stopTime(t)
  const browser = await signedIn(await deviceApp(t, { backend: 'memory' }))
  const said = facts(await inspectToken(browser.header, SECRET, { ...binding, cookie: BOUND }, START))
  t.match(said, { kind: /^bound/, 'key id': /newest/, binding: browser.bound.id, 'good until': '2026-01-15T12:10:00.000Z, in 10 minutes' })
  t.match(facts(await inspectToken(browser.header, SECRET, { ...binding, cookie: BOUND, session: 'other' }, START)), { content: /^cannot be opened/ })
})

t.test('a token that cannot be opened says so, and with which key it was made', async (t) => {
  const { client, app } = await buildApp(t, { backend: 'cookie' })
  app.get('/', async ({ session }) => { session.visits = 3 })
  await client.get('/')
  const token = client.token as string
  const other = randomBytes(32).toString('base64url')
  t.match(await inspect(token, { secret: other }), { 'key id': /, unknown: SESSION_SECRET has / })
  t.match(await inspect(token, { secret: `${other}, ${SECRET}` }), { 'key id': /, known, secret 2 of 2$/, version: '1' })
  t.match(await inspect(token, { application: 'another' }), { 'key id': /newest/, content: /^cannot be opened/ })
  t.match(await inspect(`${token.slice(0, -3)}AAA`), { content: /^cannot be opened/ })
  const keyring = createKeyring(parseSecrets(SECRET), binding, sealed(await loadCipher()))
  t.match(await inspect(keyring.write(randomBytes(40))), { content: /^is not what this version/ })
})

t.test('a token of somebody else cannot command the terminal: what is not to be seen is shown as an escape', async (t) => {
  const said = await inspectToken('3\u001b[2J\nx\u202e', SECRET, binding, START)
  t.notMatch(said, /[^\P{C}\n]/u)
  t.match(said, 'key id          \\u{1b}[2J\\u{a}x, unknown')
})

t.test('anything else is named, too', async (t) => {
  t.equal(await inspectToken('nonsense', SECRET, binding, START), `This is no token of fastify-typed-session: it begins with none of 3, 4 and 5. There is no cookie named ${COOKIE} in it, either.\n`)
  t.equal(await inspectToken(`${COOKIE}=nonsense`, SECRET, binding, START), 'This is no token of fastify-typed-session: it begins with none of 3, 4 and 5.\n')
  t.equal(await inspectToken(`${COOKIE}=3; ${COOKIE}=4`, SECRET, binding, START), `There are 2 cookies named ${COOKIE}: the plugin uses none of them.\n`)
  await t.rejects(inspectToken(`4${'A'.repeat(200)}`, ' , ', binding, START), { code: 'FST_TYPED_SESSION_INVALID_SECRET', message: 'is missing' })
})

t.test('a person is asked for the cookie, on stderr', async (t) => {
  const [input, output] = [Object.assign(new PassThrough(), { isTTY: true }), new PassThrough()]
  const asked = readCookieText(input as never, output)
  input.end('the cookie\n')
  t.equal(await asked, 'the cookie')
  t.match(String(output.read()), 'Value of the session cookie')
  t.equal(await readCookieText(new PassThrough().end('piped') as never, output), 'piped')
})
