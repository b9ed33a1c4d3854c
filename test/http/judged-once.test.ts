import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { buildApp } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'

const MINUTE = 60_000

function opening () {
  let open = () => {}
  const passed = new Promise<void>((resolve) => { open = resolve })
  return { open, passed }
}

for (const backend of ['cookie', 'memory', 'revocations'] as const) {
  t.test(`a request that begins before the idle deadline and ends after it keeps what it writes: ${backend}`, async (t) => {
    stopTime(t)
    const { app, client, rejected } = await buildApp(t, { ...(backend === 'revocations' ? { backend: 'cookie', revocations: memoryStore() } : { backend }), idleTimeout: 600 })
    const begun = opening()
    const go = opening()
    app.get('/write', async ({ session }) => { session.visits++ })
    app.get('/visits', async ({ session }) => session.visits)
    app.get('/export', async ({ session }) => {
      session.get('visits')
      begun.open()
      await go.passed
      session.visits = 10
    })
    await client.get('/write')
    pass(9 * MINUTE)
    const exporting = client.get('/export')
    await begun.passed
    pass(2 * MINUTE)
    go.open()
    t.equal((await exporting).statusCode, 200, backend)
    t.equal((await client.get('/visits')).payload, '10', backend)
    t.strictSame(rejected(), [], backend)
  })
}

t.test('a session that is over is nobody\'s, although its record is still there', async (t) => {
  stopTime(t)
  const store = memoryStore()
  const { app, client, rejected } = await buildApp(t, { backend: 'memory', store, idleTimeout: 600, subject: 'userId' })
  app.get('/login', async ({ session }) => { session.userId = 'ann' })
  app.get('/who', async ({ session }) => session.userId ?? 'nobody')
  await client.get('/login')
  pass(10 * MINUTE)
  t.strictSame(await app.sessions.list('ann'), [], 'no list shows it')
  t.equal((await client.get('/who')).payload, 'nobody')
  t.match(rejected(), [{ reason: 'expired' }])
  t.equal(store.size, 1)
  pass(10 * MINUTE)
  await store.sweep()
  t.equal(store.size, 0, 'ten minutes later it is gone')
})
