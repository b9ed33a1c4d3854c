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
  app.get('/persist', async ({ session }) => { session.visits++; session.persist() })
  app.get('/only', async ({ session }) => session.persist())
  app.get('/transient', async ({ session }) => session.persist(false))
  const maxAge = async (url: string): Promise<number | null | 'no cookie'> => {
    const [line] = setCookies((await scene.client.get(url)).headers)
    if (line === undefined) return 'no cookie'
    const [, seconds] = /; Max-Age=(\d+)(?:;|$)/.exec(line) ?? []
    return seconds === undefined ? null : Number(seconds)
  }
  return { ...scene, maxAge }
}

t.test('P4.21: a cookie ends with the browser, unless something else was said', t => eachBackend(t, async (t, backend) => {
  const { maxAge } = await persistApp(t, { backend })
  t.equal(await maxAge('/write'), null)
  t.equal(await maxAge('/rotate'), null)
  pass(200_000)
  t.equal(await maxAge('/read'), null)
}))

t.test('P4.22: cookie.persistent is for every session, as long as it can last', t => eachBackend(t, async (t, backend) => {
  const { maxAge } = await persistApp(t, { backend, cookie: { persistent: true } })
  t.equal(await maxAge('/write'), 10_000)
  pass(200_000)
  t.equal(await maxAge('/read'), 9_800)
}))

t.test('P4.23: persist() is kept with the session, through touches, writes and rotations', t => eachBackend(t, async (t, backend) => {
  const { maxAge } = await persistApp(t, { backend })
  t.equal(await maxAge('/persist'), 10_000)
  pass(200_000)
  t.equal(await maxAge('/read'), 9_800)
  pass(200_000)
  t.equal(await maxAge('/write'), 9_600)
  t.equal(await maxAge('/rotate'), 9_600)
  for (let turn = 0; turn < 10; turn++) {
    pass(900_000)
    await maxAge('/read')
  }
  pass(200_000)
  t.equal(await maxAge('/read'), 400)
}))

t.test('persist(false) makes it a browser session again, over cookie.persistent too', t => eachBackend(t, async (t, backend) => {
  for (const persistent of [true, false]) {
    await t.test(String(persistent), async t => {
      const { maxAge } = await persistApp(t, { backend, cookie: { persistent } })
      t.equal(await maxAge('/only'), 'no cookie', 'a session that nobody writes to is not kept')
      t.equal(await maxAge('/persist'), 10_000)
      t.equal(await maxAge('/transient'), null)
      pass(200_000)
      t.equal(await maxAge('/read'), null)
      t.equal(await maxAge('/only'), 9_800)
      t.equal(await maxAge('/only'), 'no cookie', 'it is what it was')
    })
  }
}))

t.test('a remembered session is idle like any other', t => eachBackend(t, async (t, backend) => {
  const { client, maxAge } = await persistApp(t, { backend })
  t.equal(await maxAge('/persist'), 10_000)
  pass(999_999)
  t.equal((await client.get('/read')).body, '1')
  pass(1_000_000)
  t.equal((await client.get('/read')).body, '0')
}))

t.test('persist() refuses what is no boolean, and says what is to be used instead', t => eachBackend(t, async (t, backend) => {
  const { app, client, maxAge } = await persistApp(t, { backend })
  let value: unknown
  app.get('/wrong', async ({ session }) => session.persist(value as boolean))
  await client.get('/write')
  for (value of [86_400, 0, -1, NaN, 'true', null, {}]) {
    const { code, message } = (await client.get('/wrong')).json()
    t.equal(code, 'FST_TYPED_SESSION_INVALID_OPTION', String(value))
    t.match(message, /how long a session lives is for idleTimeout and absoluteTimeout to say/)
  }
  pass(200_000)
  t.equal(await maxAge('/read'), null)
}))

t.test('after destroy() nothing of it is left for the next session', t => eachBackend(t, async (t, backend) => {
  const { app, maxAge } = await persistApp(t, { backend })
  app.get('/again', async ({ session }) => { session.persist(); await session.destroy(); session.visits = 3 })
  await maxAge('/persist')
  t.equal(await maxAge('/again'), null)
}))

t.test('whoever is remembered is not out sooner than whoever is not, however short the idle timeout', t => eachBackend(t, async (t, backend) => {
  const HOUR = 3_600
  const lasted: number[] = []
  for (const remember of [false, true]) {
    await t.test(remember ? 'remembered' : 'not remembered', async t => {
      const { client, maxAge } = await persistApp(t, { backend, idleTimeout: 14 * 24 * HOUR, absoluteTimeout: 30 * 24 * HOUR, touchAfter: 1.4 * 24 * HOUR })
      let until = Infinity
      const visit = async (url: string) => {
        if (Date.now() >= until) client.jar.clear()
        const age = await maxAge(url)
        if (age !== 'no cookie') until = age === null ? Infinity : Date.now() + age * 1000
        return (await client.get('/read')).body
      }
      await visit(remember ? '/persist' : '/write')
      let hours = 0
      while (hours < 31 * 24 && await visit('/read') === '1') {
        hours += 2
        pass(2 * HOUR * 1000)
      }
      lasted.push(hours)
    })
  }
  t.strictSame(lasted, [30 * 24, 30 * 24])
}))
