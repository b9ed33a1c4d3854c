import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { sessionPlugin } from '../../../lib/index.js'
import { readOptions } from '../../../lib/options/options.js'
import { memoryStore } from '../../../lib/stores/memory.js'
import type { SessionHookName, SessionPolicy } from '../../../types/index.js'
import { buildApp, COOKIE, eachBackend, schema, SECRET } from '../../support/app.js'
import { cookieDefaults, optionDefaults } from '../../support/option-defaults.js'

const DAY = 86_400

/** What is wrong with `options`, as `register` says it. */
async function refusal (options: object): Promise<{ code?: string, message: string } | null> {
  const app = Fastify()
  try {
    await app.register(sessionPlugin, { schema, secret: SECRET, ...options } as never)
    return null
  } catch (error) {
    return error as Error
  } finally {
    await app.close()
  }
}

const adopter = { cookie: 'old', until: new Date(Date.now() + DAY * 1000), read: () => null }

t.test('every option that cannot work is refused at register, by its path', async t => {
  const rows: [object, string, RegExp?][] = [
    [{ schema: undefined }, 'schema', /Zod 4 schema/],
    [{ schema: {} }, 'schema', /Zod 4 schema/],
    [{ schema: 'z.object' }, 'schema', /Zod 4 schema/],
    [{ store: {} }, 'store', /create, load, replace, touch, delete/],
    [{ store: null }, 'store'],
    [{ store: 'redis' }, 'store'],
    [{ store: { ...methods(), delete: undefined } }, 'store'],
    [{ name: '' }, 'name', /can follow "request\."/],
    [{ name: 'a-b' }, 'name'],
    [{ name: '1a' }, 'name'],
    [{ name: 'é' }, 'name'],
    [{ name: 7 }, 'name'],
    [{ application: 1 }, 'application'],
    [{ cookie: 'sid' }, 'cookie', /\{ name: 'sid' \}$/],
    [{ cookie: { persistent: 3_600 } }, 'cookie.persistent', /must be true or false: how long a session lives is for idleTimeout and absoluteTimeout to say/],
    [{ cookie: { httpOnly: false } }, 'cookie.httpOnly', /no such option/],
    [{ signed: 'readable' }, 'signed', /no such option/],
    ...['idleTimeout', 'absoluteTimeout', 'rotateEvery', 'storeTimeout'].flatMap((name): [object, string][] =>
      [0, -1, Number.NaN, Infinity, '60', null].map((value) => [{ [name]: value }, name])),
    ...['touchAfter', 'rotationGrace', 'sweepEvery'].flatMap((name): [object, string][] =>
      [-1, Number.NaN, Infinity, '60', null].map((value) => [{ [name]: value }, name])),
    [{ idleTimeout: 400 * DAY + 1, absoluteTimeout: 400 * DAY }, 'idleTimeout', /400 days/],
    [{ absoluteTimeout: 400 * DAY + 1 }, 'absoluteTimeout', /400 days/],
    [{ idleTimeout: 61, absoluteTimeout: 60 }, 'idleTimeout', /not be longer than absoluteTimeout \(60 seconds\)/],
    [{ idleTimeout: 31 * DAY }, 'idleTimeout', /not be longer/],
    [{ touchAfter: 60, idleTimeout: 60 }, 'touchAfter', /less than idleTimeout \(60 seconds\)/],
    [{ touchAfter: DAY }, 'touchAfter'],
    [{ timeouts: 'aal4' }, 'timeouts'],
    [{ timeouts: 'aal2', idleTimeout: 3601 }, 'timeouts', /aal2 allows 3600 seconds idle and 86400 in all/],
    [{ timeouts: 'aal3', absoluteTimeout: DAY }, 'timeouts', /aal3 allows 900/],
    [{ timeouts: 'aal1', absoluteTimeout: 31 * DAY }, 'timeouts'],
    [{ rotateOn: 'userId' }, 'rotateOn'],
    [{ rotateOn: [1] }, 'rotateOn.0'],
    [{ rotateOn: ['userId', 'nobody'] }, 'rotateOn.1 (nobody)', /no key of the schema/],
    [{ rotateOn: ['__proto__'] }, 'rotateOn.0 (__proto__)'],
    [{ rotationGrace: 3601 }, 'rotationGrace', /an hour/],
    [{ rotateEvery: 30 * DAY }, 'rotateEvery', /less than absoluteTimeout/],
    [{ subject: 7 }, 'subject', /a key, or a function/],
    [{ subject: 'nobody' }, 'subject (nobody)', /no key of the schema/],
    [{ merge: { visits: 'ours' } }, 'merge.visits', /function/],
    [{ merge: { nobody: () => 1 } }, 'merge.nobody', /no key of the schema/],
    [{ version: 0 }, 'version'],
    [{ version: 1.5 }, 'version'],
    [{ version: 65_536 }, 'version'],
    [{ version: '2' }, 'version'],
    [{ migrate: { one: () => ({}) } }, 'migrate.one', /version it starts from/],
    [{ migrate: { 1: 'up' }, version: 2 }, 'migrate.1', /function/],
    [{ migrate: { 1: () => ({}) } }, 'migrate.1', /not older than version \(1\)/],
    [{ migrate: { 3: () => ({}) }, version: 2 }, 'migrate.3'],
    [{ migrate: { 1: async () => ({}) }, version: 2 }, 'migrate.1', /cannot be asynchronous/],
    [{ merge: { visits: async () => 1 } }, 'merge.visits', /cannot be asynchronous/],
    [{ subject: async () => 'u1' }, 'subject', /cannot be asynchronous/],
    [{ subject: 'userId', store: memoryStore(), describe: async () => ({}) }, 'describe', /cannot be asynchronous/],
    [{ onInvalid: 'ignore' }, 'onInvalid'],
    [{ onStoreError: 'retry' }, 'onStoreError'],
    [{ undeclaredKeys: 'flash' }, 'undeclaredKeys'],
    [{ undeclaredKeys: [7] }, 'undeclaredKeys.0', /name or a RegExp/],
    [{ undeclaredKeys: ['visits'] }, 'undeclaredKeys'],
    [{ storeTimeout: 3601 }, 'storeTimeout'],
    [{ sweepEvery: 400 * DAY + 1 }, 'sweepEvery'],
    [{ adopt: {} }, 'adopt', /a list of adopters/],
    [{ adopt: [7] }, 'adopt.0', /must be an adopter, such as fromExpressSession/],
    [{ adopt: [{ ...adopter, cookie: 'a b' }] }, 'adopt.0.cookie', /HTTP token/],
    [{ adopt: [{ ...adopter, cookie: undefined }] }, 'adopt.0.cookie', /name of the old cookie, or \{ name, path, domain \}/],
    [{ adopt: [adopter, { ...adopter, cookie: { name: 'old', paht: '/' } }] }, 'adopt.1.cookie.paht', /no such option/],
    [{ adopt: [{ ...adopter, cookie: '__Host-Http-session' }] }, 'adopt.0.cookie', /the cookie of this session, too/],
    [{ adopt: [{ ...adopter, until: undefined }] }, 'adopt.0.until', /a Date/],
    [{ adopt: [{ ...adopter, until: '2027-01-01' }] }, 'adopt.0.until', /a Date/],
    [{ adopt: [{ ...adopter, until: new Date(NaN) }] }, 'adopt.0.until', /a Date/],
    [{ adopt: [{ ...adopter, until: new Date(Date.now() + 401 * DAY * 1000) }] }, 'adopt.0.until', /at most 400 days ahead/],
    [{ adopt: [{ ...adopter, ending: 'keep' }] }, 'adopt.0.ending', /leave, forget/],
    [{ adopt: [{ ...adopter, read: undefined }] }, 'adopt.0.read', /must be a function/],
    [{ adopt: [{ ...adopter, forget: 'it' }] }, 'adopt.0.forget', /must be a function/],
    [{ hooks: { onLogin: () => {} } }, 'hooks.onLogin', /no such hook, there are: onCreate/],
    [{ hooks: { onSave: 'log' } }, 'hooks.onSave', /function/],
    [{ hooks: 7 }, 'hooks', /object of functions/],
    [{ hooks: [] }, 'hooks', /object of functions/],
    [{ hooks: [() => {}] }, 'hooks', /object of functions/],
    [{ initial: () => ({ visits: 'many' }) }, 'initial'],
    [{ initial: { visits: 1, visit: 2 } }, 'initial', /the schema has no visit\b/],
    [{ initial: () => ({ cart: [{ sku: 'tea', qty: 1, qyt: 2 }], zz: 1 }) }, 'initial', /the schema has no .*cart\[0\]\.qyt/],
    [{ saveUninitialized: true }, 'saveUninitialized', /no such option/],
    [{ cookieName: 'sid' }, 'cookieName', /no such option/],
    [{ maxAge: 60 }, 'maxAge', /no such option/]
  ]
  for (const [options, path, why = /./] of rows) {
    const error = await refusal(options)
    const label = `${Object.keys(options).join(', ')}: ${Object.values(options).map(String).join(', ')}`
    t.equal(error?.code, 'FST_TYPED_SESSION_INVALID_OPTION', label)
    t.ok(error?.message.startsWith(`Session option ${path}`), `${label}: ${error?.message}`)
    t.match(error?.message, why, label)
  }
})

