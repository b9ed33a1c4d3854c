import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { requireRecent, requireSession } from 'fastify-typed-session'
import { z } from 'zod'
import { authenticate, people } from './accounts.js'
import { page } from './page.js'
import { schema } from './session.js'

const user = z.object({ name: z.string() })
const confirmation = z.object({ password: z.string() })

/** Everybody's sessions, for administrators. */
export async function admin (plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>()
  const administrator = requireSession(schema, 'user', 'admin')
  const recently = { ...administrator, preHandler: requireRecent(300) }

  app.get('/admin', administrator, async (request, reply) => {
    const users = await Promise.all(people.map(async ({ name }) => ({ name, sessions: (await app.sessions.list(name)).length })))
    return reply.viewAsync('admin.ejs', page(request, 'Everybody\'s sessions', { users }))
  })

  app.post('/admin/end', { ...recently, schema: { body: user } }, async (request, reply) => {
    const ended = await app.sessions.destroyAll(request.body.name)
    request.session.notice = `Sessions ended: ${ended}.`
    return reply.redirect('/admin', 303)
  })

  app.post('/admin/end-everything', recently, async (_request, reply) => {
    await app.sessions.revokeAll() // this one, too
    return reply.redirect('/login', 303)
  })

  app.get('/admin/confirm', administrator, async (request, reply) => reply.viewAsync('confirm.ejs', page(request, 'Is it still you?')))

  app.post('/admin/confirm', { ...administrator, schema: { body: confirmation } }, async (request, reply) => {
    if (authenticate(request.session.user, request.body.password) === null) {
      request.session.notice = 'That is not your password.'
      return reply.redirect('/admin/confirm', 303)
    }
    await request.session.reauthenticated()
    return reply.redirect('/admin', 303)
  })
}
