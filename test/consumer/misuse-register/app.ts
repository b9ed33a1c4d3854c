import fastify from 'fastify'
import session, { requireSession } from 'fastify-typed-session'
import { z } from 'zod'

const secret = Buffer.alloc(32)
const schema = z.object({ at: z.date().optional() })
export const reserved = z.object({ destroy: z.string().optional() })

declare module 'fastify-typed-session' {
  interface Register { session: typeof schema, adminSession: typeof reserved }
}

const app = fastify()
app.register(session, { schema, secret })
// a schema in Register that cannot be stored
app.get('/', async (request) => request.session.at)
// a schema in Register with a reserved key
app.get('/admin', async (request) => request.adminSession.destroy)
// a guard of another schema than that of Register
requireSession(z.object({ boss: z.string().optional() }), 'boss')
