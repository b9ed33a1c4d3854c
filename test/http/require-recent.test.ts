import Fastify from 'fastify'
import t from 'tap'
import { createSession, requireRecent, requireSession } from '../../lib/index.js'
import { CLOCK_SKEW } from '../../lib/record/timeouts.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { buildApp, COOKIE, eachBackend, schema, SECRET } from '../support/app.js'
import { FAULTS, FaultyStore } from '../support/faulty-store.js'
import { pass, setClock, START, stopTime } from '../support/clock.js'

const NOT_RECENT = { statusCode: 401, code: 'FST_TYPED_SESSION_NOT_RECENT' }

t.test('S-7.5.1: a route can ask for a recent sign-in, to the millisecond', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  const { app, client } = await buildApp(t, { backend })
  app.get('/login', async ({ session }) => { session.userId = 'u1' })
  app.get('/again', async ({ session }) => await session.reauthenticated())
  app.get('/visit', async ({ session }) => { session.visits++ })
  app.get('/password', { preHandler: requireRecent(300) }, async () => 'changed')
  t.match((await client.get('/password')).json(), NOT_RECENT, 'nobody has signed in')
  await client.get('/visit')
  t.match((await client.get('/password')).json(), NOT_RECENT, 'a session without a sign-in')
  await client.get('/login')
  t.equal((await client.get('/password')).body, 'changed')
  pass(300_000)
  t.equal((await client.get('/password')).body, 'changed', 'on the last millisecond')
  pass(1)
  t.match((await client.get('/password')).json(), NOT_RECENT)
  await client.get('/visit')
  t.match((await client.get('/password')).json(), NOT_RECENT, 'being active is no proof')
  await client.get('/again')
  t.equal((await client.get('/password')).body, 'changed')
}))

t.test('S-7.5.1: a sign-in that another server has dated ahead is recent within the clock skew, and not beyond', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  const { app, client } = await buildApp(t, { backend })
  app.get('/login', async ({ session }) => { session.userId = 'u1' })
  app.get('/password', { preHandler: requireRecent(300) }, async () => 'changed')
  await client.get('/login')
  setClock(START - CLOCK_SKEW)
  t.equal((await client.get('/password')).body, 'changed')
  setClock(START - CLOCK_SKEW - 1)
  t.match((await client.get('/password')).json(), NOT_RECENT)
}))

t.test('only the sign-in lies too far ahead: the session is read, and the sign-in is not recent', async t => {
  const hook = requireRecent(300)
  const requestWith = (authenticatedAt: Date | null) => ({ getDecorator: <T>() => ({ authenticatedAt }) as T })
  const now = Date.now()
  await t.resolves(hook(requestWith(new Date(now + CLOCK_SKEW / 2))))
  await t.rejects(hook(requestWith(new Date(now + CLOCK_SKEW * 2))), NOT_RECENT)
  await t.rejects(hook(requestWith(new Date(8.64e15))), NOT_RECENT)
})

t.test('it is a hook like any other: of onRequest, preHandler, in a list, for a whole scope, beside requireSession', async t => {
  stopTime(t)
  const { app, handle, client } = await buildApp(t, { backend: 'memory' })
  const recent = requireRecent(300)
  app.get('/login', async ({ session }) => { session.userId = 'u1' })
  app.get('/onRequest', { onRequest: recent }, async () => 'in')
  app.get('/list', { onRequest: [async () => {}, recent] }, async () => 'in')
  app.get('/preHandler', { preHandler: [recent, async () => {}] }, async () => 'in')
  app.get('/preParsing', { preParsing: async (request) => await recent(request) }, async () => 'in')
  app.get('/both', { ...requireSession(handle, 'userId'), preHandler: recent }, async ({ session }) => session.userId.toUpperCase())
  app.register(async (scope) => {
    scope.addHook('onRequest', recent)
    scope.get('/scope', async () => 'in')
  })
  const urls = ['/onRequest', '/list', '/preHandler', '/preParsing', '/scope', '/both']
  t.match((await client.get('/both')).json(), { code: 'FST_TYPED_SESSION_REQUIRED' }, 'the guard that asks for less comes first')
  for (const url of urls.slice(0, -1)) t.match((await client.get(url)).json(), NOT_RECENT, url)
  await client.get('/login')
  for (const url of urls) t.equal((await client.get(url)).body, url === '/both' ? 'U1' : 'in', url)
  pass(300_001)
  for (const url of urls) t.match((await client.get(url)).json(), NOT_RECENT, url)
})

t.test('the sign-in of a request that has not been saved yet is none', async t => {
  const { app, client, newClient } = await buildApp(t, { backend: 'memory' })
  app.get('/login', { onRequest: async ({ session }) => { session.userId = 'u1' }, preHandler: requireRecent(300) }, async () => 'in')
  app.get('/saved', { onRequest: async ({ session }) => { session.userId = 'u2'; await session.save() }, preHandler: requireRecent(300) }, async () => 'in')
  t.match((await client.get('/login')).json(), NOT_RECENT)
  t.equal((await newClient().get('/saved')).body, 'in')
})

