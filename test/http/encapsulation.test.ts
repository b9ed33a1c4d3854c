import Fastify, { type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { createSession, sessionPlugin } from '../../lib/index.js'
import { MemoryStore, memoryStore } from '../../lib/stores/memory.js'
import { type App, buildApp, Client, COOKIE, eachBackend, schema, SECRET, sessionOf, setCookies } from '../support/app.js'

const options = { schema, secret: SECRET } as never
const plainApp = (t: Pick<Test, 'teardown'>) => {
  const app = Fastify()
  t.teardown(() => app.close())
  return app
}

t.test('registered in a scope, the session is in that scope and below, nowhere else', async t => {
  const app = plainApp(t)
  app.register(async (scope) => {
    await scope.register(sessionPlugin, options)
    scope.get('/inside', async (request) => { sessionOf(request).visits++; return sessionOf(request).visits })
    scope.register(async (below) => { below.get('/below', async (request) => sessionOf(request).visits) })
  })
  app.get('/outside', async (request) => ({ session: 'session' in request }))
  const client = new Client((request) => app.inject(request), COOKIE)
  t.equal((await client.get('/inside')).payload, '1')
  t.equal((await client.get('/below')).payload, '1')
  const outside = await client.get('/outside')
  t.strictSame(outside.json(), { session: false })
  t.equal(outside.headers.vary, undefined)
  t.equal(app.hasDecorator('sessions'), false)
})

t.test('the 404 handler outside a scope knows nothing of its session; inside it has one', t => eachBackend(t, async (t, backend) => {
  const app = plainApp(t)
  app.setNotFoundHandler(async (request, reply) => await reply.code(404).send({ session: 'session' in request }))
  app.register(async (scope) => {
    await scope.register(sessionPlugin, { ...options as object, ...(backend === 'memory' && { store: memoryStore() }) } as never)
    scope.setNotFoundHandler(async (request, reply) => await reply.code(404).send({ visits: sessionOf(request).visits }))
  }, { prefix: '/shop' })
  t.strictSame((await app.inject('/none')).json(), { session: false })
  t.strictSame((await app.inject('/shop/none')).json(), { visits: 0 })
  await app.close()
}))

t.test('P0.12, K-24: sibling scopes with sessions of their own do not mix', t => eachBackend(t, async (t, backend) => {
  const app = plainApp(t)
  const store = backend === 'memory' ? { store: memoryStore() } : {}
  for (const application of ['a', 'b']) {
    app.register(async (scope) => {
      await scope.register(sessionPlugin, { ...options as object, ...store, application } as never)
      scope.get('/write', async (request) => { sessionOf(request).note = application })
      scope.get('/read', async (request) => ({ note: sessionOf(request).note ?? null }))
    }, { prefix: `/${application}` })
  }
  const client = new Client((request) => app.inject(request), COOKIE)
  await client.get('/a/write')
  t.strictSame((await client.get('/a/read')).json(), { note: 'a' })
  t.strictSame((await client.get('/b/read')).json(), { note: null })
  await app.close()
}))

const visitor = z.object({ theme: z.string().optional(), level: z.int().optional() })

t.test('P0.12, K-24: two named sessions of one application do not mix, whatever cookie is sent as whose', t => eachBackend(t, async (t, backend) => {
  const store = backend === 'memory' ? { store: memoryStore() } : {}
  const first = createSession(visitor, { secret: SECRET, ...store })
  const second = createSession(visitor, { secret: SECRET, name: 'adminSession', ...store })
  const app = plainApp(t)
  app.register(first.plugin)
  app.register(second.plugin)
  app.get('/both', async (request) => { first.get(request).theme = 'dark'; second.get(request).level = 9 })
  app.get('/first', async (request) => { first.get(request).theme = 'light' })
  app.get('/read', async (request) => [first.get(request).data(), second.get(request).data()])
  const names = [COOKIE, '__Host-Http-adminSession'] as const
  const client = new Client((request) => app.inject(request), COOKIE)
  t.strictSame(setCookies((await client.get('/both')).headers).map((line) => line.split('=')[0]).sort(), [...names].sort())
  t.strictSame((await client.get('/read')).json(), [{ theme: 'dark' }, { level: 9 }])
  t.ok(setCookies((await client.get('/first')).headers).every((line) => line.startsWith(`${COOKIE}=`)), 'each is saved on its own')
  const [mine, other] = names.map((name) => client.jar.get(name))
  const swapped = await app.inject({ url: '/read', headers: { cookie: `${names[0]}=${other}; ${names[1]}=${mine}` } })
  t.strictSame(swapped.json(), [{}, {}])
  t.not(first.sessions(app).policy().name, second.sessions(app).policy().name)
  await app.close()
}))

t.test('a hook that was added before the plugin has no session yet, and is told why', t => eachBackend(t, async (t, backend) => {
  const { app } = await buildApp(t, {
    backend,
    before: (app) => { app.addHook('onRequest', async (request: FastifyRequest) => { if (request.url === '/early') sessionOf(request).visits++ }) }
  })
  app.get('/early', async () => 'ok')
  app.get('/later', async (request) => request.session.visits)
  t.match((await app.inject('/early')).json(), { statusCode: 500, code: 'FST_TYPED_SESSION_NOT_READY', message: /request\.session is read before .*Register the plugin before the hook/ })
  t.equal((await app.inject('/later')).statusCode, 200)
}))

t.test('a route that switches the session off leaves the cookie alone, and reading it says so', t => eachBackend(t, async (t, backend) => {
  const { app, client, store } = await buildApp(t, { backend })
  app.get('/off', { config: { session: false } }, async () => 'ok')
  app.get('/off/read', { config: { session: false } }, async (request) => request.session.visits)
  app.get('/write', async (request) => { request.session.visits++ })
  await client.get('/write')
  const loads = store instanceof MemoryStore ? countLoads(store) : { count: 0 }
  const off = await client.get('/off')
  t.strictSame([off.headers.vary, setCookies(off.headers)], [undefined, []])
  t.equal(loads.count, 0)
  t.match((await client.get('/off/read')).json(), { statusCode: 500, code: 'FST_TYPED_SESSION_DISABLED', message: /switched off on this route/ })
}))

function countLoads (store: MemoryStore) {
  const loads = { count: 0 }
  const { load } = store
  store.load = (id) => { loads.count++; return load.call(store, id) }
  return loads
}

t.test('request.session cannot be assigned', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/assign', async (request) => { Object.assign(request, { session: {} }) })
  t.match((await client.get('/assign')).json(), { code: 'FST_TYPED_SESSION_NOT_ASSIGNABLE', message: /session\.replace\(data\)/ })
}))

