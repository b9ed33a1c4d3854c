import t, { type Test } from 'tap'
import { type AppOptions, buildApp, COOKIE, eachBackend, setCookies } from '../support/app.js'
import { pass, START, stopTime } from '../support/clock.js'

const HOUR = 3_600
const DAY = 24 * HOUR

interface Holds { readonly userId?: string | undefined, readonly note?: string | undefined, readonly theme: string }

async function scene (t: Test, options: AppOptions) {
  stopTime(t)
  const built = await buildApp(t, options)
  const { app } = built
  app.get('/in', async ({ session, query }) => { Object.assign(session, query) })
  app.get('/out', async ({ session }) => { session.delete('userId') })
  app.get('/read', async ({ session }) => ({ isNew: session.isNew, visits: session.visits }))
  app.get('/touch', async ({ session }) => session.touch())
  app.get('/persist', async ({ session }) => session.persist())
  app.get('/ends', async ({ session }) => (session.expiresAt.getTime() - START) / 1000)
  app.get('/save', async ({ session, query }) => {
    Object.assign(session, query)
    return await session.save().then(() => 'saved', (error: { code: string }) => error.code)
  })
  const lives = async (client = built.client) => !(await client.get('/read')).json().isNew
  const ends = async (client = built.client) => Number((await client.get('/ends')).body)
  const maxAge = (headers: Record<string, unknown>) => /Max-Age=(\d+)/.exec(setCookies(headers).join())?.[1]
  return { ...built, lives, ends, maxAge }
}

t.test('a guest can have a shorter session than a user, on the server', t => eachBackend(t, async (t, backend) => {
  const { client, newClient, lives } = await scene(t, { backend, idleTimeout: ({ userId }: Holds) => userId === undefined ? HOUR : 14 * DAY })
  await client.get('/in?userId=ada')
  const guest = newClient()
  await guest.get('/in?note=x')
  const copy = newClient()
  copy.jar.set(COOKIE, guest.token as string)
  pass(HOUR * 1000 - 1)
  t.equal(await lives(guest), true)
  pass(HOUR * 1000)
  t.equal(await lives(guest), false)
  t.equal(await lives(copy), false)
  t.equal(await lives(), true)
  pass(14 * DAY * 1000)
  t.equal(await lives(), false)
}))

t.test('the record of a guest is gone from the store when it ends, and a user\'s is not', async t => {
  const { client, newClient, sessions, store } = await scene(t, { backend: 'memory', idleTimeout: ({ userId }: Holds) => userId === undefined ? HOUR : 14 * DAY })
  await client.get('/in?userId=ada')
  for (let i = 0; i < 20; i++) await newClient().get('/in?note=x')
  const { size } = store as unknown as { size: number }
  t.equal(size, 21)
  pass(13 * DAY * 1000)
  await sessions.sweep()
  t.equal((store as unknown as { size: number }).size, 1)
})

t.test('what the functions say is asked again at each write, and in force from then on', t => eachBackend(t, async (t, backend) => {
  const asked: object[] = []
  const idleTimeout = (data: Holds) => {
    asked.push(data)
    return data.userId === undefined ? 100 : 1_000
  }
  const { client, ends } = await scene(t, { backend, idleTimeout, absoluteTimeout: 5_000 })
  t.equal(await ends(), 100, 'of a new session, as it is')
  asked.length = 0
  await client.get('/in?note=x')
  t.match(asked, [{ note: 'x', visits: 0 }])
  t.equal(await ends(), 100)
  pass(5_000)
  await client.get('/read')
  t.equal(asked.length, 1, 'nothing was written')
  pass(5_000)
  await client.get('/read')
  t.equal(asked.length, 2, 'a touch is a write')
  t.equal(await ends(), 110)
  await client.get('/in?userId=ada')
  t.equal(await ends(), 1_010)
  await client.get('/out')
  t.equal(await ends(), 110)
}))