t.test('an error handler can tell it apart, and send the person to sign in', async t => {
  const { app, client } = await buildApp(t, { backend: 'cookie' })
  app.setErrorHandler((error: { code?: string }, _request, reply) => {
    if (error.code !== NOT_RECENT.code) throw error
    return reply.redirect('/sign-in')
  })
  app.get('/password', { preHandler: requireRecent(300) }, async () => 'changed')
  const { statusCode, headers } = await client.get('/password')
  t.strictSame([statusCode, headers.location], [302, '/sign-in'])
})

t.test('a named session is asked for by its handle or its name, and no other session counts', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const admin = createSession(schema, { secret: SECRET, name: 'adminSession', rotateOn: ['userId'] })
  const user = createSession(schema, { secret: SECRET, rotateOn: ['userId'], store: memoryStore() })
  await app.register(admin.plugin)
  await app.register(user.plugin)
  app.get('/login', async (request) => { user.get(request).userId = 'u1' })
  app.get('/admin-login', async (request) => { admin.get(request).userId = 'a1' })
  app.get('/user', { preHandler: requireRecent(300) }, async () => 'in')
  app.get('/user-handle', { preHandler: requireRecent(300, user) }, async () => 'in')
  app.get('/admin', { preHandler: requireRecent(300, admin) }, async () => 'in')
  app.get('/admin-name', { preHandler: requireRecent(300, 'adminSession') }, async () => 'in')
  const cookieOf = async (url: string) => {
    const { cookies } = await app.inject(url)
    return { cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') }
  }
  const statuses = async (headers: Record<string, string>) =>
    await Promise.all(['/user', '/user-handle', '/admin', '/admin-name'].map(async (url) => (await app.inject({ url, headers })).statusCode))
  t.strictSame(await statuses(await cookieOf('/login')), [200, 200, 401, 401])
  t.strictSame(await statuses(await cookieOf('/admin-login')), [401, 401, 200, 200])
})

t.test('where there is no session to ask it is an error of the program, not a 401', async t => {
  const { app, client, logs } = await buildApp(t, { backend: 'cookie' })
  app.get('/off', { config: { session: false }, preHandler: requireRecent(300) }, async () => 'in')
  app.get('/other', { preHandler: requireRecent(300, 'nobody') }, async () => 'in')
  for (const url of ['/off', '/other']) t.equal((await client.get(url)).statusCode, 500, url)
  t.ok(logs.some(({ err }) => (err as { code?: string } | undefined)?.code === 'FST_TYPED_SESSION_DISABLED'))
  const bare = Fastify()
  t.teardown(() => bare.close())
  bare.get('/', { preHandler: requireRecent(300) }, async () => 'in')
  t.equal((await bare.inject('/')).statusCode, 500)
})

t.test('where the store fails nobody has signed in recently', async t => {
  const store = new FaultyStore(memoryStore())
  const { app, client } = await buildApp(t, { backend: 'memory', store, onStoreError: 'anonymous' })
  app.get('/login', async ({ session }) => { session.userId = 'u1' })
  app.get('/password', { preHandler: requireRecent(300) }, async () => 'changed')
  await client.get('/login')
  t.ok(client.jar.has(COOKIE))
  store.break('load', FAULTS.rejects as never)
  t.match((await client.get('/password')).json(), NOT_RECENT)
})

t.test('what is no number of seconds or no session is refused at once, and says what to write', async t => {
  const wrong = { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /requireRecent: needs a number of seconds, more than 0/ }
  for (const seconds of [0, -1, NaN, Infinity, '300', null, undefined, {}]) t.throws(() => requireRecent(seconds as number), wrong, String(seconds))
  for (const session of ['', null, 7, {}, { name: 7 }]) {
    t.throws(() => requireRecent(300, session as string), { ...wrong, message: /requireRecent: needs a session as createSession\(\) makes it/ })
  }
})

t.test('where nothing but reauthenticated() dates a sign-in, that is said the first time that somebody is refused', async t => {
  for (const [options, warnings] of [[{ rotateOn: [] }, 1], [{}, 0], [{ rotateOn: [], subject: 'userId' }, 0]] as const) {
    await t.test(JSON.stringify(options), async t => {
      const { app, client, logs } = await buildApp(t, { backend: 'cookie', ...options })
      app.get('/password', { preHandler: requireRecent(300) }, async () => 'changed')
      for (let i = 0; i < 3; i++) t.match((await client.get('/password')).json(), NOT_RECENT)
      t.equal(logs.filter(({ msg }) => String(msg).startsWith('requireRecent needs rotateOn, subject or reauthenticated()')).length, warnings)
    })
  }
  await t.rejects(requireRecent(300)({ getDecorator: <T>() => ({ authenticatedAt: null }) as T }), NOT_RECENT, 'a request that has no log is refused all the same')
})

t.test('S-7.5.1: choosing another tenant, or anything else that changes the id, is no proof of who somebody is', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  const { app, client } = await buildApp(t, { backend, rotateOn: ['userId', 'note'] })
  app.get('/login', async ({ session }) => { session.userId = 'victim' })
  app.get('/tenant', async ({ session }) => { session.note = 'b' })
  app.get('/other', async ({ session }) => { session.userId = 'another' })
  app.get('/pay', { preHandler: requireRecent(300) }, async () => 'paid')
  await client.get('/login')
  t.equal((await client.get('/pay')).body, 'paid')
  pass(3_600_000)
  for (const url of ['/tenant', '/other']) {
    await client.get(url)
    t.match((await client.get('/pay')).json(), NOT_RECENT, url)
  }
}))
