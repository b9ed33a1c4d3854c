import websocket, { type WebSocket } from '@fastify/websocket'
import { expectTypeOf } from 'expect-type'
import fastify from 'fastify'
import { createSession, requireRecent, requireSession, sessionSocket, withSession, type SocketLike } from 'fastify-typed-session'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { WebSocket as WsSocket } from 'ws'
import { z } from 'zod'

const schema = z.object({ userId: z.string().optional(), seen: z.int().default(0) })
const secret = Buffer.alloc(32)
const user = createSession(schema, { secret })
const admin = createSession(schema, { secret, name: 'adminSession' })
const app = withSession(fastify().withTypeProvider<ZodTypeProvider>(), user)
app.register(websocket)
app.register(admin.plugin)

app.get('/live', { websocket: true }, (socket, request) => {
  expectTypeOf(socket).toEqualTypeOf<WebSocket>()
  expectTypeOf(sessionSocket(socket, request)).toEqualTypeOf<void>()
  sessionSocket(socket, request, { revalidateEvery: 2, session: admin })
  sessionSocket(socket, request, { session: 'adminSession' })
  // @ts-expect-error a number of seconds
  sessionSocket(socket, request, { revalidateEvery: '5s' })
  // @ts-expect-error no such option
  sessionSocket(socket, request, { every: 5 })
  // @ts-expect-error the socket comes first
  sessionSocket(request, socket)
  socket.on('message', async () => {
    expectTypeOf(request.session.seen).toEqualTypeOf<number>()
    request.session.seen++
    await request.session.save()
  })
})
app.get('/mine', { ...requireSession(user, 'userId'), websocket: true }, (socket, request) => {
  expectTypeOf(request.session.userId).toEqualTypeOf<string>()
  sessionSocket(socket, request)
})
const like: SocketLike = new WsSocket('ws://localhost')
expectTypeOf(like.readyState).toEqualTypeOf<number | undefined>()

// A guard beside another guard, a type provider and hooks of one's own changes none of their types.
const body = z.object({ password: z.string() })
app.post('/password', { ...requireSession(user, 'userId'), preHandler: requireRecent(300), schema: { body } }, async (request) => {
  expectTypeOf(request.session.userId).toEqualTypeOf<string>()
  expectTypeOf(request.body).toEqualTypeOf<{ password: string }>()
  expectTypeOf(request.session.reauthenticated()).toEqualTypeOf<Promise<void>>()
})
app.post('/list', { preHandler: [requireRecent(300), async (request) => { expectTypeOf(request.session.seen).toEqualTypeOf<number>() }] }, async (request) => {
  expectTypeOf(request.session.userId).toEqualTypeOf<string | undefined>()
})
app.post('/first', { onRequest: requireRecent(300, admin), schema: { body } }, async (request) => {
  expectTypeOf(request.body.password).toEqualTypeOf<string>()
})
app.route({
  method: 'DELETE',
  url: '/account',
  ...requireSession(user, 'userId'),
  preValidation: requireRecent(60, 'adminSession'),
  handler: async (request) => {
    expectTypeOf(request.session.userId).toEqualTypeOf<string>()
  }
})
app.addHook('onRequest', requireRecent(3_600))
fastify({ http2: true }).get('/', { preHandler: requireRecent(300) }, async () => 'in')
// @ts-expect-error a number of seconds
requireRecent('5m')
// @ts-expect-error a handle or a name
requireRecent(300, 7)
