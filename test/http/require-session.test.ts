import { randomBytes } from 'node:crypto'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import Fastify, { type FastifyInstance, type FastifyRequest, type LightMyRequestResponse } from 'fastify'
import t from 'tap'
import * as z from 'zod'
import { date } from '../../lib/codecs.js'
import { createSession, requireSession, type SessionHandle, withSession } from '../../lib/index.js'

const secret = randomBytes(32)
/** By the schema. To the compiler the example's, in `Register`, is the only right one. */
const requireBy = requireSession as unknown as (schema: object, ...required: readonly (string | boolean)[]) => ReturnType<typeof requireSession>
const cookieOf = (response: LightMyRequestResponse) => String(response.headers['set-cookie']).split(';', 1).join()
const states = z.discriminatedUnion('kind', [z.object({ kind: z.literal('guest') }), z.object({ kind: z.literal('user'), userId: z.string() })])
const keyed = z.object({ userId: z.string().optional(), n: z.int().default(0) })

t.test('what is no state or key of the schema is refused when the route is declared', async (t) => {
  const refused = { code: 'FST_TYPED_SESSION_INVALID_OPTION' }
  t.throws(() => requireBy(keyed, 'toString'), { ...refused, message: /no key "toString". There are: userId, n/ })
  t.throws(() => requireBy(states, 'admin'), { ...refused, message: /no kind "admin". There are: guest, user/ })
  t.throws(() => requireBy(keyed), refused)
  t.doesNotThrow(() => requireBy(states.prefault({ kind: 'guest' }), 'user'))
})

/** Who has only `n`, the session's second key, and not the user's id. */
async function visitors (app: FastifyInstance, handle: { get (request: FastifyRequest): { userId?: string | undefined, tenant?: string | undefined } }) {
  app.get('/user', async (request) => { handle.get(request).userId = 'ann' })
  app.get('/tenant', async (request) => { handle.get(request).tenant = 'a' })
  return async (url: string, as: string) => (await app.inject({ url, headers: { cookie: cookieOf(await app.inject(as)) } })).statusCode
}

const tenants = keyed.extend({ tenant: z.string().optional() })
const own = async () => {}

/** How a route may lose a guard, and what it then has to let through: whoever has both keys. */
const LOST: Readonly<Record<string, (handle: SessionHandle<typeof tenants>) => object>> = {
  'two guards in one spread': (handle) => ({ ...requireSession(handle, 'userId'), ...requireSession(handle, 'tenant') }),
  'a hook of its own': (handle) => ({ ...requireSession(handle, 'userId', 'tenant'), onRequest: own }),
  'a list of hooks of its own': (handle) => ({ ...requireSession(handle, 'userId', 'tenant'), onRequest: [own, own] }),
  'a config of its own': (handle) => ({ ...requireSession(handle, 'userId', 'tenant'), config: { rateLimit: 1 } }),
  'config and hook of its own': (handle) => ({ ...requireSession(handle, 'userId', 'tenant'), config: {}, onRequest: own }),
  'no config and no hook': (handle) => ({ ...requireSession(handle, 'userId', 'tenant'), config: undefined, onRequest: undefined }),
  'only the config of the guard': (handle) => ({ config: requireSession(handle, 'userId', 'tenant').config }),
  'two guards, one behind a hook': (handle) => ({ ...requireSession(handle, 'tenant'), onRequest: [own, requireSession(handle, 'userId').onRequest] })
}
const REGISTERED: Readonly<Record<string, (app: FastifyInstance, handle: SessionHandle<typeof tenants>) => unknown>> = {
  'registered with await': async (app, handle) => await app.register(handle.plugin),
  'registered without await': (app, handle) => { app.register(handle.plugin) },
  'by withSession': (app, handle) => { withSession(app, handle) }
}