t.test('what is wrong with an option is said in our words: what it must be', async t => {
  const wrong = [null, 'x', '', 0, -1, Number.NaN, Infinity, 1e12, 1n, true, [], [null], {}, { a: null }, { 1: null }, () => {}, Symbol('x'), new Date(), /x/]
  const told = async (options: object, label: string) => {
    const error = await refusal(options)
    if (error === null || error.code === 'FST_TYPED_SESSION_INVALID_SECRET') return
    t.equal(error.code, 'FST_TYPED_SESSION_INVALID_OPTION', label)
    t.notMatch(error.message, /: (?:Invalid|Too|Unrecognized)\b|expected/, label)
  }
  for (const [index, value] of wrong.entries()) {
    for (const option of Object.keys(optionDefaults)) await told({ [option]: value }, `${option}, ${index}`)
    for (const option of Object.keys(cookieDefaults)) await told({ cookie: { [option]: value } }, `cookie.${option}, ${index}`)
  }
})

t.test('an adopter may be an object with methods, and says where its cookie lies', async (t) => {
  class Own {
    readonly cookie = { name: 'old', path: '/shop', domain: 'example.com' }
    readonly until = new Date(Date.now() + 1000)
    readonly ending = 'forget'
    read () { return { data: { until: this.until } } }
  }
  const own = new Own()
  const { adopt } = readOptions({ schema, adopt: [adopter, own] }, false)
  t.match(adopt, [{ cookie: { name: 'old', path: '/', domain: null }, forgets: false }, { cookie: own.cookie, until: own.until.getTime(), forgets: true }])
  t.strictSame(adopt[1]?.adopter.read('v', {} as never), { data: { until: own.until } })
})

