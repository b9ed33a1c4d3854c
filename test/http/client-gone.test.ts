import type { FastifyRequest } from 'fastify'
import { connect } from 'node:http2'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { type AppOptions, type AppSession, buildApp, sessionOf, settled } from '../support/app.js'
import { hangUp, listen } from '../support/wire.js'
import { memoryStore } from '../../lib/stores/memory.js'

type Handler = (session: AppSession) => unknown

/** Hangs up over HTTP/2: the stream is cancelled, the connection stays. */
async function cancel (url: string, headers: Record<string, string>, started: Promise<void>): Promise<void> {
  const { origin, pathname } = new URL(url)
  const session = connect(origin)
  const stream = session.request({ ':path': pathname, ...headers })
  stream.on('error', () => {})
  await started
  stream.close(8)
  stream.once('close', () => session.close())
}

const WIRES = { 'HTTP/1.1': hangUp, 'HTTP/2': cancel }

/** A kept session with a cart, and a request on it whose client hangs up before the handler does what it does. */
async function scene (t: Test, wire: keyof typeof WIRES, handler: Handler, options: Partial<AppOptions> = {}) {
  const store = memoryStore()
  const built = await buildApp(t, { backend: 'memory', store, ...options, ...(wire === 'HTTP/2' && { fastify: { http2: true, forceCloseConnections: true } as object }) })
  const { app, client } = built
  const hook = { started: () => {}, finished: () => {} }
  const started = new Promise<void>((resolve) => { hook.started = resolve })
  const finished = new Promise<void>((resolve) => { hook.finished = resolve })
  const outcomes: unknown[] = []
  app.get('/seed', async ({ session }) => { session.cart.push({ sku: 'tea', qty: 1 }) })
  app.get('/now', async ({ session }) => session.data())
  app.get('/login', async ({ session }) => { session.userId = 'ann' })
  app.get('/answer', async (request: FastifyRequest, reply) => {
    const session = sessionOf(request)
    const gone = new Promise((resolve) => reply.raw.once('close', resolve))
    hook.started()
    await gone
    try {
      await handler(session)
    } catch (error) {
      outcomes.push((error as { code: string }).code)
    }
    setTimeout(hook.finished)
    return 'nobody reads this'
  })
  const hangUpNow = async (cookie: string) => {
    await WIRES[wire](`${await listen(app)}/answer`, cookie === '' ? {} : { cookie }, started)
    await finished
    await settled()
  }
  await client.get('/seed')
  return { ...built, store, outcomes, hangUpNow, cookie: client.header }
}

for (const wire of ['HTTP/1.1', 'HTTP/2'] as const) {
  t.test(`I1, R-23: a sign-in whose client has hung up is not carried out, so that its session is not lost with the cookie (${wire})`, async (t) => {
    const { client, newClient, store, hangUpNow, cookie, logs } = await scene(t, wire, (session) => { session.userId = 'ann' })
    await hangUpNow(cookie)
    t.match((await newClient().get('/now', { cookie })).json(), { cart: [{ sku: 'tea' }] }, 'the old token still reads')
    t.equal(store.size, 1, 'no record that nobody has a token of')
    t.ok(logs.some(({ level, msg }) => level === 30 && /the client has gone/.test(String(msg))))
    t.notOk(logs.some(({ level }) => Number(level) >= 50), 'and that is no error')
    await client.get('/login')
    t.match((await client.get('/now')).json(), { userId: 'ann', cart: [{ sku: 'tea' }] }, 'the next sign-in keeps the cart')
  })
}

t.test('a new session whose client has hung up leaves no record', async (t) => {
  const { store, hangUpNow } = await scene(t, 'HTTP/1.1', (session) => { session.visits++ })
  await hangUpNow('')
  t.equal(store.size, 1)
})

t.test('a periodic rotation waits for a request whose client is there, and what the handler changed is saved', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => mock.timers.reset())
  const { newClient, store, hangUpNow, cookie } = await scene(t, 'HTTP/1.1', (session) => { session.visits++ }, { rotateEvery: 60, rotationGrace: 1 })
  mock.timers.tick(61_000)
  await hangUpNow(cookie)
  t.equal(store.size, 1)
  mock.timers.tick(5_000)
  const next = newClient()
  t.match((await next.get('/now', { cookie })).json(), { visits: 1, cart: [{ sku: 'tea' }] })
  t.not(next.token, undefined, 'now it rotates')
})

t.test('no promise rejects for the sole reason that the client has gone, but for save() and update(), whose caller asks whether it is kept', async (t) => {
  for (const backend of ['cookie', 'memory'] as const) {
    const { hangUpNow, outcomes, cookie, logs } = await scene(t, 'HTTP/1.1', async (session) => {
      const codes = []
      for (const call of [() => session.rotate(), () => session.regenerate(), () => session.reauthenticated(), () => session.save(), () => session.update((data) => { data.visits++ }), () => session.destroy()]) {
        codes.push(await call().then(() => 'resolved', (error: { code: string }) => error.code))
      }
      outcomes.push(codes)
    }, backend === 'cookie' ? { backend, store: undefined as never } : { backend })
    await hangUpNow(cookie)
    const refused = 'FST_TYPED_SESSION_HEADERS_SENT'
    t.strictSame(outcomes, [['resolved', 'resolved', 'resolved', refused, refused, 'resolved']], backend)
    t.notOk(logs.some(({ level }) => Number(level) >= 50), 'and that is no error')
  }
})

t.test('a chain without a catch does not end the process when the client has hung up or handlerTimeout has answered', async (t) => {
  const rejections: unknown[] = []
  const note = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  const { hangUpNow, cookie } = await scene(t, 'HTTP/1.1', (session) => { session.regenerate().then(() => {}) })
  await hangUpNow(cookie)
  const { app, client } = await buildApp(t, { backend: 'cookie' })
  let answer = () => {}
  const late = new Promise<void>((resolve) => { answer = resolve })
  app.get('/slow', { handlerTimeout: 5 } as object, async (request) => {
    const session = sessionOf(request)
    session.visits++
    await new Promise((resolve) => request.signal.addEventListener('abort', resolve))
    await settled()
    session.regenerate().then(() => answer())
  })
  t.equal((await client.get('/slow')).statusCode, 503)
  await late
  await settled()
  t.strictSame(rejections, [])
})
