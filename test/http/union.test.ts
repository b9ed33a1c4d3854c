import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { date } from '../../lib/codecs.js'
import { createSession, requireSession, withSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { type BackendName, Client, eachBackend, SECRET } from '../support/app.js'

const guest = z.object({ kind: z.literal('guest'), cart: z.array(z.string()).default(() => []) })
const user = z.object({ kind: z.literal('user'), userId: z.string(), cart: z.array(z.string()).default(() => []), since: date().optional() })
const admin = z.object({ kind: z.literal('admin'), userId: z.string(), level: z.int() })
const schema = z.discriminatedUnion('kind', [guest, user, admin])

const place = (backend: BackendName) => ({ secret: SECRET, ...(backend === 'memory' && { store: memoryStore() }), ...(backend === 'revocable' && { revocations: memoryStore() }) })
const clientOf = (app: Pick<FastifyInstance, 'inject'>) => new Client((request) => app.inject(request), '__Host-Http-session')

/** Guests, users and admins, and a way from each state to the next. */
async function states (t: { teardown: (fn: () => unknown) => void }, backend: BackendName) {
  const handle = createSession(schema, { ...place(backend), initial: { kind: 'guest' }, rotateOn: ['kind'], undeclaredKeys: ['flash'] })
  const app = withSession(Fastify(), handle)
  app.get('/data', async ({ session }) => session.data())
  app.get('/facts', async ({ session }) => ({ id: session.id, authenticated: session.authenticatedAt !== null, kind: session.kind }))
  app.get('/add', async ({ session }) => { if (session.kind !== 'admin') session.cart.push('tea') })
  app.get('/login', async ({ session }) => {
    const next = session.replace({ kind: 'user', userId: 'u1', cart: session.kind === 'guest' ? session.cart : [], since: new Date(1_000) })
    return { same: next === session, userId: next.userId }
  })
  app.get('/promote', requireSession(handle, 'user', 'admin'), async ({ session }) => { session.replace({ kind: 'admin', userId: session.userId, level: 1 }) })
  app.get('/bad', async ({ session }) => { session.replace({ kind: 'user' } as never) })
  app.get('/mixed', async ({ session }) => { session.replace({ kind: 'guest', cart: [], userId: 'x' } as never) })
  app.get('/no-state', async ({ session }) => { session.replace({ kind: 'root' } as never) })
  app.get('/discriminant', async ({ session }) => { Object.assign(session, { kind: 'admin' }) })
  app.get('/flash', async ({ session }) => { Object.assign(session, { flash: { info: ['hi'] } }) })
  app.get('/clear', async ({ session }) => { session.clear() })
  app.get('/regenerate', async ({ session }) => { await session.regenerate(['cart']) })
  app.get('/regenerate-state', async ({ session }) => { await session.regenerate(['kind', 'userId', 'cart']) })
  app.get('/me', requireSession(handle, 'user'), async ({ session }) => ({ userId: session.userId, since: session.since?.getTime() }))
  app.get('/admin', requireSession(handle, 'admin'), async ({ session }) => ({ level: session.level }))
  app.get('/any', { ...requireSession(handle, 'user', 'admin'), schema: {} }, async ({ session }) => ({ userId: session.userId }))
  app.get('/update', async ({ session }) => await session.update((data) => data.kind === 'guest' ? { kind: 'user', userId: 'u2', cart: data.cart } : data))
  await app.ready()
  t.teardown(() => app.close())
  return { app, handle, client: clientOf(app) }
}

t.test('P2.5: replace() moves between the states, and the session stays the object it is', t => eachBackend(t, async (t, backend) => {
  const { client } = await states(t, backend)
  t.strictSame((await client.get('/data')).json(), { kind: 'guest', cart: [] }, 'initial')
  t.equal(client.jar.size, 0, 'which is kept nowhere')
  await client.get('/add')
  const before = (await client.get('/facts')).json()
  t.strictSame((await client.get('/login')).json(), { same: true, userId: 'u1' })
  t.strictSame((await client.get('/data')).json(), { kind: 'user', userId: 'u1', cart: ['tea'], since: new Date(1_000).toISOString() })
  const after = (await client.get('/facts')).json()
  t.not(after.id, before.id, 'S-7.2.4: a change of state is a new id')
  t.strictSame([before.authenticated, after.authenticated], [false, true])
  await client.get('/promote')
  t.strictSame((await client.get('/data')).json(), { kind: 'admin', userId: 'u1', level: 1 }, 'keys of the old state are gone')
}))

t.test('S-7.2.4, P1.9: the old token is anonymous when the state has changed', async t => {
  const { app, client } = await states(t, 'memory')
  await client.get('/add')
  const attacker = clientOf(app)
  for (const [name, value] of client.jar) attacker.jar.set(name, value)
  t.strictSame((await attacker.get('/data')).json(), { kind: 'guest', cart: ['tea'] }, 'fixation: the attacker has the token of before the login')
  await client.get('/login')
  t.strictSame((await attacker.get('/data')).json(), { kind: 'guest', cart: [] })
  t.equal((await attacker.get('/me')).statusCode, 401)
  t.equal((await client.get('/me')).statusCode, 200)
})

t.test('a state that is incomplete, mixed or unknown is refused, and the old one stays', t => eachBackend(t, async (t, backend) => {
  const { client } = await states(t, backend)
  await client.get('/add')
  for (const url of ['/bad', '/mixed', '/no-state', '/discriminant']) {
    const response = await client.get(url)
    t.equal(response.statusCode, 500, url)
    t.match(response.json().code, /^FST_TYPED_SESSION_(INVALID_DATA|UNKNOWN_KEY)$/, url)
    t.equal(response.headers['set-cookie'], undefined, url)
    t.strictSame((await client.get('/data')).json(), { kind: 'guest', cart: ['tea'] }, url)
  }
}))

t.test('clear() and regenerate() go back to the initial state; replace() and update() keep what plugins wrote', t => eachBackend(t, async (t, backend) => {
  const { client } = await states(t, backend)
  await client.get('/flash')
  await client.get('/login')
  t.match((await client.get('/data')).json(), { kind: 'user', flash: { info: ['hi'] } })
  t.equal((await client.get('/regenerate-state')).statusCode, 200)
  t.strictSame((await client.get('/data')).json(), { kind: 'user', userId: 'u1', cart: [] })
  await client.get('/add')
  t.equal((await client.get('/regenerate')).statusCode, 200)
  t.strictSame((await client.get('/data')).json(), { kind: 'guest', cart: ['tea'] }, 'the cart fits a guest too')
  await client.get('/update')
  t.strictSame((await client.get('/data')).json(), { kind: 'user', userId: 'u2', cart: ['tea'] })
  await client.get('/clear')
  t.strictSame((await client.get('/data')).json(), { kind: 'guest', cart: [] })
}))

t.test('P1.8: requireSession lets a state through, and is a 401 with a code otherwise', t => eachBackend(t, async (t, backend) => {
  const { client } = await states(t, backend)
  const refused = { statusCode: 401, code: 'FST_TYPED_SESSION_REQUIRED', error: 'Unauthorized', message: 'This needs a session that the request does not have' }
  for (const url of ['/me', '/admin', '/any', '/promote']) {
    const response = await client.get(url)
    t.strictSame(response.json(), refused, url)
    t.equal(response.headers['set-cookie'], undefined)
    t.match(response.headers.vary, /Cookie/, 'what is refused depends on the cookie')
  }
  await client.get('/login')
  t.strictSame((await client.get('/me')).json(), { userId: 'u1', since: 1_000 })
  t.strictSame((await client.get('/any')).json(), { userId: 'u1' })
  t.equal((await client.get('/admin')).statusCode, 401)
  await client.get('/promote')
  t.strictSame((await client.get('/admin')).json(), { level: 1 })
  t.strictSame((await client.get('/any')).json(), { userId: 'u1' })
  t.equal((await client.get('/me')).statusCode, 401)
}))

const keyed = z.object({ userId: z.string().optional(), role: z.string().nullable().optional(), n: z.int().default(0) })

t.test('requireSession by keys: all must be there, and hold something', t => eachBackend(t, async (t, backend) => {
  const handle = createSession(keyed, place(backend))
  const app = withSession(Fastify(), handle)
  t.teardown(() => app.close())
  app.get('/one', requireSession(handle, 'userId'), async ({ session }) => session.userId.length)
  app.get('/both', requireSession(handle, 'userId', 'role'), async ({ session }) => `${session.userId} ${session.role}`)
  // The form for `Register`, where the schema stands for the session called `session`. (There it is the example's.)
  app.get('/schema', (requireSession as unknown as (schema: object, key: string) => object)(keyed, 'userId'), async ({ session }) => `${session.userId}`)
  app.get('/set', async ({ session, query }) => { Object.assign(session, query) })
  app.get('/null', async ({ session }) => { session.role = null })
  const client = clientOf(app)
  const answers = async () => [(await client.get('/one')).statusCode, (await client.get('/both')).statusCode, (await client.get('/schema')).statusCode]
  t.strictSame(await answers(), [401, 401, 401])
  await client.get('/set?userId=')
  t.strictSame(await answers(), [401, 401, 401], 'an empty text is nothing')
  await client.get('/set?userId=u1')
  t.strictSame(await answers(), [200, 401, 200])
  await client.get('/null')
  t.strictSame(await answers(), [200, 401, 200], 'null is nothing')
  await client.get('/set?role=boss')
  t.equal((await client.get('/both')).body, 'u1 boss')
}))

t.test('P0.12: named sessions are kept, guarded and ended each by itself', t => eachBackend(t, async (t, backend) => {
  const shop = createSession(keyed, place(backend))
  const desk = createSession(schema, { ...place(backend), name: 'deskSession', initial: () => ({ kind: 'guest' }) })
  const app = Fastify()
  app.register(shop.plugin)
  app.register(desk.plugin)
  app.register(async (app) => {
    app.get('/shop', requireSession(shop, 'userId'), async (request) => shop.get(request).userId.length)
    app.get('/desk', requireSession(desk, 'admin'), async (request) => desk.get(request).level)
    app.get('/enter', async (request) => { shop.get(request).userId = 'u1' })
    app.get('/work', async (request) => { desk.get(request).replace({ kind: 'admin', userId: 'u1', level: 3 }) })
    app.get('/leave', async (request) => { await shop.get(request).destroy() })
  })
  t.teardown(() => app.close())
  const client = clientOf(app)
  const answers = async () => [(await client.get('/shop')).statusCode, (await client.get('/desk')).statusCode]
  t.strictSame(await answers(), [401, 401])
  await client.get('/enter')
  t.strictSame(await answers(), [200, 401])
  await client.get('/work')
  t.equal((await client.get('/desk')).body, '3')
  t.strictSame([...client.jar.keys()].sort(), ['__Host-Http-deskSession', '__Host-Http-session'])
  await client.get('/leave')
  t.strictSame(await answers(), [401, 200])

  const crossed = clientOf(app)
  crossed.jar.set('__Host-Http-session', client.jar.get('__Host-Http-deskSession') as string)
  t.equal((await crossed.get('/shop')).statusCode, 401, 'the token of one is nothing to the other')
}))

t.test('a guarded route whose session is switched off, or whose name is not registered, says so', async t => {
  const handle = createSession(keyed, place('cookie'))
  const app = Fastify()
  app.register(handle.plugin)
  app.get('/off', { ...requireSession(handle, 'userId'), config: { session: false } }, async () => 'never')
  const other = createSession(keyed, { secret: SECRET, name: 'other' })
  app.get('/other', requireSession(other, 'userId'), async () => 'never')
  t.teardown(() => app.close())
  t.equal((await app.inject('/off')).json().code, 'FST_TYPED_SESSION_DISABLED')
  t.equal((await app.inject('/other')).statusCode, 500, 'closed, not open')
})

t.test('the initial state: by option, by function, by .prefault() and by .default()', t => eachBackend(t, async (t, backend) => {
  const made = [
    createSession(schema, { ...place(backend), initial: { kind: 'guest', cart: ['a'] } }),
    createSession(schema, { ...place(backend), initial: () => ({ kind: 'guest', cart: ['a'] }) }),
    createSession(schema.prefault({ kind: 'guest', cart: ['a'] }), place(backend)),
    createSession(schema.default(() => ({ kind: 'guest' as const, cart: ['a'] })), place(backend))
  ]
  for (const handle of made) {
    const app = Fastify()
    app.register(handle.plugin)
    app.get('/', async (request) => {
      const session = handle.get(request)
      if (session.kind === 'guest') session.cart.push('b')
      return session.data()
    })
    t.strictSame((await app.inject('/')).json(), { kind: 'guest', cart: ['a', 'b'] })
    t.strictSame((await app.inject('/')).json(), { kind: 'guest', cart: ['a', 'b'] }, 'made anew each time')
    await app.close()
  }
  const wrong = Fastify()
  wrong.register(createSession(schema, { ...place(backend), initial: { kind: 'user' } as never }).plugin)
  await t.rejects(async () => await wrong.ready(), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /initial.*userId/ })
  const none = Fastify()
  none.register(createSession(schema, place(backend) as never).plugin)
  await t.rejects(async () => await none.ready(), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /initial/ })
}))
