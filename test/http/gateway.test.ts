import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppOptions, type BackendName, buildApp, eachBackend, setCookies } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'

/** A gateway and the application behind it, with one session: the gateway reads it, and passes on what the application answers. */
async function scene (t: Test, backend: BackendName, options: Partial<AppOptions> = {}) {
  stopTime(t)
  const shared = backend === 'cookie' ? {} : backend === 'memory' ? { store: memoryStore() } : { revocations: memoryStore() }
  const common = { backend, ...shared, touchAfter: 60, ...options }
  const behind = await buildApp(t, common)
  behind.app.get('/login', async ({ session }) => { session.userId = 'u1' })
  behind.app.get('/logout', async ({ session }) => await session.destroy())
  behind.app.get('/write', async ({ session }) => { session.note = 'from the application' })
  behind.app.get('/read', async ({ session }) => session.data())
  const gateway = await buildApp(t, common)
  const inGateway = { change: (_session: { visits: number }) => {} }
  gateway.app.addHook('preHandler', async ({ session }) => {
    t.type(session.visits, 'number')
    inGateway.change(session)
  })
  gateway.app.get('/*', async ({ raw, headers }, reply) => {
    const answer: LightMyRequestResponse = await behind.app.inject({ url: raw.url!, headers: { cookie: headers.cookie ?? '' } })
    return reply.code(answer.statusCode).headers(answer.headers).send(answer.body)
  })
  const { client, logs } = gateway
  const replaced = () => logs.filter(({ msg }) => /cookie of this session that was on the response is replaced/.test(String(msg))).length
  return { client, inGateway, replaced, now: async () => (await client.get('/read')).json() }
}

for (const due of ['nothing', 'a touch', 'a rotation']) {
  t.test(`the gateway's session is as the application behind it left it, also when ${due} is due there`, t => eachBackend(t, async (t, backend) => {
    const { client, now, replaced } = await scene(t, backend, due === 'a rotation' ? { rotateEvery: 100 } : {})
    const wait = () => { if (due !== 'nothing') pass(120_000) }
    await client.get('/write')
    wait()
    t.equal(setCookies((await client.get('/login')).headers).length, 1)
    t.match(await now(), { userId: 'u1', note: 'from the application' })
    wait()
    await client.get('/write')
    t.match(await now(), { userId: 'u1' })
    wait()
    t.equal(setCookies((await client.get('/logout')).headers).length, 1)
    t.notOk((await now()).userId)
    t.equal(replaced(), 0)
  }))
}

t.test('where both change the session, the cookie of the gateway goes out, and the log says so', t => eachBackend(t, async (t, backend) => {
  const built = await scene(t, backend)
  await built.client.get('/login')
  built.inGateway.change = (session) => { session.visits++ }
  t.equal(setCookies((await built.client.get('/write')).headers).length, backend === 'memory' ? 0 : 1)
  t.equal(built.replaced(), backend === 'memory' ? 0 : 1)
  t.match(await built.now(), backend === 'memory' ? { visits: 1, note: 'from the application' } : { visits: 1 })
}))
