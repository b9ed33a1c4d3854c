import type { FastifyInstance } from 'fastify'
import { authenticate } from './accounts.js'
import { page } from './page.js'

/** Signing in and out. */
export async function signIn (app: FastifyInstance): Promise<void> {
  app.get('/login', async (request, reply) => reply.viewAsync('login.ejs', page(request)))

  app.post<{ Body: { name: string, password: string } }>('/login', async (request, reply) => {
    const person = authenticate(request.body.name, request.body.password)
    if (person === null) {
      request.session.notice = 'That name and password do not go together.'
      return reply.redirect('/login', 303)
    }
    request.session.user = person.name // a new id by itself: rotateOn
    request.session.set('admin', person.admin || undefined)
    request.session.notice = `Welcome, ${person.name}.`
    return reply.redirect('/', 303)
  })

  app.post('/logout', async (request, reply) => {
    const { theme } = request.session
    await request.session.destroy()
    request.session.theme = theme
    request.session.notice = 'You have signed out.'
    return reply.redirect('/', 303)
  })
}
