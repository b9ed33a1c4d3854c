import csrf from '@fastify/csrf-protection'
import flash from '@fastify/flash'
import type { FastifyReply } from 'fastify'
import t, { type Test } from 'tap'
import { type AppOptions, type BackendName, buildApp, eachBackend, sessionOf } from '../support/app.js'
import { FaultyStore } from '../support/faulty-store.js'
import { memoryStore } from '../../lib/stores/memory.js'

async function flashing (t: Test, backend: BackendName) {
  const store = new FaultyStore(memoryStore())
  const built = await buildApp(t, { backend, undeclaredKeys: ['flash'], ...(backend === 'memory' && { store }) })
  const { app } = built
  app.register(flash)
  app.get('/', async (_request, reply) => reply.flash())
  app.get('/errors', async (_request, reply) => reply.flash('error'))
  app.get('/say', async (request) => request.flash('info', 'saved %s things', '2'))
  app.get('/say-two', async (request) => [request.flash('info', ['a', 'b']), request.flash('error', 'c')])
  app.get('/login', async (request) => { sessionOf(request).userId = 'u1' })
  app.get('/logout', async (request) => {
    await sessionOf(request).destroy()
    request.flash('info', 'bye')
  })
  app.get('/who', async (request) => ({ userId: sessionOf(request).userId ?? null, isNew: sessionOf(request).isNew }))
  return { ...built, calls: store.calls }
}

t.test('@fastify/flash (P2.2): a page that shows what there is opens no session for a visitor who has none', t => eachBackend(t, async (t, backend) => {
  const { client, calls } = await flashing(t, backend)
  for (const url of ['/', '/errors', '/']) {
    const response = await client.get(url)
    t.equal(response.statusCode, 200)
    t.equal(response.headers['set-cookie'], undefined, url)
  }
  t.strictSame(calls, [])
}))

t.test('@fastify/flash: a message is shown once, on the next page', t => eachBackend(t, async (t, backend) => {
  const { client } = await flashing(t, backend)
  t.equal((await client.get('/say')).body, '1')
  t.strictSame((await client.get('/')).json(), { info: ['saved 2 things'] })
  t.strictSame((await client.get('/')).json(), {})
  t.strictSame((await client.get('/say-two')).json(), [2, 1])
  t.strictSame((await client.get('/errors')).json(), ['c'])
  t.strictSame((await client.get('/errors')).json(), [])
  t.strictSame((await client.get('/')).json(), { info: ['a', 'b'] })
  const before = client.token
  t.equal((await client.get('/')).headers['set-cookie'], undefined, 'nothing to take away is no change')
  t.equal(client.token, before)
}))

t.test('@fastify/flash: a farewell after logout is shown, in a session that is nobody\'s', t => eachBackend(t, async (t, backend) => {
  const { client } = await flashing(t, backend)
  await client.get('/login')
  const loggedIn = client.token as string
  t.equal((await client.get('/logout')).statusCode, 200)
  t.ok(client.token !== undefined && client.token !== loggedIn)
  t.strictSame((await client.get('/who')).json(), { userId: null, isNew: false })
  t.strictSame((await client.get('/')).json(), { info: ['bye'] })
}))

const MODES = ['@fastify/session', '@fastify/secure-session'] as const

async function protecting (t: Test, sessionPlugin: typeof MODES[number], options: AppOptions) {
  const built = await buildApp(t, { undeclaredKeys: ['_csrf'], ...options })
  const { app } = built
  await app.register(csrf, { sessionPlugin })
  app.get('/token', async (_request, reply) => ({ token: reply.generateCsrf() }))
  app.post('/act', { onRequest: app.csrfProtection }, async () => 'done')
  const ways: Record<string, (session: ReturnType<typeof sessionOf>) => unknown> = {
    login: (session) => { session.userId = 'u1' },
    rotate: async (session) => await session.rotate(),
    regenerate: async (session) => await session.regenerate(['cart']),
    destroy: async (session) => await session.destroy(),
    clear: (session) => { session.clear() }
  }
  for (const [name, run] of Object.entries(ways)) app.get(`/${name}`, async (request) => { await run(sessionOf(request)) })
  const act = async (token: string, client = built.client) => (await client.send({ method: 'POST', url: '/act', headers: { 'csrf-token': token } })).statusCode
  const token = async () => (await built.client.get('/token')).json().token as string
  return { ...built, act, token }
}

for (const mode of MODES) {
  t.test(`@fastify/csrf-protection as with ${mode}: the secret lives in the session (S-3.5.1)`, t => eachBackend(t, async (t, backend) => {
    const { act, token, client, newClient } = await protecting(t, mode, { backend })
    t.equal(await act('anything'), 403, 'a visitor without a session has no secret')
    t.equal(client.jar.size, 0)
    const first = await token()
    t.equal(await act(first), 200)
    t.equal(await act(`${first}x`), 403)
    const before = client.token
    const second = await token()
    t.not(second, first)
    t.equal(client.token, before, 'the secret is made once')
    t.equal(await act(first), 200)
    t.equal(await act(first, newClient()), 403, 'for another visitor it is nothing')
  }))

  for (const way of ['login', 'rotate', 'regenerate', 'destroy', 'clear']) {
    t.test(`@fastify/csrf-protection as with ${mode}: ${way} drops the secret (S-3.5.1, K-2, K-5)`, t => eachBackend(t, async (t, backend) => {
      const { act, token, client } = await protecting(t, mode, { backend })
      const old = await token()
      await client.get(`/${way}`)
      t.equal(await act(old), 403)
      const fresh = await token()
      t.equal(await act(fresh), 200)
      t.equal(await act(old), 403)
    }))
  }
}

t.test('what @fastify/csrf-protection writes is refused by name where nobody declared it', t => eachBackend(t, async (t, backend) => {
  const { client } = await protecting(t, '@fastify/session', { backend, undeclaredKeys: [] })
  t.match((await client.get('/token')).json(), { code: 'FST_TYPED_SESSION_UNKNOWN_KEY', message: /_csrf.*undeclaredKeys/ })
}))

t.test('@fastify/csrf-protection with options for its own cookie asks for a method that only @fastify/secure-session has', t => eachBackend(t, async (t, backend) => {
  for (const [mode, status] of [['@fastify/session', 200], ['@fastify/secure-session', 500]] as const) {
    const { app, client } = await protecting(t, mode, { backend })
    app.get('/options', async (_request, reply: FastifyReply) => ({ token: reply.generateCsrf({ userInfo: 'u1' } as never) }))
    t.equal((await client.get('/options')).statusCode, status, mode)
  }
}))
