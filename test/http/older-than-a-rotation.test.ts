import csrf from '@fastify/csrf-protection'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { z } from 'zod'
import sessionPlugin from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppSession, buildApp, Client, COOKIE, SECRET } from '../support/app.js'

/** A request of `cookie` that has loaded the session and waits while `meanwhile` happens. */
async function during (t: Test, write: (session: AppSession) => unknown, meanwhile: (session: AppSession) => unknown) {
  const { app, client, newClient } = await buildApp(t, { backend: 'memory' })
  app.get('/begin', async ({ session }) => { session.visits = 1 })
  app.get('/now', async ({ session }) => session.data())
  app.get('/meanwhile', async ({ session }) => { await meanwhile(session) })
  let inside = () => {}
  let go = () => {}
  const started = new Promise<void>((resolve) => { inside = resolve })
  const gate = new Promise<void>((resolve) => { go = resolve })
  app.get('/slow', async ({ session }) => {
    inside()
    await gate
    await write(session)
  })
  await client.get('/begin')
  const older = newClient()
  older.jar.set(COOKIE, client.token as string)
  const slow = older.get('/slow')
  await started
  await client.get('/meanwhile')
  go()
  return { response: await slow, now: async () => (await client.get('/now')).json() }
}

const ROTATIONS: Record<string, (session: AppSession) => unknown> = {
  'a sign-in': (session) => { session.userId = 'ann' },
  'rotate()': (session) => session.rotate(),
  'regenerate()': (session) => session.regenerate(),
  'reauthenticated()': (session) => session.reauthenticated()
}

for (const [rotation, rotate] of Object.entries(ROTATIONS)) {
  t.test(`what is older than ${rotation} has no say in it: the write is refused and sends no cookie`, async (t) => {
    const { response, now } = await during(t, (session) => { session.note = 'planted' }, rotate)
    t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_MOVED' })
    t.equal(response.headers['set-cookie'], undefined)
    t.equal((await now()).note, undefined)
  })

  t.test(`destroy() follows ${rotation}`, async (t) => {
    const { response, now } = await during(t, (session) => session.destroy(), rotate)
    t.equal(response.statusCode, 200)
    t.strictSame([(await now()).visits, (await now()).userId], [0, undefined])
  })
}

t.test('a CSRF secret that was planted before a sign-in is nothing after it, declared in the schema or not', async (t) => {
  for (const declared of [true, false]) {
    const app = Fastify()
    t.teardown(() => app.close())
    const base = { userId: z.string().optional() }
    const schema = declared ? z.object({ ...base, _csrf: z.string().optional() }) : z.object(base)
    await app.register(sessionPlugin, { schema: schema as never, secret: SECRET, store: memoryStore(), rotateOn: ['userId'] as never, ...(!declared && { undeclaredKeys: ['_csrf'] }) })
    await app.register(csrf, { sessionPlugin: '@fastify/session', getToken: (request: { headers: Record<string, unknown> }) => String(request.headers['x-token']) } as never)
    app.get('/form', async (_request, reply) => (reply as unknown as { generateCsrf: () => string }).generateCsrf())
    app.get('/login', async (request) => { (request as unknown as { session: { userId: string } }).session.userId = 'ann' })
    app.post('/pay', { onRequest: (app as unknown as { csrfProtection: never }).csrfProtection }, async () => 'paid')
    const client = new Client((request) => app.inject(request), COOKIE)
    const planted = (await client.get('/form')).body
    const pay = async (token: string) => (await client.send({ method: 'POST', url: '/pay', headers: { 'x-token': token } })).statusCode
    t.equal(await pay(planted), 200)
    await client.get('/login')
    t.equal(await pay(planted), 403, `declared: ${declared}`)
    t.equal(await pay((await client.get('/form')).body), 200)
  }
})
