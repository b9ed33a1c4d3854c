import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InvalidOption } from '../errors.js'
import { SessionControl } from '../plugin/control.js'
import { takeCookie } from '../plugin/cookie-taken.js'
import { ALGORITHMS } from '../record/device.js'
import { visitBehind } from '../request/members.js'
import type { Runtime } from '../request/runtime.js'
import { signedIn } from '../request/times.js'
import type { Visit } from '../request/visit.js'
import { isPromise } from '../async/promises.js'
import { registered } from '../session/registered.js'
import type { Session } from '../session/session.js'
import { BoundCookie } from './bound-cookie.js'
import { DeviceGate } from './gate.js'
import { REGISTRATION, registrationHeader } from './headers.js'
import { Offers } from './offer.js'
import { checkSession, readOptions, type Settings } from './options.js'
import { type Parts, routes } from './routes.js'

/** A path that is as it stands, in the router and in a header. */
const ONE_ADDRESS = /^[\w.~%/-]*$/

/** Binds the sessions of `app` to devices. Throws for whatever is wrong with the options, or with the session. */
export async function deviceBoundPlugin (app: FastifyInstance, input: object): Promise<void> {
  const settings = readOptions(input)
  const { session: name, prefix, cookieLife, refuses } = settings
  const control = registered<SessionControl>(app, name, `${name}s`)
  const runtime = SessionControl.runtimeOf(control)
  checkSession(runtime)
  checkRoom(app, runtime, settings)
  const cookie = new BoundCookie(runtime, cookieLife)
  takeCookie(app, cookie.name, 'session')
  const at = app.prefix + prefix
  const parts: Parts = { runtime, cookie, offers: new Offers(runtime, cookie.name), registration: `${at}/registration`, refresh: `${at}/refresh` }
  runtime.gate = new DeviceGate(cookie, refuses)
  const here = (request: FastifyRequest) => visitBehind(registered<Session>(request, name))
  control.addHook('onCreate', ({ request }: { request: FastifyRequest }) => propose(here(request), parts, settings, 'first'))
  control.addHook('onRotate', ({ request, reason }: { request: FastifyRequest, reason: string }) => {
    if (reason === 'privilege') propose(here(request), parts, settings, 'again')
  })
  control.addHook('onDestroy', ({ request }: { request: FastifyRequest | null }) => {
    if (request !== null) withdraw(here(request), parts)
  })
  app.register(async (own) => await routes(own, prefix, parts))
}

function checkRoom (app: FastifyInstance, { gate, settings: { name } }: Runtime, { prefix }: Settings): void {
  if (gate !== null) throw new InvalidOption('session', `${name} is bound to devices already`)
  if (!ONE_ADDRESS.test(app.prefix)) throw new InvalidOption('prefix', `is below ${app.prefix}, which stands for several addresses or cannot be in a header: register it where the session is registered`)
  if (app.hasRoute({ method: 'POST', url: `${app.prefix}${prefix}/refresh` })) throw new InvalidOption('prefix', 'has the routes of another session: give this one a prefix of its own')
}

/** Somebody has signed in: the response offers to bind the session. Browsers that do not know of it pass over that. */
function propose (visit: Visit, { offers, registration }: Parts, { when }: Settings, time: 'first' | 'again'): void {
  const { place, runtime, standing: { data }, exchange: { request, reply: { raw } } } = visit
  if (place === null || place.record.device !== null || raw.headersSent) return
  // A first record is also that of an adopted session, whose sign-in was elsewhere. A change of the person has no date.
  if (place.record.times.authenticatedAt === 0 && (time === 'first' || !signedIn(runtime, data))) return
  if (!isWanted(request, when)) return
  // On the raw response, because Fastify may never send its own.
  raw.setHeader(REGISTRATION, registrationHeader(ALGORITHMS, registration, offers.challenge(place.record, Date.now())))
}

function isWanted (request: FastifyRequest, when: Settings['when']): boolean {
  const answer = when(request)
  if (isPromise(answer)) throw new InvalidOption('when', 'must answer at once, not give a promise')
  return answer === true
}

/** The session has ended: the browser asks at once, and learns that there is nothing left to refresh. */
function withdraw ({ exchange: { request, reply } }: Visit, { cookie }: Parts): void {
  if (cookie.isIn(request.headers.cookie)) reply.header('set-cookie', cookie.clear)
}
