import t, { type Test } from 'tap'
import { requireRecent } from '../../lib/index.js'
import { type AppOptions, buildApp, COOKIE, eachBackend, setCookies } from '../support/app.js'
import { pass, setClock, START, stopTime } from '../support/clock.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** One server. `fast`: how far its clock is ahead. */
async function scene (t: Test, options: AppOptions) {
  stopTime(t)
  const built = await buildApp(t, options)
  const { app, client } = built
  app.get('/in', async ({ session }) => { session.userId = 'ada' })
  app.get('/me', async ({ session }) => session.userId ?? 'nobody')
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/facts', async ({ session }) => ({ created: session.createdAt.getTime() - START, ends: session.expiresAt.getTime() - START }))
  app.get('/pay', { preHandler: requireRecent(300) }, async () => 'paid')
  const by = async (fast: number, url: string) => {
    const now = Date.now()
    setClock(now + fast)
    const response = await client.get(url)
    setClock(now)
    return response
  }
  const said = () => built.logs.filter(({ fault }) => fault === 'from-the-future').map(({ msg }) => msg)
  return { ...built, by, said }
}

t.test('two servers, one of them two minutes fast, serve the same session', t => eachBackend(t, async (t, backend) => {
  const { by, rejected, said } = await scene(t, { backend })
  await by(2 * MINUTE, '/in')
  for (let turn = 0; turn < 3; turn++) {
    t.equal((await by(2 * MINUTE, '/me')).body, 'ada')
    t.equal((await by(0, '/me')).body, 'ada')
    await by(0, '/write')
    pass(MINUTE / 10)
  }
  t.strictSame(rejected(), [])
  t.match(said(), [/120 seconds ahead of the clock here, which is read as now/], 'once')
}))

t.test('one request on a server that is twelve hours ahead does not keep the others from the session', t => eachBackend(t, async (t, backend) => {
  const { by } = await scene(t, { backend, idleTimeout: 14 * 24 * 3_600 })
  await by(0, '/in')
  await by(12 * HOUR, '/write')
  t.equal((await by(0, '/me')).body, 'ada')
}))

t.test('a session that is read as begun now begins now, also for the next server', t => eachBackend(t, async (t, backend) => {
  const { by } = await scene(t, { backend, absoluteTimeout: 3_600, idleTimeout: 3_600 })
  await by(30 * MINUTE, '/in')
  t.strictSame((await by(0, '/facts')).json(), { created: 0, ends: HOUR })
  await by(0, '/write')
  pass(HOUR - 1)
  t.equal((await by(0, '/me')).body, 'ada')
  pass(1)
  t.equal((await by(0, '/me')).body, 'nobody')
}))

t.test('a session from more than an hour ahead is rejected for that', t => eachBackend(t, async (t, backend) => {
  const { by, rejected, said } = await scene(t, { backend })
  await by(HOUR + 1_000, '/in')
  t.equal((await by(0, '/me')).body, 'nobody')
  t.strictSame(rejected().map(({ reason }) => reason), ['from-the-future'])
  t.match(said(), [/3601 seconds ahead of the clock here and was not accepted/])
}))

t.test('a sign-in that lies more than a minute ahead is not recent', t => eachBackend(t, async (t, backend) => {
  const { by, said } = await scene(t, { backend })
  await by(2 * MINUTE, '/in')
  t.match((await by(0, '/pay')).json(), { code: 'FST_TYPED_SESSION_NOT_RECENT' })
  t.equal(said().length, 1)
  t.equal((await by(MINUTE, '/pay')).body, 'paid')
}))

for (const backend of ['revocable', 'memory'] as const) {
  t.test(`${backend} sessions: one that began ahead survives a revokeAll() within that time, and not a later one`, async t => {
    const { memoryStore } = await import('../../lib/stores/memory.js')
    const store = memoryStore()
    const { by, sessions, client } = await scene(t, backend === 'memory' ? { backend, store, revocations: store } : { backend })
    await by(30 * MINUTE, '/in')
    pass(10 * MINUTE)
    await sessions.revokeAll()
    t.equal((await by(0, '/me')).body, 'ada')
    t.ok(client.jar.has(COOKIE))
    pass(20 * MINUTE)
    await sessions.revokeAll()
    t.equal((await by(0, '/me')).body, 'nobody')
  })
}

t.test('a periodic rotation that lies ahead is no reason for another one', t => eachBackend(t, async (t, backend) => {
  const { by } = await scene(t, { backend, rotateEvery: 3_600, idleTimeout: 7_200 })
  await by(0, '/in')
  await by(2 * HOUR - 1, '/me')
  t.strictSame(setCookies((await by(0, '/me')).headers), [])
}))
