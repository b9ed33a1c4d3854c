import t, { type Test } from 'tap'
import { type AppOptions, type AppSession, buildApp, eachBackend, settled } from '../support/app.js'
import { pass, START, stopTime } from '../support/clock.js'

/** An application where somebody has signed in, and a request that goes on when it is told to. */
async function scene (t: Test, options: AppOptions) {
  stopTime(t)
  const built = await buildApp(t, { idleTimeout: 60, absoluteTimeout: 300, touchAfter: 0, ...options })
  const { app, client } = built
  let go = () => {}
  const route = (url: string, handler: (session: AppSession) => unknown) => app.get(url, async ({ session }) => {
    session.has('userId')
    await new Promise<void>((resolve) => { go = resolve })
    return await handler(session) ?? 'made'
  })
  app.get('/again', async ({ session }) => {
    session.has('userId')
    pass(50_000)
    await session.reload()
    pass(20_000)
    session.note = 'made'
  })
  app.get('/in', async ({ session }) => { session.userId = 'ada' })
  app.get('/read', async ({ session }) => ({ userId: session.userId, note: session.note, isNew: session.isNew }))
  route('/export', (session) => { session.note = 'made' })
  route('/only-read', () => undefined)
  route('/save', async (session) => {
    session.note = 'made'
    return await session.save().then(() => 'saved', (error: { code: string }) => error.code)
  })
  route('/reload', async (session) => await session.reload().then(() => session.userId, (error: { code: string }) => error.code))
  route('/rotate', async (session) => { session.note = 'made'; await session.rotate() })
  /** A request that takes its time. `meanwhile`: after half of it. */
  const long = async (url: string, milliseconds: number, meanwhile: () => unknown = () => {}) => {
    const response = client.get(url)
    await settled()
    pass(milliseconds / 2)
    await meanwhile()
    pass(milliseconds / 2)
    go()
    return await response
  }
  await client.get('/in')
  return { ...built, long, read: async () => (await client.get('/read')).json() }
}

t.test('what a request writes that began before the idle deadline is kept, and the request was a use when it began', t => eachBackend(t, async (t, backend) => {
  for (const url of ['/export', '/save', '/rotate']) {
    await t.test(url, async t => {
      const { long, read } = await scene(t, { backend })
      pass(40_000)
      t.equal((await long(url, 30_000)).statusCode, 200)
      t.match(await read(), { userId: 'ada', note: 'made' })
    })
  }
}))

t.test('such a use is over when it would be if nothing had been written', t => eachBackend(t, async (t, backend) => {
  for (const [after, isNew] of [[29_999, false], [30_000, true]] as const) {
    await t.test(`${after} ms later`, async t => {
      const { long, read } = await scene(t, { backend })
      pass(40_000)
      await long('/export', 30_000)
      pass(after)
      t.match(await read(), { isNew })
    })
  }
}))

t.test('before the idle deadline a long request is a use when it ends', t => eachBackend(t, async (t, backend) => {
  const { long, read } = await scene(t, { backend })
  await long('/export', 50_000)
  pass(59_999)
  t.match(await read(), { note: 'made' })
}))

for (const [what, idle, wait, took] of [
  ['the absolute deadline', 60, 0, 300_000],
  ['so much time that the beginning of the request is too long ago', 60, 30_000, 70_000]
] as const) {
  t.test(`after ${what} nothing is saved, and that is said`, t => eachBackend(t, async (t, backend) => {
    for (const url of ['/export', '/save', '/rotate']) {
      await t.test(url, async t => {
        const { long, read, rejected, logs, events } = await scene(t, { backend, idleTimeout: idle })
        pass(wait)
        events.length = 0
        const { body, headers } = await long(url, took)
        t.equal(body, url === '/save' ? 'FST_TYPED_SESSION_ENDED' : 'made')
        t.equal(headers['set-cookie'], undefined, 'the browser may hold a newer session')
        t.strictSame(rejected().map(({ reason }) => reason), ['expired'])
        t.equal(logs.filter(({ level, msg }) => level === 40 && msg === 'session not saved: it expired before the request was done').length, 1)
        t.match(await read(), { isNew: true })
      })
    }
  }))
}

t.test('a request that only reads over the absolute deadline loses nothing, and nothing is warned of', t => eachBackend(t, async (t, backend) => {
  const { long, logs, client } = await scene(t, { backend })
  const response = await long('/only-read', 300_000)
  t.equal(response.statusCode, 200)
  t.equal(response.headers['set-cookie'], undefined)
  t.notOk(logs.some(({ level, msg }) => level === 40 && String(msg).startsWith('session not saved')))
  t.ok(client.token)
}))

t.test('reload() judges anew: both timeouts, in every backend', t => eachBackend(t, async (t, backend) => {
  for (const [what, options, took] of [['idle', {}, 60_000], ['absolute', { idleTimeout: 300 }, 300_000]] as const) {
    await t.test(what, async t => {
      const { long } = await scene(t, { backend, ...options })
      t.equal((await long('/reload', took - 2)).body, 'ada')
    })
    await t.test(`${what}, over`, async t => {
      const { long } = await scene(t, { backend, ...options })
      t.equal((await long('/reload', took)).body, 'FST_TYPED_SESSION_ENDED')
    })
  }
}))

t.test('reload() makes the next save of the request a use at that moment', t => eachBackend(t, async (t, backend) => {
  const { client, read } = await scene(t, { backend })
  t.equal((await client.get('/again')).statusCode, 200)
  t.equal(Date.now() - START, 70_000)
  pass(39_999)
  t.match(await read(), { note: 'made' })
}))

for (const backend of ['revocable', 'memory'] as const) {
  t.test(`${backend} sessions: a stream that asks by reload() ends with revokeAll(), as a socket does`, async t => {
    const { memoryStore } = await import('../../lib/stores/memory.js')
    const store = memoryStore()
    const { long, sessions } = await scene(t, backend === 'memory' ? { backend, store, revocations: store } : { backend })
    t.equal((await long('/reload', 2, () => sessions.revokeAll())).body, 'FST_TYPED_SESSION_ENDED')
  })

  t.test(`${backend} sessions: a use by another request keeps a long request's session alive, also for reload()`, async t => {
    const { client, newClient, long } = await scene(t, { backend })
    const other = newClient()
    for (const [name, value] of client.jar) other.jar.set(name, value)
    t.equal((await long('/reload', 100_000, () => other.get('/read'))).body, 'ada')
  })
}
