import t from 'tap'
import { buildApp, eachBackend } from '../support/app.js'

t.test('what regenerate() drops stays dropped, whatever the status of the response; what was written after it does not stay', (t) => eachBackend(t, async (t, backend) => {
  const { app, client, events } = await buildApp(t, { backend })
  app.get('/login', async ({ session }) => Object.assign(session, { userId: 'ann', theme: 'dark' }) && 'in')
  app.get('/me', async ({ session }) => [session.userId ?? null, session.theme, session.visits, session.authenticatedAt])
  app.get('/logout', async ({ session }) => {
    await session.regenerate(['theme'])
    session.visits = 7
    throw new Error('the audit log failed')
  })
  await client.get('/login')
  const before = client.token
  t.equal((await client.get('/logout')).statusCode, 500)
  t.not(client.token, before, 'the id is new')
  t.strictSame((await client.get('/me')).json(), [null, 'dark', 0, null])
  t.equal(events.filter(({ name }) => name === 'onRotate').length, 1)
}))

t.test('rotate() happens on a 5xx and drops nothing', (t) => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/login', async ({ session }) => { session.userId = 'ann' })
  app.get('/me', async ({ session }) => session.userId)
  app.get('/fail', async ({ session }) => {
    await session.rotate()
    throw new Error('failed')
  })
  await client.get('/login')
  const before = client.token
  await client.get('/fail')
  t.not(client.token, before)
  t.equal((await client.get('/me')).body, 'ann')
}))