t.test('a name whose app.<name>s is something else already is refused', async t => {
  for (const [name, taken] of [['printRoute', 'printRoutes'], ['device', 'devices']] as const) {
    const app = plainApp(t)
    if (name === 'device') app.decorate(taken, 1)
    await t.rejects(Promise.resolve(app.register(createSession(schema, { secret: SECRET, name }).plugin)), {
      code: 'FST_TYPED_SESSION_INVALID_OPTION', message: new RegExp(`option name: app\\.${taken} exists already`)
    })
  }
})

t.test('a second session of the same name is refused, in the scope and below it', async t => {
  const app = plainApp(t)
  await app.register(sessionPlugin, options)
  const refusal = { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /option name: request\.session exists already/ }
  await t.rejects(Promise.resolve(app.register(sessionPlugin, options)), refusal)
  const other = plainApp(t)
  await other.register(sessionPlugin, options)
  other.register(async (scope) => { await t.rejects(Promise.resolve(scope.register(sessionPlugin, options)), refusal) })
  await t.rejects(Promise.resolve(other.ready()), refusal)
})

t.test('two sessions cannot share a cookie', async t => {
  const app = plainApp(t)
  await app.register(sessionPlugin, { schema, secret: SECRET, cookie: { name: 'sid' } } as never)
  await t.rejects(Promise.resolve(app.register(sessionPlugin, { schema, secret: SECRET, name: 'other', cookie: { name: 'sid' } } as never)),
    { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /option cookie\.name: another session of this instance has sid already/ })
})

t.test("another plugin's request.session, or app.sessions, is not taken over", async t => {
  const app = plainApp(t)
  app.decorateRequest('session', null as never)
  await t.rejects(Promise.resolve(app.register(sessionPlugin, options)), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /exists already: give this session another name, or remove the other plugin/ })
  const second = plainApp(t)
  second.decorate('sessions', {} as never)
  await t.rejects(Promise.resolve(second.register(sessionPlugin, options)))
  const third = plainApp(t)
  await third.register(sessionPlugin, options)
  t.throws(() => third.decorateRequest('session', null as never), { code: 'FST_ERR_DEC_ALREADY_PRESENT' })
})

t.test('R-28: close() stops the sweeper, closes the store once, and leaves nothing behind', async t => {
  const before = timers()
  const store = memoryStore()
  let closed = 0
  let swept = 0
  const sweeping = new Promise<void>((resolve) => {
    Object.assign(store, { close: async () => { closed++ }, sweep: async () => { swept++; resolve(); return 0 } })
  })
  const { app } = await buildApp(t, { backend: 'memory', store, sweepEvery: 0.001, fastify: { logger: false } })
  app.get('/write', async (request) => { request.session.visits++ })
  await app.inject('/write')
  await sweeping
  await (app as App).close()
  const after = swept
  t.equal(closed, 1)
  // Node.js itself may still have one for a moment.
  for (let waited = 0; timers() > before && waited < 2_000; waited += 10) await new Promise((resolve) => setTimeout(resolve, 10))
  t.ok(timers() <= before, 'no timer is left')
  await new Promise((resolve) => setTimeout(resolve, 10))
  t.equal(swept, after, 'it does not sweep any more')
})

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length
