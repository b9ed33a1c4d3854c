import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { page } from './page.js'

/** A page that says why there is no other. */
export async function refuse (request: FastifyRequest, reply: FastifyReply, status: number, why: string) {
  return reply.code(status).viewAsync('refusal.ejs', page(request, 'Sorry', { why }))
}

/** What a person sees instead of an error of the session, or of a form that lacks a field. */
export async function refusal (error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  switch (error.code) {
    case 'FST_TYPED_SESSION_REQUIRED':
      if (request.session.user === undefined) return signInFirst(request, reply)
      return refuse(request, reply, 403, 'This page is for administrators.')
    case 'FST_TYPED_SESSION_NOT_RECENT':
      return reply.redirect('/admin/confirm', 303)
    case 'FST_TYPED_SESSION_NOT_CONFIGURED':
      return refuse(request, reply, 501, 'The store of this shop cannot find the sessions of a user.')
    case 'FST_ERR_VALIDATION':
      return refuse(request, reply, 400, 'Something is missing in this form.')
    default:
      return reply.send(error)
  }
}

/** Says why, and remembers the page for after the sign-in: in the session, where no link from elsewhere can name another. */
function signInFirst (request: FastifyRequest, reply: FastifyReply) {
  const isPage = request.method === 'GET' && !request.ws
  if (isPage) Object.assign(request.session, { notice: 'Sign in to see that page.', returnTo: request.routeOptions.url })
  return reply.redirect('/login', 303)
}
