import { expectTypeOf } from 'expect-type'
import fastify, { type FastifyRequest } from 'fastify'
import session, { createSession, requireSession, type InferSession } from 'fastify-typed-session'
import { z } from 'zod'

const theme = z.enum(['light', 'dark']).default('light')
const schema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('anonymous'), theme, cart: z.array(z.string()).default([]) }),
  z.object({ kind: z.literal('user'), theme, userId: z.string(), team: z.string().optional() }),
  z.object({ kind: z.literal('admin'), theme, userId: z.string(), level: z.int() })
]).prefault({ kind: 'anonymous' })

declare module 'fastify-typed-session' {
  interface Register { session: typeof schema }
}

type AppSession = InferSession<typeof schema>
type Kind = AppSession['kind']

const app = fastify()
app.register(session, { schema, secret: Buffer.alloc(32), rotateOn: ['kind'] })

app.get('/', async (request) => {
  const { session } = request
  expectTypeOf(session).not.toBeAny()
  expectTypeOf(session.kind).toEqualTypeOf<Kind>()
  // @ts-expect-error only some states have it
  session.userId // eslint-disable-line @typescript-eslint/no-unused-expressions
  switch (session.kind) {
    case 'anonymous': return session.cart.length
    case 'user': return session.team
    case 'admin': return session.level
    default: return session satisfies never
  }
})

app.get('/locked', async (request) => {
  // @ts-expect-error the discriminant is read only
  request.session.kind = 'user'
  // @ts-expect-error by name, too
  request.session.set('kind', 'user')
  // @ts-expect-error a state requires it
  request.session.delete('userId')
  request.session.theme = 'dark' // an enum that every state has is no discriminant
  request.session.set('theme', 'light')
  request.session.delete('team')
})

app.get('/moves', async (request) => {
  const user = request.session.replace({ kind: 'user', theme: 'dark', userId: 'u1' })
  expectTypeOf(user.kind).toEqualTypeOf<'user'>()
  expectTypeOf(user.team).toEqualTypeOf<string | undefined>()
  const admin = user.replace({ kind: 'admin', theme: 'dark', userId: 'u1', level: 1 })
  expectTypeOf(admin.level).toEqualTypeOf<number>()
  expectTypeOf(admin.data().level).toEqualTypeOf<number>()
  // @ts-expect-error an admin has no cart
  admin.data().cart // eslint-disable-line @typescript-eslint/no-unused-expressions
  await request.session.update((data) => data.kind === 'anonymous' ? { kind: 'user', theme: data.theme, userId: 'u1' } : data)
  await request.session.update(async (data) => { if (data.kind === 'user') return { kind: 'admin', theme: data.theme, userId: data.userId, level: 1 } })
  // @ts-expect-error a user has no level
  await request.session.update((data) => ({ kind: 'user', theme: data.theme, userId: 'u1', level: 1 }))
  // @ts-expect-error a user has an id
  request.session.replace({ kind: 'user', theme: 'dark' })
  // @ts-expect-error and no level
  request.session.replace({ kind: 'user', theme: 'dark', userId: 'u1', level: 1 })
  // @ts-expect-error no such state
  request.session.replace({ kind: 'root', theme: 'dark' })
})

app.get('/user', requireSession(schema, 'user'), async (request) => {
  expectTypeOf(request.session.kind).toEqualTypeOf<'user'>()
  expectTypeOf(request.session.userId).toEqualTypeOf<string>()
  expectTypeOf(request.session.data().userId).toEqualTypeOf<string>()
  request.session.replace({ ...request.session.data(), team: 'core' })
  request.session.replace({ kind: 'anonymous', theme: 'dark', cart: [] })
  return inHelper(request)
})
app.get('/either', requireSession(schema, 'user', 'admin'), async (request) => {
  expectTypeOf(request.session.kind).toEqualTypeOf<'user' | 'admin'>()
  expectTypeOf(request.session.userId).toEqualTypeOf<string>()
})
app.route({
  method: 'GET',
  url: '/admin',
  ...requireSession(schema, 'admin'),
  handler: async (request) => { expectTypeOf(request.session.level).toEqualTypeOf<number>() }
})
app.get('/hook', {
  ...requireSession(schema, 'user'),
  preHandler: async (request) => { expectTypeOf(request.session.userId).toEqualTypeOf<string>() }
}, async (request) => { expectTypeOf(request.session.kind).toEqualTypeOf<'user'>() })
const guard = requireSession(schema, 'user')
app.get('/config', { ...guard, config: { ...guard.config, limit: 5 } }, async (request) => {
  expectTypeOf(request.session.kind).toEqualTypeOf<'user'>()
  expectTypeOf(request.routeOptions.config.limit).toEqualTypeOf<number>()
})
app.get('/lost', { ...guard, config: { limit: 5 } }, async (request) => {
  expectTypeOf(request.session.kind).toEqualTypeOf<Kind>() // a config of one's own replaces the requirement
})
app.get<{ Params: { id: string } }>('/generic/:id', guard, async (request) => {
  expectTypeOf(request.session.kind).toEqualTypeOf<Kind>() // explicit type arguments switch inference off
})
// @ts-expect-error no such state
requireSession(schema, 'root')
// @ts-expect-error in a union it is the state that is required
requireSession(schema, 'userId')
// @ts-expect-error nothing required
requireSession(schema)

// Several literal keys, enums and a plain union.
const nested = createSession(z.union([
  z.object({ step: z.literal(1), plan: z.enum(['free', 'paid']) }),
  z.object({ step: z.literal(2), plan: z.enum(['free', 'paid']), email: z.string() })
]), { secret: Buffer.alloc(32), initial: { step: 1, plan: 'free' } })
app.get('/step', requireSession(nested, 2), async (request) => {
  const session = nested.get(request)
  expectTypeOf(session.email).toEqualTypeOf<string>()
  session.plan = 'paid'
})

function inHelper (request: FastifyRequest): Kind {
  expectTypeOf(request.session).toEqualTypeOf<AppSession>()
  return request.session.kind
}
