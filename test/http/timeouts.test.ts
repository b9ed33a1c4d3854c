import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionStore } from '../../types/index.js'
import { type AppOptions, buildApp, COOKIE, eachBackend, setCookies } from '../support/app.js'
import { pass, setClock, START, stopTime } from '../support/clock.js'

const DAY = 86_400

async function timedApp (t: Pick<Test, 'teardown'>, options: AppOptions) {
  stopTime(t)
  const scene = await buildApp(t, options)
  const { app } = scene
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/read', async ({ session }) => ({ visits: session.visits, id: session.id, isNew: session.isNew }))
  app.get('/facts', async ({ session }) => ({ createdAt: session.createdAt, expiresAt: session.expiresAt, authenticatedAt: session.authenticatedAt }))
  app.get('/touch', async ({ session }) => { session.touch() })
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/login', async ({ session }) => { session.userId = 'u1' })
  app.get('/logout', async ({ session }) => { session.delete('userId') })
  const visits = async (client = scene.client) => (await client.get('/read')).json().visits as number
  return { ...scene, visits }
}

/** A store that keeps everything for ever, so that only the session's own clocks can end it. */
function neverExpires (): SessionStore & { writes: number } {
  const memory = memoryStore()
  const never = Date.UTC(2999, 0)
  return {
    writes: 0,
    async create (id, payload) { this.writes++; return await memory.create(id, payload, never) },
    load: async (id) => await memory.load(id),
    async replace (id, expected, payload) { this.writes++; return await memory.replace(id, expected, payload, never) },
    touch: async (id) => await memory.touch(id, never),
    delete: async (id) => await memory.delete(id)
  }
}

const PLACES: Readonly<Record<string, () => AppOptions>> = {
  'in the cookie': () => ({ backend: 'cookie' }),
  'in a store': () => ({ backend: 'memory' }),
  'in a store that never forgets': () => ({ backend: 'memory', store: neverExpires() })
}

for (const [place, options] of Object.entries(PLACES)) {
  t.test(`S-7.3.1: a session ${place} ends when it was idle for idleTimeout, to the millisecond`, async t => {
    const { client, visits, rejected } = await timedApp(t, { ...options(), idleTimeout: 60, touchAfter: 10 })
    await client.get('/write')
    pass(59_999)
    t.equal(await visits(), 1, 'one millisecond before it lives, and that is a use')
    pass(59_999)
    t.equal(await visits(), 1)
    pass(60_000)
    t.equal(await visits(), 0, 'at the deadline it has ended')
    t.match(rejected().map(({ reason }) => reason).join(), /expired|unknown/)
  })

  t.test(`S-7.3.2: a session ${place} that is always in use ends at absoluteTimeout, to the millisecond, whatever happens to it`, async t => {
    const { client, visits } = await timedApp(t, { ...options(), idleTimeout: 60, absoluteTimeout: 300, touchAfter: 0 })
    await client.get('/write')
    const urls = ['/touch', '/write', '/rotate', '/login', '/read', '/logout']
    for (let second = 0; second < 270; second += 10) {
      pass(10_000)
      t.equal((await client.get(urls[(second / 10) % urls.length] as string)).statusCode, 200)
    }
    pass(29_999)
    t.ok(await visits() > 0, 'one millisecond before')
    pass(1)
    t.equal(await visits(), 0, 'at the deadline')
  })

  t.test(`K-14, S-9.2.1: the token of a session ${place} says nothing after its time, however a client keeps it`, async t => {
    const { client, newClient, visits } = await timedApp(t, { ...options(), idleTimeout: 60, absoluteTimeout: 300, cookie: { persistent: true } })
    await client.get('/write')
    const thief = newClient()
    for (const [name, value] of client.jar) thief.jar.set(name, value)
    pass(60_000)
    t.equal(await visits(thief), 0)
    pass(1_000_000)
    t.equal(await visits(thief), 0)
  })
}

// K-13: every pair of values occurs.
const PAIRS = [
  { persistent: false, touchAfter: 0, rotateEvery: undefined },
  { persistent: false, touchAfter: 30, rotateEvery: 20 },
  { persistent: true, touchAfter: 0, rotateEvery: 20 },
  { persistent: true, touchAfter: 30, rotateEvery: undefined }
] as const

for (const { persistent, touchAfter, rotateEvery } of PAIRS) {
  t.test(`K-13: both timeouts hold with persistent ${persistent}, touchAfter ${touchAfter}, rotateEvery ${rotateEvery}`, async t => {
    for (const place of Object.values(PLACES)) {
      await t.test(JSON.stringify(place().backend), async t => {
        const options = { ...place(), idleTimeout: 60, absoluteTimeout: 300, touchAfter, cookie: { persistent }, ...(rotateEvery !== undefined && { rotateEvery }) }
        const { client, newClient, visits } = await timedApp(t, options)
        await client.get('/write')
        const idle = newClient()
        await idle.get('/write')
        for (let second = 0; second < 250; second += 25) {
          pass(25_000)
          t.equal(await visits(), 1, `after ${second + 25} s`)
        }
        t.equal(await visits(idle), 0, 'idle')
        pass(49_999)
        t.equal(await visits(), 1)
        pass(1)
        t.equal(await visits(), 0, 'absolute')
      })
    }
  })
}

