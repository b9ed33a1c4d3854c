import t from 'tap'
import { buildApp, eachBackend } from '../support/app.js'

const config = { session: { begin: false } }

t.test('a route with begin: false begins no session: its changes are dropped, and said at debug', (t) => eachBackend(t, async (t, backend) => {
  const { app, client, logs, events } = await buildApp(t, { backend })
  app.post('/paid', { config }, async ({ session }) => { session.note = 'p1' })
  const response = await client.post('/paid')
  t.strictSame([response.statusCode, response.headers['set-cookie']], [200, undefined])
  t.match(logs.filter(({ level }) => level === 20), [{ msg: 'changes of a new session were dropped: its route begins none' }])
  t.strictSame(events, [])
}))

t.test('there save() and update() say that nothing is kept', (t) => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.post('/save', { config }, async ({ session }) => {
    session.note = 'p1'
    await session.save()
  })
  app.post('/update', { config }, async ({ session }) => await session.update((data) => { data.visits++ }))
  for (const url of ['/save', '/update']) t.match((await client.post(url)).json(), { statusCode: 409, code: 'FST_TYPED_SESSION_NOT_BEGUN' }, url)
  t.equal(client.token, undefined)
}))

t.test('a session that is there is saved, rotated and ended as everywhere; after destroy() none begins', (t) => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/begin', async ({ session }) => { session.visits = 1 })
  app.get('/now', async ({ session }) => [session.isNew, session.visits, session.userId ?? null])
  app.post('/paid', { config }, async ({ session }) => { session.visits++ })
  app.post('/login', { config }, async ({ session }) => { session.userId = 'ann' })
  app.post('/out', { config }, async ({ session }) => {
    await session.destroy()
    session.visits = 9
  })
  await client.get('/begin')
  await client.post('/paid')
  const before = client.token
  await client.post('/login')
  t.not(client.token, before)
  t.strictSame((await client.get('/now')).json(), [false, 2, 'ann'])
  await client.post('/out')
  t.equal(client.token, undefined)
  t.strictSame((await client.get('/now')).json(), [true, 0, null])
}))

t.test('begin is true or false', async (t) => {
  const { app } = await buildApp(t, { backend: 'cookie' })
  t.throws(() => app.get('/x', { config: { session: { begin: 'no' as never } } }, async () => 'x'), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /begin.*must be true or false/ })
})
