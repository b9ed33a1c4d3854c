import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ENDED } from '../backends/place.js'
import { readCookie } from '../http/cookie.js'
import type { Challenge, Device } from '../record/device.js'
import type { Runtime } from '../request/runtime.js'
import { random } from '../tokens/random.js'
import type { BoundCookie } from './bound-cookie.js'
import { answered, challenged } from './challenges.js'
import { OWN } from './gate.js'
import { CHALLENGE, challengeHeader, RESPONSE, SESSION_ID, textOf } from './headers.js'
import { instructions } from './instructions.js'
import type { Offers } from './offer.js'
import { readProof, readRegistration, type Registration } from './proof.js'
import { type Decision, LATER, rebind } from './rebind.js'
import { OF_BYTES } from './timed-tokens.js'

export interface Parts {
  readonly runtime: Runtime
  readonly cookie: BoundCookie
  readonly offers: Offers
  /** The addresses of the two routes, as browsers see them. */
  readonly registration: string
  readonly refresh: string
}

/** A refresh needs another proof, has given one, or finds nothing to refresh. */
type Refreshed = { readonly device: Device, readonly proved: boolean } | typeof ENDED

const ID = /^[\w-]{22}$/

/** A browser comes with its public key. One that is refused goes on without a binding. */
export async function register (request: FastifyRequest, reply: FastifyReply, parts: Parts): Promise<FastifyReply> {
  const proof = readRegistration(textOf(request, RESPONSE) ?? '')
  const token = tokenOf(request, parts)
  if (proof === null || typeof token !== 'string') return refuse(request, reply, 'no proof, or no session')
  const device = await rebind(parts.runtime, token, (record, now) => bind(proof, record.device === null && parts.offers.isGood(proof.challenge, record, now), now))
  if (device === ENDED || device === LATER || device === null) return refuse(request, reply, 'the session is over or bound already, or this sign-in was not offered it')
  return admit(request, reply, device, parts)
}

function bind ({ algorithm, key }: Registration, isGood: boolean, now: number): Decision<Device | null> {
  if (!isGood) return { answer: null, keep: null }
  const device = { id: random(OF_BYTES).toString('base64url'), algorithm, key, boundAt: now, refreshedAt: now, challenges: [] }
  return { answer: device, keep: device }
}

/** A browser wants another cookie: it gets a challenge, and for the proof the cookie. */
export async function refresh (request: FastifyRequest, reply: FastifyReply, parts: Parts): Promise<FastifyReply> {
  const id = textOf(request, SESSION_ID)
  const token = tokenOf(request, parts)
  if (id === null || !ID.test(id) || typeof token === 'object') return refuse(request, reply, 'no id, or several sessions')
  const proof = textOf(request, RESPONSE)
  const refreshed = token === undefined ? ENDED : await rebind(parts.runtime, token, ({ device }, now) => decide(device, id, proof, now))
  if (refreshed === ENDED) return send(reply, 200, { session_identifier: id, continue: false })
  if (refreshed === LATER) {
    tell(request, 'its cookie is of a secret that is not known here, or of before a sign-in')
    return send(reply, 503, {})
  }
  if (refreshed.proved) return admit(request, reply, refreshed.device, parts)
  if (proof !== null) tell(request, 'the proof was not accepted')
  const { value } = refreshed.device.challenges[0] as Challenge
  return send(reply.header(CHALLENGE, challengeHeader(value, id)), 403, {})
}

function decide (device: Device | null, id: string, text: string | null, now: number): Decision<Refreshed> {
  if (device === null || device.id !== id) return { answer: ENDED, keep: null }
  const proof = text === null ? null : readProof(text, device)
  const proved = proof && answered(device, proof, now)
  if (proved !== null) return { answer: { device: proved, proved: true }, keep: proved }
  const asked = challenged(device, now)
  return { answer: { device: asked, proved: false }, keep: asked === device ? null : asked }
}

/** The session's token; several are none. */
function tokenOf ({ headers }: FastifyRequest, { runtime }: Parts): string | readonly string[] | undefined {
  return readCookie(headers.cookie, runtime.settings.cookie.name) ?? undefined
}

function admit (request: FastifyRequest, reply: FastifyReply, device: Device, { cookie, refresh }: Parts): FastifyReply {
  return send(reply.header('set-cookie', cookie.set(device, Date.now())), 200, instructions(request, device, cookie, refresh))
}

/** 403 without a challenge: of all that is not 5xx it alone ends nothing in the browser. */
function refuse (request: FastifyRequest, reply: FastifyReply, why: string): FastifyReply {
  tell(request, why)
  return send(reply, 403, {})
}

function tell ({ log }: FastifyRequest, why: string): void {
  log.info({ why }, 'a device was not bound, or not refreshed')
}

function send (reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply.code(status).headers({ 'cache-control': 'no-store', 'cross-origin-resource-policy': 'same-origin' }).send(body)
}

/** Nothing but the browser itself, at this very site, has a reason to come. It sends no body, and its requests say nothing of an origin. */
async function keepOut (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  const { headers, host, raw } = request
  const { origin, 'sec-fetch-site': site = 'none', 'content-length': length = '0', 'transfer-encoding': encoding } = headers
  // HTTP/2 announces a body by the end of the headers.
  const follows = (raw as { stream?: { endAfterHeaders: boolean } }).stream?.endAfterHeaders === false
  if (length !== '0' || encoding !== undefined || follows) return refuse(request, reply, 'a body')
  const isOwn = (site === 'none' || site === 'same-origin') && (origin === undefined || origin.endsWith(`://${host}`))
  return isOwn ? undefined : refuse(request, reply, 'from another site')
}

/** The two routes. They answer nothing that ends a good binding, even where hooks of the application throw. */
export async function routes (app: FastifyInstance, prefix: string, parts: Parts): Promise<void> {
  const { name } = parts.runtime.settings
  const config = { [name]: { touch: false, begin: false }, [OWN]: true } as FastifyContextConfig
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    const { statusCode = 500 } = error
    request.log[statusCode >= 500 ? 'error' : 'info']({ err: error }, 'a device could not be bound or refreshed')
    // A browser gives the binding up at any other 4xx.
    return send(reply, statusCode >= 500 || statusCode === 429 ? statusCode : 503, {})
  })
  app.post(`${prefix}/registration`, { config, onRequest: keepOut }, async (request, reply) => await register(request, reply, parts))
  app.post(`${prefix}/refresh`, { config, onRequest: keepOut }, async (request, reply) => await refresh(request, reply, parts))
}
