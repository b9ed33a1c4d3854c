import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { requireSession } from 'fastify-typed-session'
import { z } from 'zod'
import { page } from './page.js'
import { schema } from './session.js'

/** What the list of devices says of each: kept with the session when somebody signs in. */
export function describe ({ headers, ip }: FastifyRequest) {
  return { browser: deviceOf(headers['user-agent'] ?? ''), address: ip }
}

// The first that is found in the header: many browsers name others, too.
const browsers = { 'Edg/': 'Edge', 'OPR/': 'Opera', 'Firefox/': 'Firefox', 'Chrome/': 'Chrome', 'Safari/': 'Safari', 'curl/': 'curl' }
const systems = { Android: 'Android', iPhone: 'iPhone', iPad: 'iPad', Windows: 'Windows', 'Mac OS': 'macOS', CrOS: 'ChromeOS', Linux: 'Linux' }

/** `Firefox on Windows` */
export function deviceOf (userAgent: string): string {
  const [browser = 'A browser', system = 'an unknown system'] = [browsers, systems].map((names) => Object.entries(names).find(([sign]) => userAgent.includes(sign))?.[1])
  return `${browser} on ${system}`
}

const device = z.object({ id: z.string() })

/** A person's own devices. */
export async function account (plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>()

  app.get('/account', requireSession(schema, 'user'), async (request, reply) => {
    const devices = await app.sessions.list(request.session.user)
    return reply.viewAsync('account.ejs', page(request, 'Your devices', { devices }))
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
