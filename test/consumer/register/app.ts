import { fileURLToPath } from 'node:url'
import autoload from '@fastify/autoload'
import { expectTypeOf } from 'expect-type'
import fastify, { type FastifyRequest } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import session, { requireSession, withGuard, type InferSession } from 'fastify-typed-session'
import { memoryStore } from 'fastify-typed-session/stores/memory'
import { readSession, sessionCookie } from 'fastify-typed-session/testing'
import { z } from 'zod'
import { child } from './child.js'
import { schema } from './session.js'

type AppSession = InferSession<typeof schema>

const app = fastify().withTypeProvider<ZodTypeProvider>()
app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler)
await app.register(session, {
  schema,
  secret: ['newest', Buffer.alloc(32)],
  store: memoryStore(),
  rotateOn: ['userId'],
  subject: (data) => data.userId,
  merge: { cart: ({ base, theirs, ours }) => { expectTypeOf(ours).toEqualTypeOf(base); return [...theirs, ...ours] } },
  hooks: {
    preSave ({ data }) { expectTypeOf(data.lastSeen).toEqualTypeOf<Date | undefined>() },
    onRotate ({ reason }) { expectTypeOf(reason).toEqualTypeOf<'requested' | 'privilege' | 'periodic'>() }
  }
})

app.addHook('onRequest', async (request) => { expectTypeOf(request.session).toEqualTypeOf<AppSession>() })
app.addHook('onSend', async (request, reply, payload) => {
  expectTypeOf(reply.request.session).toEqualTypeOf<AppSession>()
  return payload
})
app.setErrorHandler((error, request) => { expectTypeOf(request.session).toEqualTypeOf<AppSession>(); throw error })
app.setNotFoundHandler(async (request) => { expectTypeOf(request.session).toEqualTypeOf<AppSession>() })

app.post('/cart', { schema: { body: z.object({ sku: z.string(), qty: z.int() }) } }, async (request) => {
  expectTypeOf(request.session).not.toBeAny()
  expectTypeOf(request.session.cart).toEqualTypeOf<{ sku: string, qty: number }[]>()
  expectTypeOf(request.session.theme).toEqualTypeOf<'light' | 'dark'>()
  expectTypeOf(request.session.balance).toEqualTypeOf<bigint | undefined>()
  expectTypeOf(request.session.tags).toEqualTypeOf<Set<string> | undefined>()
  expectTypeOf(request.session.stock).toEqualTypeOf<Map<string, number> | undefined>()
  expectTypeOf(request.session.get('userId')).toEqualTypeOf<string | undefined>()
  expectTypeOf(request.session.take('lastSeen')).toEqualTypeOf<Date | undefined>()
  expectTypeOf(request.session.data().cart).toEqualTypeOf<{ sku: string, qty: number }[]>()
  expectTypeOf(request.session.replace({ cart: [], theme: 'dark' }).theme).toEqualTypeOf<'light' | 'dark'>()
  request.session.cart.push(request.body)
  request.session.theme = 'dark'
  request.session.set('userId', undefined)
  request.session.delete('userId')
  delete request.session.userId
  await request.session.update((data) => { data.cart.length = 0 })
  await request.session.update(async (data) => { await null; data.cart.length = 0 })
  await request.session.update((data) => ({ ...data, theme: 'dark' }))
  await request.session.update(async () => ({ cart: [{ sku: 'tea', qty: 1 }], theme: 'light' }))
  await request.session.update((data) => { if (data.cart.length > 0) return { ...data, cart: [] } })
  await request.session.regenerate(['cart'])
  return inHelper(request)
})