t.test('a longer answer is cut to absoluteTimeout, to the preset, and to 400 days', t => eachBackend(t, async (t, backend) => {
  for (const [options, expected] of [
    [{ idleTimeout: () => 1e12, absoluteTimeout: 5_000 }, 5_000],
    [{ idleTimeout: () => 1e12, absoluteTimeout: () => Infinity }, 400 * DAY],
    [{ idleTimeout: () => 1e12, absoluteTimeout: () => 60 }, 60],
    [{ idleTimeout: () => 1e12, timeouts: 'aal3' }, 900],
    [{ idleTimeout: () => 800, absoluteTimeout: () => 1e12, timeouts: 'aal3' }, 800],
    [{ absoluteTimeout: () => 1e12 }, DAY]
  ] as const) {
    await t.test(`${expected} s`, async t => {
      const { client, ends } = await scene(t, { backend, ...options })
      await client.get('/in?note=x')
      t.equal(await ends(), expected)
    })
  }
}))

t.test('what is no positive number, or a throw, fails the save and leaves the session as it was', t => eachBackend(t, async (t, backend) => {
  for (const answer of [() => 0, () => -1, () => NaN, () => '60', () => undefined, () => Promise.resolve(60), () => { throw new Error('broken') }]) {
    await t.test(String(answer), async t => {
      let wrong = false
      const { client, lives, logs } = await scene(t, { backend, idleTimeout: () => wrong ? answer() as number : 100 })
      await client.get('/in?note=x')
      wrong = true
      t.match((await client.get('/in?note=y')).json(), { statusCode: 500, code: 'FST_TYPED_SESSION_INVALID_DATA', message: /idleTimeout/ })
      t.match((await client.get('/save?note=z')).json(), { code: 'FST_TYPED_SESSION_INVALID_DATA' })
      pass(10_000)
      t.equal((await client.get('/read')).statusCode, 200, 'a touch fails no request')
      t.ok(logs.some(({ level, err }) => level === 50 && /idleTimeout/.test((err as Error | undefined)?.message ?? '')) ||
        logs.some(({ level, err }) => level === 50 && (err as Error | undefined)?.message === 'broken'), 'and is in the log')
      wrong = false
      t.equal(await lives(), true)
    })
  }
}))

t.test('a function that is asynchronous is refused at register', async t => {
  for (const option of ['idleTimeout', 'absoluteTimeout']) {
    await t.rejects(buildApp(t, { backend: 'cookie', [option]: async () => 60 }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: new RegExp(`${option}: must answer at once`) })
    await t.rejects(buildApp(t, { backend: 'cookie', [option]: '60' }), { message: new RegExp(`${option}: must be a number of seconds, or a function of the data that gives it`) })
  }
})

t.test('a session that is over by the new answer is over with this response, for every copy of its cookie', t => eachBackend(t, async (t, backend) => {
  const { client, newClient, lives, events } = await scene(t, { backend, idleTimeout: 10_000, absoluteTimeout: ({ userId }: Holds) => userId === undefined ? 100 : 10_000 })
  await client.get('/in?userId=ada')
  const copy = newClient()
  copy.jar.set(COOKIE, client.token as string)
  pass(200_000)
  t.equal(await lives(), true)
  events.length = 0
  const response = await client.get('/out')
  t.equal(response.statusCode, 200)
  t.match(setCookies(response.headers), [/^[^=]+=; Max-Age=0/])
  t.equal(client.token, undefined)
  t.equal(await lives(), false)
  t.equal(events.filter(({ name }) => name === 'onDestroy').length, 1)
  if (backend !== 'cookie') t.equal(await lives(copy), false)
}))

t.test('save() of a session that is over by the new answer says so', t => eachBackend(t, async (t, backend) => {
  const { client, lives } = await scene(t, { backend, absoluteTimeout: ({ note }: Holds) => note === 'short' ? 100 : 10_000, idleTimeout: 1_000 })
  await client.get('/in?userId=ada')
  pass(200_000)
  t.equal((await client.get('/save?note=short')).body, 'FST_TYPED_SESSION_ENDED')
  t.equal(client.token, undefined)
  t.equal(await lives(), false)
}))

