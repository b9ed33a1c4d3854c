import t from 'tap'
import type { Test } from 'tap'
import { randomBytes } from 'node:crypto'
import { mock } from 'node:test'
import Fastify from 'fastify'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { Gate } from '../support/gate.js'
import { Chosen } from '../support/schedule.js'

const secret = randomBytes(32)

function open (t: Test) {
  const app = Fastify()
  t.teardown(async () => await app.close())
  const send = async (url: string, token: string | null = null) => {
    const response = await app.inject({ url, headers: token === null ? {} : { cookie: `__Host-Http-session=${token}` } })
    return { status: response.statusCode, cookie: response.cookies[0]?.value ?? null, body: JSON.parse(response.body || '{}') as Record<string, unknown> }
  }
  return { app, send }
}

t.test('two changes that are valid each, but not together, are a conflict and no server error (R-2)', async (t) => {
  const schema = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('anonymous'), cart: z.string().optional() }),
    z.strictObject({ kind: z.literal('user'), name: z.string() })
  ])
  const gate = new Gate(memoryStore())
  const handle = createSession(schema, { secret, store: gate, storeTimeout: 60, initial: { kind: 'anonymous' } })
  const { app, send } = open(t)
  app.register(handle.plugin)
  app.get('/cart/:cart', async (request) => {
    const session = handle.get(request)
    if (session.kind === 'anonymous') session.cart = (request.params as { cart: string }).cart
  })
  app.get('/user', async (request) => { handle.get(request).replace({ kind: 'user', name: 'ann' }) })
  app.get('/', async (request) => handle.get(request).data())
  const { cookie } = await send('/cart/tea')
  // Both have loaded the session; then one saves all it has to, and the other finds out.
  const [slow, fast] = await gate.race([async () => await send('/cart/milk', cookie), async () => await send('/user', cookie)], new Chosen((waiting) => waiting - 1))
  t.equal(fast!.status, 200)
  t.match(slow, { status: 200, cookie: null }, 'it has loaded after the other was saved')
  let call = 0
  const again = (await send('/cart/tea')).cookie
  const [late, early] = await gate.race([async () => await send('/cart/milk', again), async () => await send('/user', again)], new Chosen((waiting) => call++ < 2 ? 0 : waiting - 1))
  t.equal(early!.status, 200)
  t.match(late, { status: 409, cookie: null, body: { code: 'FST_TYPED_SESSION_CONFLICT' } })
  t.same((await send('/', again)).body, { kind: 'user', name: 'ann' })
})

const schema = z.object({ a: z.string().optional(), userId: z.string().optional() })

function rotating (t: Test) {
  mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
  t.teardown(() => mock.timers.reset())
  const handle = createSession(schema, {
    secret,
    store: memoryStore(),
    rotateOn: ['userId'],
    rotateEvery: 60,
    rotationGrace: 10,
    hooks: { preRotate: ({ data, reason }) => { if (data.a === 'promote' && reason === 'periodic') data.userId = 'ann' } }
  })
  const { app, send } = open(t)
  app.register(handle.plugin)
  app.get('/write/:a', async (request) => { handle.get(request).a = (request.params as { a: string }).a })
  app.get('/', async (request) => handle.get(request).data())
  app.get('/public', async (request, reply) => {
    reply.header('cache-control', 'public, max-age=60')
    return handle.get(request).data()
  })
  return send
}

t.test('a periodic rotation in which a hook changes a privilege leaves no grace (R-6)', async (t) => {
  const send = rotating(t)
  const { cookie: old } = await send('/write/promote')
  mock.timers.tick(60_000)
  const { cookie } = await send('/', old)
  t.match((await send('/', cookie)).body, { userId: 'ann' })
  t.same((await send('/', old)).body, {})
})

t.test('a periodic rotation waits for a response that is not public', async (t) => {
  const send = rotating(t)
  const { cookie: old } = await send('/write/x')
  mock.timers.tick(60_000)
  t.equal((await send('/public', old)).cookie, null)
  t.ok((await send('/', old)).cookie)
})

t.test('the next periodic rotation is due as long after the last one, not after the beginning', async (t) => {
  const send = rotating(t)
  let { cookie } = await send('/write/x')
  for (let i = 0; i < 3; i++) {
    mock.timers.tick(59_999)
    t.equal((await send('/', cookie)).cookie, null)
    mock.timers.tick(1)
    cookie = (await send('/', cookie)).cookie
    t.ok(cookie)
  }
})

for (const store of [undefined, memoryStore()]) {
  t.test(`persist() is kept under a timeout of fractions, ${store ? 'in a store' : 'in the cookie'}`, async (t) => {
    // Two of them, because one remembers what it has written itself.
    const [writer, reader] = [0, 1].map(() => {
      const handle = createSession(schema, { secret, absoluteTimeout: 100.5, ...(store && { store }) })
      const { app, send } = open(t)
      app.register(handle.plugin)
      app.get('/persist', async (request) => {
        handle.get(request).a = 'kept'
        handle.get(request).persist()
      })
      app.get('/', async (request) => handle.get(request).data())
      return send
    })
    const { cookie } = await writer!('/persist')
    t.match((await reader!('/', cookie)).body, { a: 'kept' })
  })
}