function methods () {
  const none = async () => {}
  return { create: none, load: none, replace: none, touch: none, delete: none }
}

t.test('schema and secret have refusals of their own', async t => {
  t.equal((await refusal({ schema: z.object({ at: z.date() }) }))?.code, 'FST_TYPED_SESSION_INVALID_SCHEMA')
  t.equal((await refusal({ schema: z.object({ save: z.string().optional() }) }))?.code, 'FST_TYPED_SESSION_INVALID_SCHEMA')
  t.equal((await refusal({ schema: z.object({ needed: z.string() }) }))?.code, 'FST_TYPED_SESSION_INVALID_SCHEMA')
  for (const secret of [undefined, null, '', 'short', 7, [], {}, () => 'short', async () => undefined]) {
    const error = await refusal({ secret })
    t.equal(error?.code, 'FST_TYPED_SESSION_INVALID_SECRET', String(secret))
    t.match(error?.message, /keygen/)
  }
  await t.rejects(Promise.resolve(Fastify().register(sessionPlugin, undefined as never)), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /option schema/ })
})

t.test('a secret function that fails is a refused secret, whose cause is what it threw', async t => {
  const closed = new Error('the vault is closed')
  for (const secret of [async () => { throw closed }, () => { throw closed }]) {
    const error = await refusal({ secret }) as (Error & { code: string }) | null
    t.equal(error?.code, 'FST_TYPED_SESSION_INVALID_SECRET')
    t.equal(error?.cause, closed)
    t.equal(error?.message, 'Session option secret: the function threw "the vault is closed"')
  }
  const value: unknown = 'Vn0pm'.repeat(9)
  const error = await refusal({ secret: () => { throw value } }) as (Error & { code: string }) | null
  t.equal(error?.message, 'Session option secret: the function threw what is no Error', 'it could be the secret')
})

