import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { page } from './page.js'

/** What a person sees instead of an error of the session. */
export async function refusal (error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  switch (error.code) {
    case 'FST_TYPED_SESSION_REQUIRED':
      if (request.session.user === undefined) return reply.redirect('/login', 303)
      return reply.code(403).viewAsync('refusal.ejs', page(request, { why: 'This page is for administrators.' }))
    case 'FST_TYPED_SESSION_NOT_RECENT':
      return reply.redirect('/admin/confirm', 303)
    case 'FST_TYPED_SESSION_NOT_CONFIGURED':
      return reply.code(501).viewAsync('refusal.ejs', page(request, { why: 'The store of this shop cannot find the sessions of a user.' }))
    default:
      return reply.send(error)
  }
}
