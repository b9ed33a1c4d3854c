// Fastify announces its instances, but those that were made before this package was loaded nobody hears of.
import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { z } from 'zod'

const instances = Array.from({ length: 7 }, () => Fastify())
const { createSession, requireSession, withSession } = await import('../../../lib/index.js')

const handle = createSession(z.object({ userId: z.string().optional() }), { secret: randomBytes(32) })
const own = { onRequest: async () => {} }
const refused = { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /Load it before you call Fastify\(\), or await app\.register/ }

function older (t: Test) {
  const app = instances.pop() as ReturnType<typeof Fastify>
  t.teardown(() => app.close())
  return app
}

t.test('after await app.register, and under withSession, a route that loses a guard is guarded as everywhere', async (t) => {
  const [awaited, typed] = [older(t), older(t)]
  await awaited.register(handle.plugin)
  withSession(typed, handle)
  for (const app of [awaited, typed]) {
    app.get('/', { ...requireSession(handle, 'userId'), config: {}, ...own }, async () => 'in')
    t.equal((await app.inject('/')).statusCode, 401)
  }
})

t.test('a guard that is also on a later route guards the earlier one by its config', async (t) => {
  const app = older(t)
  const guard = requireSession(handle, 'userId')
  app.register(handle.plugin)
  app.get('/', { ...guard, ...own }, async () => 'in')
  app.get('/free', async () => 'in')
  app.get('/login', async (request: FastifyRequest) => { handle.get(request).userId = 'ann' })
  app.register(async (child: FastifyInstance) => { child.get('/later', guard, async () => 'in') })
  const status = await Promise.all(['/', '/later', '/free'].map(async (url) => (await app.inject(url)).statusCode))
  t.strictSame(status, [401, 401, 200])
  const { cookies: [cookie] } = await app.inject('/login')
  t.equal((await app.inject({ url: '/', cookies: { [cookie!.name]: cookie!.value } })).statusCode, 200, 'and lets in whoever may')
})

t.test('such a guard leads to the sign-in as everywhere, and nobody comes to the handler on the way', async (t) => {
  const app = older(t)
  const guard = requireSession(handle, 'userId', { redirectTo: '/login' })
  let isReached = false
  app.register(handle.plugin)
  app.addHook('onSend', async () => await setImmediate())
  app.get('/', { ...guard, ...own }, async () => { isReached = true })
  app.register(async (child: FastifyInstance) => { child.get('/later', guard, async () => 'in') })
  t.match(await app.inject('/'), { statusCode: 303, headers: { location: '/login?returnTo=%2F' } })
  await setImmediate()
  t.notOk(isReached)
})

t.test('a wrong option of a route that was there before the session fails its requests', async (t) => {
  const app = older(t)
  app.register(handle.plugin)
  app.get('/', { config: { session: { touch: 1 } as object } }, async () => 'in')
  t.match((await app.inject('/')).json(), { statusCode: 500, message: /config\.session\.touch/ })
})

t.test('a route that was there before the session, and has a guard, is refused at the start: it may have lost it', async (t) => {
  const app = older(t)
  app.register(handle.plugin)
  app.get('/', { ...requireSession(handle, 'userId'), ...requireSession(handle, 'userId') }, async () => 'in')
  await t.rejects(Promise.resolve(app.ready()), refused)
})
