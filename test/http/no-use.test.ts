import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { requireSession } from '../../lib/index.js'
import { type AppOptions, buildApp, eachBackend, setCookies } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'

const QUIET = { config: { session: { touch: false } } } as const

async function scene (t: Test, options: AppOptions) {
  stopTime(t)
  const built = await buildApp(t, { idleTimeout: 900, touchAfter: 60, ...options })
  const { app, handle } = built
  app.get('/in', async ({ session }) => { session.userId = 'ada' })
  app.get('/catalogue', async () => 'a page')
  app.get('/read', async ({ session }) => ({ userId: session.userId, visits: session.visits, isNew: session.isNew }))
  app.get('/news', requireSession(handle, 'userId'), async () => [])
  const guard = requireSession(handle, 'userId')
  app.get('/quiet-guarded', { ...guard, config: { ...guard.config, session: { ...guard.config.session, touch: false } } }, async () => [])
  app.get('/quiet', QUIET, async ({ session }) => ({ userId: session.userId }))
  app.get('/quiet-write', QUIET, async ({ session }) => { session.visits++ })
  app.get('/quiet-rotate', QUIET, async ({ session }) => await session.rotate())
  app.get('/quiet-save', QUIET, async ({ session }) => { session.visits++; await session.save() })
  app.get('/quiet-touch', QUIET, async ({ session }) => session.touch())
  app.get('/quiet-first', QUIET, async ({ session }) => { session.visits = 1 })
  /** Asks once a minute, for at most four hours; the minutes until it was refused. */
  const minutes = async (url: string, client = built.client) => {
    for (let minute = 1; minute <= 240; minute++) {
      pass(60_000)
      const { statusCode, body } = await client.get(url)
      if (statusCode !== 200 || body === '{}') return minute
    }
    return Infinity
  }
  return { ...built, minutes }
}

t.test('a page that asks for news keeps its session alive, unless its route says that this is no use', t => eachBackend(t, async (t, backend) => {
  for (const [url, ended] of [['/news', Infinity], ['/quiet-guarded', 15], ['/quiet', 15]] as const) {
    await t.test(url, async t => {
      const { client, minutes } = await scene(t, { backend })
      await client.get('/in')
      t.equal(await minutes(url), ended)
    })
  }
}))

t.test('what such a route writes is kept with the time of the last use, in a new token, too', t => eachBackend(t, async (t, backend) => {
  for (const url of ['/quiet-write', '/quiet-save', '/quiet-rotate']) {
    await t.test(url, async t => {
      const { client } = await scene(t, { backend })
      await client.get('/in')
      for (let minute = 1; minute < 15; minute++) {
        pass(60_000)
        await client.get(url)
      }
      pass(59_999)
      if (url === '/quiet-rotate') t.equal((await client.get('/read')).json().userId, 'ada')
      else t.match((await client.get('/quiet')).json(), { userId: 'ada' })
      if (url === '/quiet-rotate') return
      pass(1)
      t.match((await client.get('/read')).json(), { isNew: true })
    })
  }
}))

t.test('reading on such a route sends no cookie for time alone; elsewhere the touch is still due', t => eachBackend(t, async (t, backend) => {
  const { client } = await scene(t, { backend })
  await client.get('/in')
  pass(600_000)
  t.strictSame(setCookies((await client.get('/quiet')).headers), [])
  t.equal(setCookies((await client.get('/read')).headers).length, 1)
}))

t.test('an explicit touch() counts on such a route', t => eachBackend(t, async (t, backend) => {
  const { client } = await scene(t, { backend })
  await client.get('/in')
  for (let turn = 0; turn < 5; turn++) {
    pass(899_999)
    await client.get('/quiet-touch')
  }
  t.match((await client.get('/read')).json(), { userId: 'ada' })
}))

t.test('a session that begins on such a route begins with a use', t => eachBackend(t, async (t, backend) => {
  const { client } = await scene(t, { backend })
  await client.get('/quiet-first')
  pass(899_999)
  t.match((await client.get('/quiet')).statusCode, 200)
  t.match((await client.get('/read')).json(), { visits: 1, isNew: false })
}))

t.test('a token that is sealed anew on such a route keeps the time of the last use', t => eachBackend(t, async (t, backend) => {
  const [older, newer] = [randomBytes(32), randomBytes(32)]
  let secrets = [older]
  const { client, sessions } = await scene(t, { backend, secret: () => secrets })
  await client.get('/in')
  secrets = [newer, older]
  await sessions.reloadSecrets()
  pass(600_000)
  t.equal(setCookies((await client.get('/quiet')).headers).length, 1)
  pass(299_999)
  t.match((await client.get('/quiet')).json(), { userId: 'ada' })
  pass(1)
  t.match((await client.get('/read')).json(), { isNew: true })
}))

t.test('a request that does not look at the session is no use; reading it in a hook makes every request one', t => eachBackend(t, async (t, backend) => {
  for (const every of [false, true]) {
    await t.test(every ? 'with the hook' : 'without', async t => {
      stopTime(t)
      const { app, client } = await buildApp(t, { backend, idleTimeout: 900 })
      if (every) {
        app.addHook('onRequest', async (request) => {
          if (request.routeOptions.config.session !== false) request.session.has('userId')
        })
      }
      app.get('/in', async ({ session }) => { session.userId = 'ada' })
      app.get('/catalogue', async () => 'a page')
      app.get('/read', async ({ session }) => session.userId ?? 'nobody')
      await client.get('/in')
      for (let page = 0; page < 20; page++) {
        pass(90_000)
        await client.get('/catalogue')
      }
      t.equal((await client.get('/read')).body, every ? 'ada' : 'nobody')
    })
  }
}))

t.test('the option is a boolean', async t => {
  const { app } = await buildApp(t, { backend: 'cookie' })
  t.throws(() => app.get('/', { config: { session: { touch: 'no' as never } } }, async () => 1), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /touch.*must be true or false/ })
})