for (const [title, guard] of Object.entries(LOST)) {
  for (const [how, register] of Object.entries(REGISTERED)) {
    t.test(`a route with ${title} is guarded, with a session ${how}`, async (t) => {
      const app = Fastify()
      t.teardown(() => app.close())
      const handle = createSession(tenants, { secret })
      await register(app, handle)
      app.get('/', guard(handle), async () => 'in')
      app.get('/both', async (request) => { Object.assign(handle.get(request), { tenant: 'a', userId: 'ann' }) })
      const status = await visitors(app, handle)
      t.strictSame([await status('/', '/user'), await status('/', '/tenant'), await status('/', '/both')], [401, 401, 200])
    })
  }
}

t.test('guards of two sessions in one spread both hold', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const [a, b] = [createSession(keyed, { secret }), createSession(keyed, { secret, name: 'other' })]
  app.register(a.plugin).register(b.plugin)
  app.get('/', { ...requireSession(a, 'userId'), ...requireSession(b, 'userId') }, async () => 'in')
  app.get('/a', async (request) => { a.get(request).userId = 'ann' })
  app.get('/b', async (request) => { b.get(request).userId = 'ann' })
  const [inA, inB] = [cookieOf(await app.inject('/a')), cookieOf(await app.inject('/b'))]
  const status = await Promise.all([inA, inB, `${inA}; ${inB}`].map(async (cookie) => (await app.inject({ url: '/', headers: { cookie } })).statusCode))
  t.strictSame(status, [401, 401, 200])
})

t.test('a refusal carries the headers of plugins that were registered later, such as those of CORS', async (t) => {
  for (const order of ['first', 'last']) {
    const app = Fastify()
    t.teardown(() => app.close())
    const handle = createSession(keyed, { secret })
    if (order === 'first') app.register(handle.plugin)
    app.register(cors, { origin: 'https://spa.example', credentials: true }).register(helmet)
    if (order === 'last') app.register(handle.plugin)
    app.register(async (child) => {
      child.get('/guarded', requireSession(handle, 'userId'), async () => 'in')
      child.get('/own-hook', { ...requireSession(handle, 'userId'), onRequest: own }, async () => 'in')
    })
    for (const url of ['/guarded', '/own-hook']) {
      const { statusCode, headers } = await app.inject({ url, headers: { origin: 'https://spa.example' } })
      t.match({ statusCode, ...headers }, { statusCode: 401, 'access-control-allow-origin': 'https://spa.example', 'content-security-policy': String }, `${url}, session ${order}`)
    }
  }
})

t.test('a guard runs once, where the route has put it', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const handle = createSession(keyed, { secret })
  await app.register(handle.plugin)
  const calls: string[] = []
  const guard = requireSession(handle, 'userId')
  app.addHook('onRoute', (route) => { if (route.url === '/') calls.push(String([route.onRequest].flat().map((hook) => hook === guard.onRequest ? 'guard' : 'own'))) })
  app.get('/', { ...guard, onRequest: [own, guard.onRequest], exposeHeadRoute: false }, async () => 'in')
  t.strictSame(calls, ['own,guard'])
})

t.test('a guard of another schema than the registered one is refused at the route, or where the session comes later at the start', async (t) => {
  const refused = { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /\/boss is guarded by another schema than that of request\.session/ }
  const other = z.object({ boss: z.string().optional() })
  const guard = (): object => requireBy(other, 'boss')
  const handle = createSession(keyed, { secret })

  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(handle.plugin)
  t.throws(() => app.get('/boss', guard(), async () => 'in'), refused)

  const typed = withSession(Fastify(), handle)
  t.teardown(() => typed.close())
  t.throws(() => typed.get('/boss', guard(), async () => 'in'), refused)

  const early = Fastify()
  t.teardown(() => early.close())
  early.register(handle.plugin)
  early.get('/boss', guard(), async () => 'in')
  await t.rejects(Promise.resolve(early.ready()), refused)
})

