import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { buildApp, sessionOf, settled } from '../support/app.js'
import { type Fault, FaultyStore, driverError } from '../support/faulty-store.js'
import { watchProcess } from '../support/process-events.js'
import { hangUp, listen } from '../support/wire.js'

/** A client that hangs up while its session is being loaded, and a hook that reads the session at that moment. */
async function hangUpWhileLoading (t: Test, outcome: Fault) {
  const store = new FaultyStore(memoryStore())
  const read: unknown[] = []
  const hook = { loading: () => {}, load: () => {}, loaded: () => {} }
  const { app, client, logs } = await buildApp(t, { backend: 'memory', store })
  const { uncaught } = watchProcess(t)
  app.addHook('onRequestAbort', async (request) => {
    try {
      read.push(sessionOf(request).visits)
    } catch (error) {
      read.push((error as { code: string }).code)
      throw error
    } finally {
      hook.load()
    }
  })
  app.get('/write', async (request) => ++request.session.visits)
  app.get('/slow', async (request) => ++request.session.visits)
  await client.get('/write')
  const loading = new Promise<void>((resolve) => { hook.loading = resolve })
  const loaded = new Promise<void>((resolve) => { hook.loaded = resolve })
  const goOn = new Promise<void>((resolve) => { hook.load = resolve })
  store.break('load', async (call) => {
    hook.loading()
    await goOn
    setImmediate(hook.loaded)
    return await outcome(call)
  }, { times: 1 })
  await hangUp(`${await listen(app)}/slow`, { cookie: client.header }, loading)
  await loaded
  await settled()
  return { client, read, uncaught, logs, loads: store.calls.filter((call) => call === 'load').length }
}

t.test('who reads the session while it is being loaded is told so, and the request goes on with the session it had', async t => {
  const { client, read, uncaught, loads } = await hangUpWhileLoading(t, (call) => call())
  t.strictSame(read, ['FST_TYPED_SESSION_NOT_READY'])
  t.equal(loads, 1, 'it is asked for once')
  t.strictSame(uncaught, [])
  t.equal((await client.get('/write')).json(), 3, 'what the handler did is kept')
})

t.test('R-10: nor does it matter that the store fails then', async t => {
  const { client, read, uncaught, logs } = await hangUpWhileLoading(t, () => Promise.reject(driverError()))
  t.strictSame(read, ['FST_TYPED_SESSION_NOT_READY'])
  t.strictSame(uncaught, [])
  t.ok(logs.some(({ msg }) => msg === 'The session is unavailable'))
  t.equal((await client.get('/write')).json(), 2)
})
