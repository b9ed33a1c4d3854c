// Mistakes in options, each of which a person has made. What the compiler says of them is in errors.txt.
import fastify from 'fastify'
import session, { createSession, requireSession, withSession } from 'fastify-typed-session'
import { memoryStore } from 'fastify-typed-session/stores/memory'
import { redisStore } from 'fastify-typed-session/stores/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { z } from 'zod'
import { z as z3 } from 'zod/v3'

const secret = Buffer.alloc(32)
const schema = z.object({ user: z.object({ id: z.string() }).optional(), roles: z.array(z.string()).default([]), nick: z.string().nullable().default(null) })
const handle = createSession(schema, { secret })
const app = fastify()

// right: the handle is the plugin; a key that may be null can be required, or be the subject
app.register(handle)
app.register(handle, { prefix: '/shop' })
app.get('/nick', requireSession(handle, 'nick'), async (request) => handle.get(request).nick.length)
createSession(schema, { secret, subject: 'nick' })

// a client in the place of a store
createSession(schema, { secret, store: new Redis() })
createSession(schema, { secret, store: createClient() })
// a store that was not made
createSession(schema, { secret, store: memoryStore })
// a client in the place of the options of a store
redisStore(new Redis())
redisStore(createClient())
// a misspelt option
createSession(schema, { secret, idleTimeOut: 3600 })
// a subject that is no text
createSession(schema, { secret, subject: 'user' })
createSession(schema, { secret, subject: 'roles' })
// a key without default, and no initial
createSession(z.object({ lang: z.string() }), { secret })
// a date that takes anything
createSession(z.object({ at: z.coerce.date().optional() }), { secret })
createSession(z.object({ list: z.array(z.object({ big: z.coerce.bigint() })).default([]) }), { secret })
// no schema
createSession({ cart: z.array(z.string()) }, { secret })
app.register(session, { secret })
app.register(session, { schema: { cart: z.array(z.string()) }, secret })
// a schema of Zod 3
createSession(z3.object({ cart: z3.array(z3.string()).optional() }), { secret })
app.register(session, { schema: z3.object({ cart: z3.array(z3.string()).optional() }), secret })
// what a route says of the session
app.get('/true', { config: { session: true } }, async () => '')
withSession(fastify(), handle).get('/true', { config: { session: true } }, async () => '')
