import t from 'tap'
import { setCookies } from '../support/app.js'
import { timed } from '../support/clock.js'
import { faultyApp, TIMEOUT, UNAVAILABLE } from '../support/failure-app.js'
import { ATTACHED, DRIVER_TEXT, FAULTS } from '../support/faulty-store.js'

const ANONYMOUS = { config: { session: { onStoreError: 'anonymous' } } } as const
const FAIL = { config: { session: { onStoreError: 'fail' } } } as const

for (const [how, fault] of Object.entries(FAULTS)) {
  t.test(`onStoreError: 'anonymous', while load ${how}: reads as a new session, and cannot be saved`, async t => {
    const { app, client, store, logs, uncaught, rejected, memory } = await faultyApp(t, { onStoreError: 'anonymous' })
    app.get('/anything', async ({ session }) => ({ visits: session.visits, isNew: session.isNew }))
    await client.get('/write')
    const before = client.token
    store.break('load', fault)
    const { value: read, took } = await timed(client.get('/anything'))
    t.strictSame(read.json(), { visits: 0, isNew: true })
    t.ok(took <= TIMEOUT, `answered within ${took} ms`)
    t.match(rejected(), [{ reason: 'store-failed', paths: [] }])
    for (const url of ['/write', '/save', '/update', '/login', '/destroy']) {
      const { value: response } = await timed(client.get(url))
      t.strictSame(response.json(), UNAVAILABLE, url)
      t.strictSame(setCookies(response.headers), [], url)
    }
    t.equal(client.token, before)
    t.equal(memory.size, 1)
    if (how === 'rejects') t.match(JSON.stringify(logs), DRIVER_TEXT)
    t.notMatch(JSON.stringify(logs), ATTACHED)
    store.heal()
    t.equal((await client.get('/read')).json().visits, 1, 'and it is back when the store is')
    t.strictSame(uncaught, [])
  })
}

t.test('a route decides for itself, over what the plugin says', async t => {
  const { app, client, store } = await faultyApp(t)
  app.get('/anonymous', ANONYMOUS, async ({ session }) => ({ visits: session.visits }))
  await client.get('/write')
  store.break('load', FAULTS.rejects!)
  t.strictSame((await client.get('/anonymous')).json(), { visits: 0 })
  t.equal((await client.get('/read')).statusCode, 503)
})

t.test('a route can refuse what the plugin allows', async t => {
  const { app, client, store } = await faultyApp(t, { onStoreError: 'anonymous' })
  app.get('/strict', FAIL, async ({ session }) => ({ visits: session.visits }))
  await client.get('/write')
  store.break('load', FAULTS.rejects!)
  t.strictSame((await client.get('/strict')).json(), UNAVAILABLE)
  t.equal((await client.get('/read')).statusCode, 200)
})

t.test('a request without a cookie, a forged one, or a route without a session does not ask the store', async t => {
  const { app, client, newClient, store } = await faultyApp(t)
  app.get('/health', async () => 'ok')
  await client.get('/write')
  store.break('load', FAULTS.hangs!)
  t.equal((await newClient().get('/read')).statusCode, 200)
  t.equal((await client.get('/none')).statusCode, 200)
  t.equal((await newClient().get('/read', { cookie: `__Host-Http-session=${client.token}x` })).statusCode, 200)
  t.strictSame(store.calls, ['create'])
})

for (const [how, fault] of Object.entries(FAULTS)) {
  t.test(`an error handler may read the session, while load ${how}: it is a new one, and the store is asked once`, async t => {
    const { app, handle, client, store, uncaught } = await faultyApp(t)
    app.setErrorHandler(async (error, request, reply) => await reply.code(503).send({ visits: handle.get(request).visits, code: (error as { code?: string }).code }))
    await client.get('/write')
    store.break('load', fault)
    const { value: response, took } = await timed(client.get('/read'))
    t.equal(response.statusCode, 503)
    t.strictSame(response.json(), { visits: 0, code: UNAVAILABLE.code })
    t.ok(took <= TIMEOUT, `answered within ${took} ms`)
    t.strictSame(store.calls, ['create', 'load'])
    await timed(new Promise((resolve) => setTimeout(resolve, 20_000)), 1_000)
    t.strictSame(uncaught, [])
  })
}

for (const write of ['writes to', 'saves'] as const) {
  t.test(`an error handler that ${write} a session that could not be loaded changes nothing, and does not loop`, async t => {
    const { app, handle, client, store, uncaught, memory } = await faultyApp(t)
    let runs = 0
    app.setErrorHandler(async (_error, request, reply) => {
      runs++
      const session = handle.get(request)
      session.note = 'an error'
      if (write === 'saves') await session.save()
      return await reply.code(400).send({ handled: true })
    })
    await client.get('/write')
    const before = client.token
    store.break('load', FAULTS.rejects!)
    const response = await client.get('/read')
    t.equal(response.statusCode, 503)
    t.ok(runs <= 2)
    t.strictSame(setCookies(response.headers), [])
    t.equal(client.token, before)
    t.equal(memory.size, 1)
    t.strictSame(uncaught, [])
    store.heal()
    t.equal((await client.get('/read')).json().visits, 1)
  })
}