t.test('a read costs no write before touchAfter, and one after it', async t => {
  const store = neverExpires()
  const { client, visits } = await timedApp(t, { backend: 'memory', store, idleTimeout: 100 })
  await client.get('/write')
  const { token } = client
  store.writes = 0
  for (let reads = 0; reads < 9; reads++) {
    pass(1_000)
    t.equal(await visits(), 1)
  }
  pass(999)
  await visits()
  t.equal(store.writes, 0)
  t.equal(client.token, token)
  pass(1)
  await visits()
  t.equal(store.writes, 1, 'a tenth of idleTimeout')
  t.not(client.token, token)
  await visits()
  t.equal(store.writes, 1)
})

t.test('touch() counts at once, and a response that does not read the session does not', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client, visits } = await timedApp(t, { backend, idleTimeout: 100, touchAfter: 50 })
    app.get('/other', async () => 'ok')
    await client.get('/write')
    pass(10_000)
    t.strictSame(setCookies((await client.get('/other')).headers), [])
    await client.get('/touch')
    pass(99_999)
    t.equal(await visits(), 1)
    pass(99_000)
    await client.get('/other')
    pass(1_000)
    t.equal(await visits(), 0)
  })
})

t.test('a rotation is no new beginning: createdAt stays, authenticatedAt tells of the login', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client } = await timedApp(t, { backend, idleTimeout: 100, absoluteTimeout: 1_000, touchAfter: 10 })
    const facts = async () => {
      const { createdAt, expiresAt, authenticatedAt } = (await client.get('/facts')).json()
      return [createdAt, expiresAt, authenticatedAt].map((time) => time === null ? null : (Date.parse(time) - START) / 1_000)
    }
    t.strictSame(await facts(), [0, 100, null])
    await client.get('/write')
    pass(5_000)
    t.strictSame(await facts(), [0, 100, null], 'not touched yet')
    pass(45_000)
    await client.get('/login')
    pass(1_000)
    t.strictSame(await facts(), [0, 150, 50])
    pass(19_000)
    await client.get('/rotate')
    t.strictSame(await facts(), [0, 170, 50])
    pass(10_000)
    await client.get('/logout')
    t.strictSame(await facts(), [0, 180, null])
    for (let second = 80; second < 950; second += 50) {
      pass(50_000)
      await client.get('/write')
    }
    t.strictSame(await facts(), [0, 1_000, null], 'never after the absolute deadline')
  })
})

t.test('authenticatedAt is null while the rotateOn keys are what they are in a new session', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client } = await timedApp(t, { backend, rotateOn: ['theme'] })
    app.get('/dark', async ({ session }) => { session.theme = 'dark' })
    app.get('/light', async ({ session }) => { session.theme = 'light' })
    await client.get('/write')
    t.equal((await client.get('/facts')).json().authenticatedAt, null)
    await client.get('/dark')
    t.equal((await client.get('/facts')).json().authenticatedAt, new Date(START).toISOString())
    await client.get('/light')
    t.equal((await client.get('/facts')).json().authenticatedAt, null)
  })
})

