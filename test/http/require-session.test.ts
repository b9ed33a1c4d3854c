import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import t from 'tap'
import * as z from 'zod'
import { createSession, requireSession, withSession } from '../../lib/index.js'

const secret = randomBytes(32)
const states = z.discriminatedUnion('kind', [z.object({ kind: z.literal('guest') }), z.object({ kind: z.literal('user'), userId: z.string() })])
const keyed = z.object({ userId: z.string().optional(), n: z.int().default(0) })

t.test('what is no state or key of the schema is refused when the route is declared', async (t) => {
  const refused = { code: 'FST_TYPED_SESSION_INVALID_OPTION' }
  t.throws(() => requireSession(keyed, 'toString' as 'userId'), { ...refused, message: /no key "toString". There are: userId, n/ })
  t.throws(() => requireSession(states, 'admin' as 'user'), { ...refused, message: /no kind "admin". There are: guest, user/ })
  t.throws(() => (requireSession as (schema: unknown) => unknown)(keyed), refused)
  t.doesNotThrow(() => requireSession(states.prefault({ kind: 'guest' }), 'user'))
})

t.test('a route that replaces the guard\'s hook is guarded all the same', async (t) => {
  for (const [title, schema, required] of [['state', states, 'user'], ['key', keyed, 'userId']] as const) {
    const app = Fastify()
    const handle = createSession(schema as typeof keyed, { secret, initial: title === 'state' ? { kind: 'guest' } as object : {} })
    await app.register(handle.plugin)
    const own = { onRequest: async () => {} }
    app.get('/open', async () => 'open')
    app.get('/guarded', { ...requireSession(handle, required as 'userId'), ...own }, async () => 'in')
    t.equal((await app.inject('/open')).statusCode, 200)
    t.match((await app.inject('/guarded')).json(), { statusCode: 401, code: 'FST_TYPED_SESSION_REQUIRED' }, title)
    await app.close()
  }
})

t.test('the guard\'s own hook guards where a route has replaced the guard\'s config', async (t) => {
  const app = Fastify()
  const handle = createSession(keyed, { secret })
  await app.register(handle.plugin)
  app.get('/', { ...requireSession(handle, 'userId'), config: {} }, async () => 'in')
  t.equal((await app.inject('/')).statusCode, 401)
  await app.close()
})

t.test('a route that has lost a guard, by another one or by config and onRequest of its own, is refused: it would be open', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const [a, b] = [createSession(keyed, { secret }), createSession(keyed, { secret, name: 'other' })]
  await app.register(a.plugin).register(b.plugin)
  const [ga, gb] = [requireSession(a, 'userId'), requireSession(b, 'userId')]
  const own = { config: {}, onRequest: async () => {} }
  const refused = { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /replaces both config and onRequest of a guard.*onRequest: \[guard\.onRequest/ }
  t.throws(() => app.get('/both', { ...ga, ...gb }, async () => 'in'), refused)
  t.throws(() => app.get('/own', { ...ga, ...own }, async () => 'in'), refused)

  const typed = withSession(Fastify(), a)
  t.teardown(() => typed.close())
  t.throws(() => typed.get('/right-away', { ...ga, ...own }, async () => 'in'), refused)

  app.get('/list', { ...gb, onRequest: [ga.onRequest, gb.onRequest] }, async () => 'in')
  app.get('/config', { ...ga, onRequest: own.onRequest, config: { ...ga.config, rateLimit: 1 } as object }, async () => 'in')
  app.get('/other/in', async (request) => { b.get(request).userId = 'ann' })
  const cookie = String((await app.inject('/other/in')).headers['set-cookie']).split(';')[0] as string
  for (const url of ['/list', '/config']) t.equal((await app.inject({ url, headers: { cookie } })).statusCode, 401, url)
})

t.test('what is no session is refused', async (t) => {
  for (const session of [undefined, null, {}, 'session']) {
    t.throws(() => (requireSession as (session: unknown, key: string) => unknown)(session, 'userId'), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /needs a session as createSession\(\) makes it/ })
  }
})

t.test('a union without a key that tells its members apart is required by keys', async (t) => {
  const members = [z.object({ kind: z.literal('a'), a: z.string().optional() }), z.object({ kind: z.literal('a'), b: z.string().optional() })] as const
  for (const union of [z.union(members), z.union([z.object({ a: z.string().optional() }), z.object({ b: z.string().optional() })]),
    z.union([z.object({ a: z.string().optional() }), z.record(z.string(), z.string())])]) {
    const requirement = (requireSession as unknown as (schema: unknown, ...keys: string[]) => { config: { session: { require: { allows: (data: object) => boolean } } } })(union, 'a')
    const { allows } = requirement.config.session.require
    t.ok(allows({ a: 'x' }))
    t.notOk(allows({ b: 'x' }))
  }
})

t.test('P1.8: a union that several keys tell apart is required by a value of any of them, as its type has it', async (t) => {
  const guest = z.object({ loggedIn: z.literal(false), kind: z.literal('guest'), theme: z.literal('light') })
  const user = z.object({ loggedIn: z.literal(true), kind: z.literal('user'), theme: z.literal('dark').optional(), userId: z.string() })
  const banned = user.extend({ kind: z.enum(['banned', 'suspended']), loggedIn: z.literal('no') })
  for (const union of [z.discriminatedUnion('kind', [guest, user]), z.discriminatedUnion('loggedIn', [guest, user]), z.union([guest, user])]) {
    const handle = createSession(union, { secret, initial: { loggedIn: false, kind: 'guest', theme: 'light' } })
    const app = withSession(Fastify(), handle)
    app.get('/login', async ({ session }) => { session.replace({ loggedIn: true, kind: 'user', userId: 'u1' }) })
    app.get('/kind', requireSession(handle, 'user'), async ({ session }) => session.userId)
    app.get('/logged-in', requireSession(handle, true), async ({ session }) => session.userId)
    const before = await Promise.all(['/kind', '/logged-in'].map((url) => app.inject(url)))
    t.strictSame(before.map(({ statusCode }) => statusCode), [401, 401])
    const headers = { cookie: String((await app.inject('/login')).headers['set-cookie']).split(';', 1).join() }
    const after = await Promise.all(['/kind', '/logged-in'].map((url) => app.inject({ url, headers })))
    t.strictSame(after.map(({ body }) => body), ['u1', 'u1'])
    await app.close()
  }
  t.throws(() => requireSession(z.union([guest, user]), 'dark' as 'user'), { message: /no loggedIn or kind "dark". There are: false, true, guest, user$/ }, 'what may be absent tells nothing')
  const nested = z.discriminatedUnion('loggedIn', [guest, z.discriminatedUnion('kind', [user, banned.extend({ loggedIn: z.literal(true) })])])
  t.throws(() => requireSession(nested, true as unknown as 'user'), { message: /no kind "true". There are: guest, user, banned, suspended$/ }, 'two members have it')
  t.doesNotThrow(() => requireSession(nested, 'suspended'))
  t.doesNotThrow(() => requireSession(z.discriminatedUnion('kind', [user]), 'theme'), 'one member needs no telling apart')
})

t.test('without the plugin in its scope the guard lets nobody through', async (t) => {
  const app = Fastify()
  const handle = createSession(keyed, { secret })
  app.get('/', requireSession(handle, 'userId'), async () => 'in')
  t.equal((await app.inject('/')).statusCode, 500)
  await app.close()
})
