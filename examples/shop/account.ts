import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { requireSession } from 'fastify-typed-session'
import { z } from 'zod'
import { page } from './page.js'
import { schema } from './session.js'

/** What the list of devices says of each: kept with the session when somebody signs in. */
export function describe ({ headers, ip }: FastifyRequest) {
  return { browser: (headers['user-agent'] ?? 'unknown').slice(0, 200), address: ip }
}

const device = z.object({ id: z.string() })

/** A person's own devices. */
export async function account (plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>()

  app.get('/account', requireSession(schema, 'user'), async (request, reply) => {
    const devices = await app.sessions.list(request.session.user)
    return reply.viewAsync('account.ejs', page(request, { devices }))
  })

  app.post('/account/end', { ...requireSession(schema, 'user'), schema: { body: device } }, async (request, reply) => {
    const ended = await app.sessions.destroy(request.body.id, request.session.user)
    request.session.notice = ended ? 'That device is signed out.' : 'That device was signed out already.'
    return reply.redirect('/account', 303)
  })

  app.post('/account/end-others', requireSession(schema, 'user'), async (request, reply) => {
    const ended = await app.sessions.destroyAll(request.session.user, { except: request.session.id })
    request.session.notice = `Signed out elsewhere: ${ended}.`
    return reply.redirect('/account', 303)
  })
}