t.test('a rotation does not save a session that is over by the new answer', t => eachBackend(t, async (t, backend) => {
  const { app, client, lives, events } = await scene(t, { backend, absoluteTimeout: ({ note }: Holds) => note === 'short' ? 100 : 10_000, idleTimeout: 1_000 })
  app.get('/rotate', async ({ session }) => { session.note = 'short'; await session.rotate() })
  await client.get('/in?userId=ada')
  pass(200_000)
  events.length = 0
  t.equal((await client.get('/rotate')).statusCode, 200)
  t.strictSame(events.map(({ name }) => name).filter((name) => name !== 'onLoad'), ['onDestroy'])
  t.equal(await lives(), false)
}))

t.test('the cookie of somebody who is remembered is sent again when the session may last for longer or shorter', t => eachBackend(t, async (t, backend) => {
  const { client, maxAge } = await scene(t, { backend, idleTimeout: 50, absoluteTimeout: ({ note }: Holds) => note === 'long' ? 1_000 : 100 })
  await client.get('/in?theme=dark')
  t.equal(maxAge((await client.get('/persist')).headers), '100')
  t.equal(maxAge((await client.get('/in?note=long')).headers), '1000')
  t.equal(maxAge((await client.get('/in?note=short')).headers), '100')
  const same = (await client.get('/in?note=other')).headers
  t.equal(maxAge(same), backend === 'memory' ? undefined : '100', 'a store session whose end does not move needs no cookie')
}))

t.test('a number is in force at once for the sessions that are there, whatever a function has said before', t => eachBackend(t, async (t, backend) => {
  const revocations = backend === 'revocable' ? { revocations: (await import('../../lib/stores/memory.js')).memoryStore() } : {}
  const first = await scene(t, { backend, ...revocations, idleTimeout: () => 1_000 })
  await first.client.get('/in?note=x')
  const kept = first.store === undefined ? {} : { store: first.store }
  const second = await buildApp(t, { backend, ...kept, ...revocations, idleTimeout: 100 })
  second.app.get('/read', async ({ session }) => ({ isNew: session.isNew }))
  second.client.jar.set(COOKIE, first.client.token as string)
  pass(99_999)
  t.equal((await second.client.get('/read')).json().isNew, false)
  second.client.jar.set(COOKIE, first.client.token as string)
  pass(backend === 'cookie' ? 1 : 100_000)
  t.equal((await second.client.get('/read')).json().isNew, true)
}))

t.test('where an option becomes a function, the default counts until the session is read', t => eachBackend(t, async (t, backend) => {
  const revocations = backend === 'revocable' ? { revocations: (await import('../../lib/stores/memory.js')).memoryStore() } : {}
  const first = await scene(t, { backend, ...revocations, idleTimeout: 10 * DAY })
  await first.client.get('/in?note=x')
  const kept = first.store === undefined ? {} : { store: first.store }
  const second = await buildApp(t, { backend, ...kept, ...revocations, idleTimeout: () => 100 })
  second.app.get('/read', async ({ session }) => ({ isNew: session.isNew }))
  second.client.jar.set(COOKIE, first.client.token as string)
  pass(DAY * 1000 - 1)
  t.equal((await second.client.get('/read')).json().isNew, false)
  pass(99_999)
  t.equal((await second.client.get('/read')).json().isNew, false)
  pass(100_000)
  t.equal((await second.client.get('/read')).json().isNew, true)
}))

t.test('policy() says null for what is a function of the data', async t => {
  const { sessions } = await buildApp(t, { backend: 'cookie', idleTimeout: () => 60, absoluteTimeout: () => 600 })
  t.match(sessions.policy(), { idleTimeout: null, absoluteTimeout: null, touchAfter: null })
  const { sessions: other } = await buildApp(t, { backend: 'cookie', idleTimeout: () => 60, absoluteTimeout: 600, touchAfter: 5 })
  t.match(other.policy(), { idleTimeout: null, absoluteTimeout: 600, touchAfter: 5 })
})
