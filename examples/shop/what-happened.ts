import ejs from 'ejs'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { here, moment } from './page.js'
import { schema } from './session.js'

const PLACE = '<!-- what just happened -->'
const LINES = 6
const SESSIONS = 1_000

const reasons = { privilege: 'somebody signed in', requested: 'somebody proved again who they are', periodic: 'it was due' }

interface Visit { before: object, id?: string, readonly lines: string[] }

/** A panel on every page: what the hooks of the session said of this browser's last requests. Call it after the session is registered. */
export function whatHappened (app: FastifyInstance): void {
  const visits = new WeakMap<FastifyRequest, Visit>()
  const history = new Map<string, readonly string[]>() // by the public id, in this process only

  const visitOf = (request: FastifyRequest) => {
    const visit = visits.get(request) ?? { before: schema.parse({}), lines: [] }
    visits.set(request, visit)
    return visit
  }
  const tell = (request: FastifyRequest | null, what: string, visit: Partial<Visit> = {}) => {
    if (request) Object.assign(visitOf(request), visit).lines.push(`${request.method} ${request.routeOptions.url ?? request.url}: ${what}`)
  }
  app.sessions.addHook('onLoad', ({ request, id, data }) => { if (request) Object.assign(visitOf(request), { id, before: data }) })
  app.sessions.addHook('onCreate', ({ request }) => tell(request, 'a session began'))
  app.sessions.addHook('onSave', ({ request, data }) => { if (request) tell(request, `saved ${changed(visitOf(request).before, data)}`, { before: data }) })
  app.sessions.addHook('onRotate', ({ request, reason }) => tell(request, `a new id, because ${reasons[reason]}`))
  app.sessions.addHook('onDestroy', ({ request }) => tell(request, 'the session ended', { before: schema.parse({}) }))

  // This runs after the session's own onSend, so the session is saved and the cookie is set.
  app.addHook('onSend', async (request, reply, payload) => {
    const { id = '', lines: now } = visits.get(request) ?? { lines: [] }
    const lines = [...history.get(id) ?? [], ...now].slice(-LINES)
    if (now.length > 0) {
      history.delete(id)
      history.set(request.session.id, lines)
      for (const [oldest] of history) if (history.size > SESSIONS) history.delete(oldest)
    }
    if (typeof payload !== 'string' || !payload.includes(PLACE)) return payload
    const { session } = request
    const { backend, cookie } = app.sessions.policy()
    const panel = await ejs.renderFile(`${here}views/what-happened.ejs`, { session, lines, moment, backend, bytes: bytesOf(cookie.name, request, reply) }, { cache: true })
    return payload.replace(PLACE, () => panel)
  })
}

function changed (before: object, after: object): string {
  const texts = [before, after].map((data) => new Map(Object.entries(data).map(([key, value]) => [key, JSON.stringify(value)])))
  const keys = new Set(texts.flatMap((text) => [...text.keys()]))
  return [...keys].filter((key) => texts[0]?.get(key) !== texts[1]?.get(key)).join(', ')
}

/** Of the cookie with its name: the one that this response sets, or else the one that came with the request. */
function bytesOf (name: string, request: FastifyRequest, reply: FastifyReply): number {
  const cookies = [reply.getHeader('set-cookie') ?? [], request.headers.cookie?.split('; ') ?? []].flat().map(String)
  return Buffer.byteLength(cookies.find((cookie) => cookie.startsWith(`${name}=`))?.split(';', 1).join() ?? '')
}