t.test('the very limits are allowed', async t => {
  const rows: object[] = [
    { idleTimeout: 400 * DAY, absoluteTimeout: 400 * DAY }, { idleTimeout: 0.5, absoluteTimeout: 0.5 }, { touchAfter: 0 }, { touchAfter: 59.9, idleTimeout: 60 },
    { rotationGrace: 0 }, { rotationGrace: 3600 }, { sweepEvery: 0 }, { version: 65_535 }, { version: 2, migrate: { 1: () => ({}) } },
    { timeouts: 'aal2', idleTimeout: 60, absoluteTimeout: 3600 }, { rotateOn: [] }, { subject: 'userId' }, { subject: () => undefined }, { undeclaredKeys: ['flash', /^oauth2:/] },
    { store: methods() }, { initial: { visits: 3 } }, { name: '_x1' }, { prefix: '/x', logLevel: 'warn' }
  ]
  for (const options of rows) t.equal(await refusal(options), null, JSON.stringify(options))
})

t.test('the defaults', async t => {
  const settings = readOptions({ schema, secret: SECRET }, false)
  t.match(settings, {
    name: 'session',
    application: '',
    store: null,
    idle: { usual: DAY * 1000, ask: null },
    absolute: { usual: 30 * DAY * 1000, ask: null },
    touchAfter: DAY * 100,
    rotateOn: [],
    rotateEvery: 0,
    grace: 10_000,
    merge: {},
    version: 1,
    migrate: {},
    onInvalid: 'discard',
    storeTimeout: 2000,
    sweepEvery: 600_000,
    onStoreError: 'fail',
    undeclaredKeys: [],
    adopt: [],
    hooks: {}
  })
  t.equal(settings.initial, undefined)
  t.equal(settings.subject, null)
})

t.test('S-n2: every session has both timeouts, whatever is given; presets are NIST SP 800-63B-4', async t => {
  const rows: [object, number, number][] = [
    [{}, DAY, 30 * DAY],
    [{ absoluteTimeout: 3600 }, 3600, 3600],
    [{ idleTimeout: 60 }, 60, 30 * DAY],
    [{ timeouts: 'aal1' }, 30 * DAY, 30 * DAY],
    [{ timeouts: 'aal2' }, 3600, DAY],
    [{ timeouts: 'aal3' }, 900, DAY / 2],
    [{ timeouts: 'aal3', absoluteTimeout: 600 }, 600, 600]
  ]
  for (const [options, idle, absolute] of rows) {
    const settings = readOptions({ schema, secret: SECRET, ...options }, false)
    t.strictSame([settings.idle.usual, settings.absolute.usual, settings.touchAfter], [idle * 1000, absolute * 1000, idle * 100], JSON.stringify(options))
  }
})

t.test('a subject is text; nothing, and the empty text, are nobody', async t => {
  const subject = (option: unknown) => readOptions({ schema, secret: SECRET, subject: option }, false).subject
  for (const [value, expected] of [['u1', 'u1'], [7, '7'], ['', undefined], [null, undefined], [undefined, undefined]]) {
    t.equal(subject('userId')?.({ userId: value }), expected)
    t.equal(subject((data: { userId?: unknown }) => data.userId)?.({ userId: value }), expected)
  }
})

const POLICY: SessionPolicy = {
  name: 'session',
  backend: 'cookie',
  cookie: { name: COOKIE, path: '/', domain: null, sameSite: 'lax', secure: true, httpOnly: true, partitioned: false, priority: null, persistent: false },
  idleTimeout: 900,
  absoluteTimeout: 43_200,
  touchAfter: 90,
  rotateOn: ['userId'],
  subject: false,
  rotateEvery: 0,
  rotationGrace: 10,
  version: 1,
  onInvalid: 'discard',
  onStoreError: 'fail',
  storeTimeout: 2,
  maxPerSubject: 0,
  overLimit: 'evict-oldest',
  revocations: false,
  revocationStaleness: 0,
  deviceBound: false,
  keyIds: []
}

