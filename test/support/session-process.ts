// A process of its own: a whole application over its own connection to a store. Says its port, ends with its input.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { SECRET } from './app.js'
import { type Address, openStore } from './engine.js'

const keys = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, z.string().optional()])) as { k0: z.ZodOptional<z.ZodString> }
const schema = z.object({ owner: z.string().optional(), userId: z.string().optional(), count: z.int().default(0), ...keys })

const { store, close } = await openStore(JSON.parse(process.argv[2] as string) as Address)
const app = Fastify({ forceCloseConnections: true })
const handle = createSession(schema, { secret: SECRET, store, rotateOn: ['userId'], storeTimeout: 30 })
app.register(handle.plugin)

interface Route { Params: { key: string }, Querystring: { value: string } }
// In a header, because an error keeps it: whether the request was served a session at all, and whose.
const note = (request: FastifyRequest, reply: FastifyReply) => {
  const session = handle.get(request)
  reply.header('x-owner', session.isNew ? '' : session.owner ?? 'nobody')
  return session
}
app.get('/read', async (request, reply) => note(request, reply).data())
app.post<Route>('/begin', async (request, reply) => { note(request, reply).owner = request.query.value })
app.post('/add', async (request, reply) => await note(request, reply).update((data) => { data.count++ }))
app.post<Route>('/set/:key', async (request, reply) => { note(request, reply).set(request.params.key as 'k0', request.query.value) })
app.post<Route>('/login', async (request, reply) => { note(request, reply).userId = request.query.value })
app.post('/rotate', async (request, reply) => await note(request, reply).rotate())
app.post('/destroy', async (request, reply) => await note(request, reply).destroy())

await app.listen({ port: 0, host: '127.0.0.1' })
console.log((app.server.address() as AddressInfo).port)
await once(process.stdin.resume(), 'end')
await app.close()
await close()
