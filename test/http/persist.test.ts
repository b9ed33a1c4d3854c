import t, { type Test } from 'tap'
import { type AppOptions, buildApp, eachBackend, setCookies } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'

async function persistApp (t: Pick<Test, 'teardown'>, options: AppOptions) {
  stopTime(t)
  const scene = await buildApp(t, { idleTimeout: 1_000, absoluteTimeout: 10_000, touchAfter: 100, ...options })
  const { app } = scene
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/read', async ({ session }) => String(session.visits))
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/new', async ({ session }) => session.persist())
  app.get<{ Params: { seconds: string } }>('/persist/:seconds', async ({ session, params }) => {
    session.visits++
    session.persist(Number(params.seconds))
  })
  app.get<{ Params: { seconds: string } }>('/only/:seconds', async ({ session, params }) => session.persist(Number(params.seconds)))
  app.get('/persist', async ({ session }) => { session.visits++; session.persist() })
  const maxAge = async (url: string): Promise<number | null | 'no cookie'> => {
    const [line] = setCookies((await scene.client.get(url)).headers)
    if (line === undefined) return 'no cookie'
    const [, seconds] = /; Max-Age=(\d+)(?:;|$)/.exec(line) ?? []
    return seconds === undefined ? null : Number(seconds)
  }
  return { ...scene, maxAge }
}

t.test('P4.21: a cookie ends with the browser, unless something else was said', async t => {
  await eachBackend(t, async (t, backend) => {
    const { maxAge } = await persistApp(t, { backend })
    t.equal(await maxAge('/write'), null)
    t.equal(await maxAge('/rotate'), null)
    pass(200_000)
    t.equal(await maxAge('/read'), null)
  })
})

t.test('P4.22: cookie.persistent is for every session, never beyond the absolute timeout', async t => {
  await eachBackend(t, async (t, backend) => {
    await t.test('true', async t => {
      const { maxAge } = await persistApp(t, { backend, cookie: { persistent: true } })
      t.equal(await maxAge('/write'), 10_000)
      pass(200_000)
      t.equal(await maxAge('/read'), 9_800)
    })
    await t.test('500', async t => {
      const { maxAge } = await persistApp(t, { backend, cookie: { persistent: 500 } })
      t.equal(await maxAge('/write'), 500)
      pass(200_000)
      t.equal(await maxAge('/read'), 500, 'counted anew with each cookie')
    })
  })
})

t.test('P4.23: persist() is kept with the session, through touches, writes and rotations', async t => {
  await eachBackend(t, async (t, backend) => {
    const { maxAge } = await persistApp(t, { backend })
    t.equal(await maxAge('/persist/5000'), 5_000)
    pass(200_000)
    t.equal(await maxAge('/read'), 5_000)
    pass(200_000)
    t.equal(await maxAge('/write'), 5_000)
    t.equal(await maxAge('/rotate'), 5_000)
    for (let turn = 0; turn < 10; turn++) {
      pass(900_000)
      await maxAge('/read')
    }
    pass(200_000)
    t.equal(await maxAge('/read'), 400, 'and not longer than the session can last')
  })
})

t.test('persist() without a number is as long as the session can last; 0 makes it a browser session again', async t => {
  await eachBackend(t, async (t, backend) => {
    const { maxAge } = await persistApp(t, { backend })
    t.equal(await maxAge('/new'), 'no cookie', 'a session that nobody writes to is not kept')
    t.equal(await maxAge('/persist'), 10_000)
    t.equal(await maxAge('/only/0'), null)
    pass(200_000)
    t.equal(await maxAge('/read'), null, 'over the setting too')
    t.equal(await maxAge('/only/60'), 60)
    t.equal(await maxAge('/only/99999999'), 9_800)
    t.equal(await maxAge('/only/1.9'), 1)
  })
})

t.test('persist(0) is stronger than cookie.persistent', async t => {
  await eachBackend(t, async (t, backend) => {
    const { maxAge } = await persistApp(t, { backend, cookie: { persistent: true } })
    t.equal(await maxAge('/persist/0'), null)
    pass(200_000)
    t.equal(await maxAge('/read'), null)
  })
})

t.test('a remembered session is idle like any other', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, maxAge } = await persistApp(t, { backend })
    t.equal(await maxAge('/persist'), 10_000)
    pass(999_999)
    t.equal((await client.get('/read')).body, '1')
    pass(1_000_000)
    t.equal((await client.get('/read')).body, '0')
  })
})

t.test('persist() refuses what is no number of seconds', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, maxAge } = await persistApp(t, { backend })
    await client.get('/write')
    for (const seconds of ['-1', 'NaN', 'Infinity', 'x']) {
      t.match((await client.get(`/only/${seconds}`)).json(), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, seconds)
    }
    pass(200_000)
    t.equal(await maxAge('/read'), null)
  })
})

t.test('after destroy() nothing of it is left for the next session', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, maxAge } = await persistApp(t, { backend })
    app.get('/again', async ({ session }) => { session.persist(); await session.destroy(); session.visits = 3 })
    await maxAge('/persist/5000')
    t.equal(await maxAge('/again'), null)
  })
})
