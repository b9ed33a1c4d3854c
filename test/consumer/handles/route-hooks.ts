// Hooks of a route that are declared elsewhere, by Fastify's own types, on instances typed by a handle.
import { expectTypeOf } from 'expect-type'
import fastify, { type FastifyReply, type FastifyRequest, type onRequestHookHandler, type preHandlerAsyncHookHandler, type preHandlerHookHandler } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { createSession, requireSession, withSession, type SessionPluginAsync } from 'fastify-typed-session'
import { z } from 'zod'

const handle = createSession(z.object({ theme: z.enum(['light', 'dark']).default('light'), userId: z.string().optional() }), { secret: Buffer.alloc(32) })
type Theme = 'light' | 'dark'

const preHandler: preHandlerHookHandler = (request, reply, done) => done()
const asynchronous: preHandlerAsyncHookHandler = async () => {}
const onRequest: onRequestHookHandler = (request, reply, done) => done()
async function authenticate (request: FastifyRequest, reply: FastifyReply) { await reply.send(request.url) }

const app = withSession(fastify(), handle)
app.addHook('preHandler', preHandler)
app.get('/one', { preHandler }, async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() })
app.get('/list', { preHandler: [preHandler] }, async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() })
app.get('/async', { preHandler: asynchronous }, async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() })
app.get('/function', { preHandler: authenticate }, async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() })
app.get('/functions', { preHandler: [authenticate] }, async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() })
app.get('/several', { onRequest, preHandler: [preHandler, authenticate] }, async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() })
app.get('/unread', { preHandler }, async () => 'no session here')
app.route({ method: 'GET', url: '/route', onRequest, handler: async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() } })
app.get('/typed', { schema: { body: { type: 'object' } } }, async (request) => {
  expectTypeOf(request.body).toEqualTypeOf<unknown>()
  expectTypeOf(request.query).toEqualTypeOf<unknown>()
})
app.post<{ Body: { sku: string } }>('/explicit', { preHandler: authenticate }, async (request) => {
  expectTypeOf(request.body).toEqualTypeOf<{ sku: string }>()
  expectTypeOf(request.session.theme).toEqualTypeOf<Theme>()
})

// What the route requires is known beside them, too.
app.get('/required', { ...requireSession(handle, 'userId'), preHandler }, async (request) => { expectTypeOf(request.session.userId).toEqualTypeOf<string>() })
app.get('/requirement', { ...requireSession(handle, 'userId'), preHandler: [preHandler, authenticate] }, async (request) => {
  expectTypeOf(request.session.userId).toEqualTypeOf<string>()
  expectTypeOf(handle.get(request).userId).toEqualTypeOf<string>()
})
app.get('/instead', { ...requireSession(handle, 'userId'), onRequest: authenticate }, async (request) => { expectTypeOf(request.session.userId).toEqualTypeOf<string>() })
app.post('/controller', requireSession(handle, 'userId'), async function controller (request: FastifyRequest<{ Body: { sku: string } }>) {
  expectTypeOf(handle.get(request).userId).toEqualTypeOf<string | undefined>() // it may be the handler of other routes
})

const secure = withSession(fastify({ http2: true }), handle)
secure.get('/', async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() })

const zod = withSession(fastify().withTypeProvider<ZodTypeProvider>(), handle)
zod.get('/', { preHandler, schema: { querystring: z.object({ q: z.int() }) } }, async (request) => {
  expectTypeOf(request.session.theme).toEqualTypeOf<Theme>()
  expectTypeOf(request.query.q).toEqualTypeOf<number>()
})

export const plugin: SessionPluginAsync<typeof handle.schema> = async (child) => {
  child.get('/child', { preHandler: [preHandler] }, async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() })
  child.route({ method: 'GET', url: '/child-route', onRequest, handler: async (request) => { expectTypeOf(request.session.theme).toEqualTypeOf<Theme>() } })
}
app.register(plugin)

export const zodPlugin: SessionPluginAsync<typeof handle.schema, { limit: number }, ZodTypeProvider> = async (child, { limit }) => {
  child.get('/child', { preHandler, schema: { querystring: z.object({ q: z.int() }) } }, async (request) => {
    expectTypeOf(request.session.theme).toEqualTypeOf<Theme>()
    return request.query.q > limit
  })
}
zod.register(zodPlugin, { limit: 5 })