t.test('S-7.1.1: policy() says what is in force, frozen, with nothing secret in it', t => eachBackend(t, async (t, backend) => {
  const { sessions } = await buildApp(t, { backend, timeouts: 'aal3' })
  const policy = sessions.policy()
  t.strictSame({ ...policy, keyIds: [] }, { ...POLICY, backend: backend === 'memory' ? 'store' : 'cookie', revocations: backend === 'revocable' })
  t.equal(policy.keyIds.length, 1)
  for (const part of [policy, policy.cookie, policy.rotateOn, policy.keyIds]) t.ok(Object.isFrozen(part))
  t.throws(() => { (policy.rotateOn as string[]).push('x') }, TypeError)
  t.throws(() => { (policy.cookie as { name: string }).name = 'x' }, TypeError)
  for (let at = 0; at + 8 <= SECRET.length; at++) t.notOk(JSON.stringify(policy).includes(SECRET.slice(at, at + 8)))
}))

t.test('K-7: nothing that happens to the options later, to another instance, or in 10,000 requests changes the policy', async t => {
  const rotateOn: 'userId'[] = ['userId']
  const options = { rotateOn, cookie: { path: '/', sameSite: 'lax' as 'lax' | 'none' }, undeclaredKeys: ['flash'], hooks: {} as Partial<Record<SessionHookName, () => void>>, merge: {} }
  const first = await buildApp(t, { backend: 'cookie', ...options, fastify: { logger: false } })
  const second = await buildApp(t, { backend: 'cookie', ...options, fastify: { logger: false } })
  const before = JSON.stringify(first.sessions.policy())
  rotateOn.splice(0)
  options.cookie.path = '/elsewhere'
  options.cookie.sameSite = 'none'
  options.undeclaredKeys.push('more')
  options.hooks.onSave = () => t.fail('a hook that was added to the options later')
  for (const { app } of [first, second]) {
    app.get('/login', async (request) => { request.session.userId = String(Math.random()) })
    app.get('/none', async () => 'ok')
  }
  for (const { client } of [first, second]) {
    await client.get('/login')
    const old = client.token
    await client.get('/login')
    t.not(client.token, old)
  }
  for (let i = 0; i < 10_000; i++) await first.app.inject('/none')
  const { headers } = await first.client.get('/login')
  t.match(headers['set-cookie'], /^__Host-Http-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  t.equal(first.events.filter(({ name }) => name === 'onRotate').length, 2, 'the 10,000th request rotates as the first did')
  t.equal(JSON.stringify(first.sessions.policy()), before)
  t.equal(JSON.stringify(second.sessions.policy()), before)
})

t.test('who comes from another plugin is told what it is called here', async t => {
  const refused = (options: object) => {
    try {
      readOptions({ schema, secret: SECRET, ...options }, false)
    } catch (error) {
      return (error as Error).message
    }
  }
  t.match(refused({ saveUninitialized: false }), /option saveUninitialized: there is no such option, a session is kept when something is written to it/)
  t.match(refused({ cookie: { maxAge: 5 } }), /option cookie\.maxAge: there is no such option, use persistent/)
  t.match(refused({ constructor: 1 }), /option constructor: there is no such option$/)
  t.match(refused({ idleTimeout: '1d' }), /option idleTimeout: must be a number of seconds/)
  const advice: Array<[unknown, RegExp]> = [
    [memoryStore, /option store: must be a store, and this is a function: call it, as in memoryStore\(\)/],
    [{ evalsha () {}, get () {}, set () {}, status: 'ready' }, /this is a Redis client: redisStore\(\{ client \}\)/],
    [{ sendCommand () {} }, /this is a Redis client/],
    [{ get () {}, set () {}, destroy () {} }, /this is one for express-session: connectStore\(store\)/],
    [new Map(), /such as memoryStore\(\) or redisStore\(\{ client \}\): an object with the methods create, load, replace, touch, delete/]
  ]
  for (const [store, message] of advice) t.match(refused({ store }), message)
  t.match(refused({ name: 'x'.repeat(65) }), /option name: must be no longer than 64 characters/)
})