t.test('sessions of one name in two scopes have their own guards', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  for (const [tenant, schema] of [['a', keyed], ['b', tenants]] as const) {
    const handle = createSession(schema as typeof keyed, { secret, cookie: { path: `/${tenant}` } })
    app.register(async (child) => {
      child.get('/early', requireSession(handle, 'userId'), async () => 'in')
      await child.register(handle.plugin)
      child.get('/late', requireSession(handle, 'userId'), async () => 'in')
    }, { prefix: `/${tenant}` })
  }
  for (const url of ['/a/early', '/a/late', '/b/early', '/b/late']) t.equal((await app.inject(url)).statusCode, 401, url)
})

t.test('an empty text under the key is nobody, as it is to the option subject', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const handle = createSession(keyed, { secret })
  await app.register(handle.plugin)
  app.get('/guarded', requireSession(handle, 'userId'), async () => 'in')
  app.get('/empty', async (request) => { handle.get(request).userId = '' })
  t.equal((await app.inject({ url: '/guarded', headers: { cookie: cookieOf(await app.inject('/empty')) } })).statusCode, 401)
})

/** Keys that every session has, and keys that one may lack. */
const REQUIRED: Readonly<Record<string, [schema: z.ZodType<Record<string, unknown>>, isRefused: boolean]>> = {
  'a default': [z.object({ k: z.boolean().default(false) }), true],
  'a value': [z.object({ k: z.string() }), true],
  'a default behind a codec': [z.object({ k: date().default(() => new Date()) }), true],
  'a catch': [z.object({ k: z.string().catch('x') }), true],
  'a default, read-only': [z.object({ k: z.array(z.string()).default(() => []).readonly() }).readonly(), true],
  optional: [z.object({ k: z.string().optional() }), false],
  nullable: [z.object({ k: z.string().nullable().default(null) }), false],
  'a union with null': [z.object({ k: z.union([z.string(), z.null()]).default(null) }), false],
  'a union without null': [z.object({ k: z.union([z.string(), z.int()]).default(1) }), true],
  anything: [z.object({ k: z.any() }), false],
  'a record': [z.record(z.enum(['k']), z.string()), false],
  'one of two': [z.union([z.object({ k: z.string() }), z.object({ o: z.string() })]), false],
  'both of two': [z.union([z.object({ k: z.string() }), z.object({ k: z.string(), o: z.string() })]), true],
  'one half': [z.intersection(z.object({ k: z.string() }), z.object({ o: z.string() })), true],
  'a piped one': [z.object({ k: z.string().default('x').pipe(z.string()) }).pipe(z.object({ k: z.string() })), true],
  'a lazy one': [z.lazy(() => z.object({ k: z.string() })), false]
}
for (const [title, [schema, isRefused]] of Object.entries(REQUIRED)) {
  t.test(`a key that has ${title} ${isRefused ? 'cannot' : 'can'} be required`, async (t) => {
    const guard = () => requireBy(schema, 'k')
    if (isRefused) t.throws(guard, { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /every session has "k", so everybody would be let in/ })
    else t.doesNotThrow(guard)
  })
}

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
  t.throws(() => requireBy(z.union([guest, user]), 'dark'), { message: /no loggedIn or kind "dark". There are: false, true, guest, user$/ }, 'what may be absent tells nothing')
  const nested = z.discriminatedUnion('loggedIn', [guest, z.discriminatedUnion('kind', [user, banned.extend({ loggedIn: z.literal(true) })])])
  t.throws(() => requireBy(nested, true), { message: /no kind "true". There are: guest, user, banned, suspended$/ }, 'two members have it')
  t.doesNotThrow(() => requireBy(nested, 'suspended'))
  t.doesNotThrow(() => requireBy(z.discriminatedUnion('kind', [user]), 'theme'), 'one member needs no telling apart')
})

t.test('without the plugin in its scope the guard lets nobody through', async (t) => {
  const app = Fastify()
  const handle = createSession(keyed, { secret })
  app.get('/', requireSession(handle, 'userId'), async () => 'in')
  t.match((await app.inject('/')).json(), { statusCode: 500, code: 'FST_TYPED_SESSION_NOT_REGISTERED', message: /"session" is not registered here/ })
  await app.close()
})