for (const [preset, idle, absolute] of [['aal1', 30 * DAY, 30 * DAY], ['aal2', 3_600, DAY], ['aal3', 900, DAY / 2]] as const) {
  t.test(`S-7.1.1: ${preset} is what NIST SP 800-63B-4 says, and can only be made shorter`, async t => {
    await eachBackend(t, async (t, backend) => {
      const { sessions, client, visits } = await timedApp(t, { backend, timeouts: preset })
      t.match(sessions.policy(), { idleTimeout: idle, absoluteTimeout: absolute })
      await client.get('/write')
      pass(idle * 1_000 - 1)
      t.equal(await visits(), 1)
      pass(idle * 1_000)
      t.equal(await visits(), 0)
      const shorter = await buildApp(t, { backend, timeouts: preset, idleTimeout: 60, absoluteTimeout: 600 })
      t.match(shorter.sessions.policy(), { idleTimeout: 60, absoluteTimeout: 600 })
      await t.rejects(buildApp(t, { backend, timeouts: preset, absoluteTimeout: absolute + 1 }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
      await t.rejects(buildApp(t, { backend, timeouts: preset, idleTimeout: idle + 1 }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
    })
  })
}

for (const [option, value] of [
  ['absoluteTimeout', Infinity], ['absoluteTimeout', NaN], ['absoluteTimeout', 0], ['absoluteTimeout', -1], ['absoluteTimeout', 400 * DAY + 1], ['absoluteTimeout', '60'],
  ['idleTimeout', Infinity], ['idleTimeout', NaN], ['idleTimeout', 0], ['idleTimeout', -1], ['idleTimeout', 31 * DAY], ['idleTimeout', null],
  ['touchAfter', Infinity], ['touchAfter', NaN], ['touchAfter', -1], ['touchAfter', DAY],
  ['rotateEvery', Infinity], ['rotateEvery', NaN], ['rotateEvery', 0], ['rotationGrace', Infinity], ['rotationGrace', -1], ['rotationGrace', 3_601],
  ['storeTimeout', Infinity], ['storeTimeout', NaN], ['storeTimeout', 0], ['sweepEvery', Infinity], ['sweepEvery', -1], ['timeouts', 'aal4']
] as const) {
  t.test(`S-n2: ${option}: ${value} is refused at register, by its name`, async t => {
    await t.rejects(buildApp(t, { backend: 'memory', [option]: value }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: new RegExp(option) })
  })
}

t.test('fractions of a second count', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, visits } = await timedApp(t, { backend, idleTimeout: 0.25, absoluteTimeout: 0.5, touchAfter: 0.1 })
    await client.get('/write')
    pass(249)
    t.equal(await visits(), 1)
    pass(249)
    t.equal(await visits(), 1)
    pass(2)
    t.equal(await visits(), 0)
  })
})

//
t.test('R-24: two instances whose clocks differ by half a minute serve the same sessions', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, newClient, visits } = await timedApp(t, { backend, idleTimeout: 600, touchAfter: 0 })
    for (const ahead of [59_000, -59_000]) {
      setClock(START + 1_000_000)
      client.jar.clear()
      setClock(Date.now() + ahead)
      await client.get('/write')
      for (let turn = 0; turn < 10; turn++) {
        setClock(Date.now() - ahead)
        t.equal(await visits(), 1)
        setClock(Date.now() + ahead)
        t.equal(await visits(), 1)
      }
    }
    t.equal(await visits(newClient()), 0)
  })
})

t.test('R-24: a session from a clock that is up to an hour ahead is read as begun and used now, and lives no longer for it', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, visits } = await timedApp(t, { backend, idleTimeout: 600, absoluteTimeout: 6_000 })
    setClock(START + 3_600_000)
    await client.get('/write')
    const early = client.token as string
    setClock(START)
    t.equal(await visits(), 1)
    setClock(START + 600_000)
    if (backend === 'cookie') client.jar.set(COOKIE, early)
    t.equal(await visits(), 1, 'still ahead, so that this is the use')
    setClock(START + 3_600_000 + 6_000_000)
    t.equal(await visits(), 0)
  })
})

t.test('R-24: a session from a clock that is further ahead is rejected for what it is, and served when that time has come', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, visits, rejected } = await timedApp(t, { backend })
    setClock(START + 3_600_001)
    await client.get('/write')
    setClock(START)
    t.equal(await visits(), 0)
    t.strictSame(rejected().map(({ reason }) => reason), ['from-the-future'])
    setClock(START + 1)
    t.equal(await visits(), 1)
  })
})

t.test('R-24: a session from a clock that is five minutes behind ends by that clock, not earlier than five minutes', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, visits } = await timedApp(t, { backend, idleTimeout: 3_600 })
    setClock(START - 300_000)
    await client.get('/write')
    setClock(START + 3_299_999)
    t.equal(await visits(), 1)
  })
})

t.test('R-24: the clock jumps an hour ahead and back: nobody gets an error, and a session that is still valid is back', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, visits } = await timedApp(t, { backend, idleTimeout: 7_200, touchAfter: 600 })
    await client.get('/write')
    setClock(START + 3_600_000)
    t.equal((await client.get('/facts')).statusCode, 200)
    setClock(START)
    t.equal((await client.get('/facts')).statusCode, 200)
    setClock(START + 3_600_000)
    t.equal(await visits(), 1)
  })
})

t.test('R-24: a clock that stands still, the year 2038, the change to summer time', async t => {
  await eachBackend(t, async (t, backend) => {
    for (const now of [Date.UTC(2038, 0, 19, 3, 14, 7, 500), Date.UTC(2026, 2, 29, 0, 59, 59, 500), Date.UTC(2106, 1, 7, 6, 28, 15, 500)]) {
      await t.test(new Date(now).toISOString(), async t => {
        const { client, visits } = await timedApp(t, { backend, idleTimeout: 60, touchAfter: 0 })
        setClock(now)
        for (const url of ['/write', '/write', '/rotate', '/write']) await client.get(url)
        t.equal(await visits(), 3)
        setClock(now + 59_999)
        t.equal(await visits(), 3)
      })
    }
  })
})