app.get('/typos', async (request) => {
  // @ts-expect-error no such key
  request.session.crat = []
  // @ts-expect-error wrong type
  request.session.cart = 'tea'
  // @ts-expect-error may be undefined
  request.session.userId.length // eslint-disable-line @typescript-eslint/no-unused-expressions
  // @ts-expect-error a key with a default is never absent
  delete request.session.cart
  // @ts-expect-error the same by name
  request.session.delete('cart')
  // @ts-expect-error no such key
  request.session.get('crat')
  // @ts-expect-error wrong type
  request.session.set('userId', 1)
  // @ts-expect-error read only
  request.session.isNew = false
  // @ts-expect-error no such key
  await request.session.update((data) => ({ ...data, crat: [] }))
  // @ts-expect-error nor later
  await request.session.update(async (data) => ({ ...data, crat: [] }))
  // @ts-expect-error a number is no data
  await request.session.update((data) => data.cart.push({ sku: 'tea', qty: 1 }))
})

app.get('/me', { ...requireSession(schema, 'userId'), schema: { querystring: z.object({ q: z.string() }) } }, async (request) => {
  expectTypeOf(request.session.userId).toEqualTypeOf<string>()
  expectTypeOf(request.session.data().userId).toEqualTypeOf<string>()
  expectTypeOf(request.session.lastSeen).toEqualTypeOf<Date | undefined>()
  expectTypeOf(request.query.q).toEqualTypeOf<string>()
  return inHelper(request)
})
app.get('/off', { config: { session: false } }, async () => 'no session here')
app.get('/lenient', { config: { session: { onStoreError: 'anonymous' } } }, async () => 'works without the store')
// @ts-expect-error not an option
app.get('/wrong', { config: { session: true } }, async () => '')

// @ts-expect-error not a key of the schema
app.register(session, { schema, secret: '', rotateOn: ['userid'] })
// @ts-expect-error the secret is missing
app.register(session, { schema })
// @ts-expect-error nothing to require: it has a default
requireSession(schema, 'cart')

app.get('/sized', requireSession(schema, 'userId', { when: ({ userId, cart }) => { expectTypeOf(userId).toEqualTypeOf<string>(); return cart.length > 0 } }), async ({ session }) => {
  expectTypeOf(session.userId).toEqualTypeOf<string>()
})
// @ts-expect-error nothing is guarded by a key that is no state and always there
requireSession(schema, 'cart', { redirectTo: '/login' })
// @ts-expect-error a misspelt option
requireSession(schema, 'userId', { redirectTO: '/login' })
app.register(async (inline) => {
  const account = withGuard(inline, requireSession(schema, 'userId', { redirectTo: '/login' }))
  account.get('/account', async (request) => {
    expectTypeOf(request.session.userId).toEqualTypeOf<string>()
    expectTypeOf(request.session.lastSeen).toEqualTypeOf<Date | undefined>()
    return inHelper(request)
  })
  const typed = withGuard(inline.withTypeProvider<ZodTypeProvider>(), requireSession(schema, 'userId'))
  typed.get('/typed', { schema: { querystring: z.object({ q: z.string() }) } }, async (request) => {
    expectTypeOf(request.query.q).toEqualTypeOf<string>()
    return request.session.userId satisfies string
  })
})
app.register(child)
app.register(async (inline) => {
  inline.get('/inline', async (request) => { expectTypeOf(request.session).toEqualTypeOf<AppSession>() })
})
await app.register(autoload, { dir: fileURLToPath(new URL('./routes', import.meta.url)) })

app.sessions.addHook('onLoad', ({ data }) => { expectTypeOf(data.userId).toEqualTypeOf<string | undefined>() })
expectTypeOf((await app.sessions.open('a=b'))?.data.theme).toEqualTypeOf<'light' | 'dark' | undefined>()

const cookie = await sessionCookie(app, { userId: 'u1' })
// @ts-expect-error no such key
await sessionCookie(app, { userid: 'u1' })
const response = await app.inject({ url: '/me', headers: { cookie } })
expectTypeOf((await readSession(app, response))?.data.userId).toEqualTypeOf<string | undefined>()

function inHelper (request: FastifyRequest): number {
  expectTypeOf(request.session).toEqualTypeOf<AppSession>()
  return request.session.cart.length
}
