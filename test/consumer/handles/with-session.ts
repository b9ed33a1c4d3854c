import { expectTypeOf } from 'expect-type'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod, ZodTypeProvider } from 'fastify-type-provider-zod'
import { createSession, requireSession, withGuard, withSession, type SessionPluginAsync } from 'fastify-typed-session'
import { z } from 'zod'

const secret = Buffer.alloc(32)
const shop = createSession(z.object({ cart: z.array(z.string()).default([]), userId: z.string().optional() }), { secret })
const staff = createSession(z.object({ role: z.enum(['root', 'ops']).default('ops') }), { secret })

const shopApp = withSession(fastify().withTypeProvider<ZodTypeProvider>(), shop)
shopApp.post('/cart', { schema: { body: z.object({ sku: z.string() }) } }, async (request) => {
  expectTypeOf(request.body).toEqualTypeOf<{ sku: string }>()
  expectTypeOf(request.session).not.toBeAny()
  expectTypeOf(request.session.cart).toEqualTypeOf<string[]>()
  expectTypeOf(request.session.userId).toEqualTypeOf<string | undefined>()
  // @ts-expect-error a key of the other application
  request.session.role // eslint-disable-line @typescript-eslint/no-unused-expressions
  return helper(request)
})
shopApp.get('/me', { ...requireSession(shop, 'userId'), schema: { querystring: z.object({ q: z.string() }) } }, async (request) => {
  expectTypeOf(request.session.userId).toEqualTypeOf<string>()
  expectTypeOf(request.query.q).toEqualTypeOf<string>()
  return helper(request)
})

shopApp.register(async (inline) => {
  withGuard(inline as unknown as typeof shopApp, requireSession(shop, 'userId', { when: ({ userId }) => userId.length > 3 }))
    .get('/account', async (request) => {
      expectTypeOf(request.session.userId).toEqualTypeOf<string>()
      return helper(request)
    })
})

const staffApp = withSession(fastify(), staff)
staffApp.get('/', async (request) => { expectTypeOf(request.session.role).toEqualTypeOf<'root' | 'ops'>() })
staffApp.addHook('preHandler', async (request) => { expectTypeOf(request.session.role).toEqualTypeOf<'root' | 'ops'>() })
staffApp.register(async (child: typeof staffApp) => {
  child.get('/child', async (request) => { expectTypeOf(request.session.role).toEqualTypeOf<'root' | 'ops'>() })
})

// Fastify types these requests without the instance's type provider: the handle knows all the same.
staffApp.setErrorHandler((error, request) => { expectTypeOf(staff.get(request).role).toEqualTypeOf<'root' | 'ops'>(); throw error })
staffApp.setNotFoundHandler(async (request) => { expectTypeOf(staff.get(request).role).toEqualTypeOf<'root' | 'ops'>() })

const routes: SessionPluginAsync<typeof staff.schema> = async (app) => {
  app.get('/plugin', async (request) => { expectTypeOf(request.session.role).toEqualTypeOf<'root' | 'ops'>() })
}
staffApp.register(routes)

// Instances stay assignable to what the ecosystem asks for.
const plain: FastifyPluginAsyncZod = async () => {}
shopApp.register(plain)
boot(staffApp)
// A type provider takes the place of what was there, the session included: it comes first.
const providerLast = withSession(fastify(), shop).withTypeProvider<ZodTypeProvider>()
providerLast.get('/', async (request) => {
  // @ts-expect-error not known any more
  request.session.cart // eslint-disable-line @typescript-eslint/no-unused-expressions
  expectTypeOf(shop.get(request).cart).toEqualTypeOf<string[]>()
})

fastify().get('/', async (request) => {
  // @ts-expect-error this instance has no session that TypeScript knows
  return request.session.cart
})

function helper (request: FastifyRequest) { return shop.get(request).cart.length }
function boot (app: FastifyInstance) { return app }
