import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { authenticate } from './accounts.js'
import { page } from './page.js'

const credentials = z.object({ name: z.string(), password: z.string() })

/** Signing in and out. */
export async function signIn (plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>()

  app.get('/login', async (request, reply) => reply.viewAsync('login.ejs', page(request, 'Sign in', { name: '' })))

  app.post('/login', { schema: { body: credentials } }, async (request, reply) => {
    const { name, password } = request.body
    const person = authenticate(name, password)
    if (person === null) {
      request.session.notice = 'That name and password do not go together.'
      return reply.code(401).viewAsync('login.ejs', page(request, 'Sign in', { name }))
    }
    request.session.user = person.name // a new id by itself: rotateOn
    request.session.set('admin', person.admin || undefined)
    request.session.notice = `Welcome, ${person.name}.`
    return reply.redirect(request.session.take('returnTo') ?? '/', 303)
  })

  app.post('/logout', async (request, reply) => {
    const { theme } = request.session
    await request.session.destroy()
    request.session.theme = theme
    request.session.notice = 'You have signed out.'
    return reply.redirect('/', 303)
  })
}
