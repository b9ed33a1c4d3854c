import type { Answer } from '../async/answer.js'
import { isKept, type Loaded, type NotFound } from '../backends/place.js'
import { NotReady } from '../errors.js'
import type { Exchange } from '../http/exchange.js'
import { Session } from '../session/session.js'
import { Members } from './members.js'
import { read } from './read.js'
import { emit, isHeard, isUnbound, type Runtime } from './runtime.js'
import { Visit } from './visit.js'

type Found = Extract<Loaded, { readonly state: 'found' }>
type None = Extract<Loaded, { readonly state: 'none' }>

/** Milliseconds by which the clocks of machines commonly differ. */
const WORTH_A_WORD = 1_000

const STORE_FAILED = { state: 'none', reason: 'store-failed' } as const

/**
 * Asks the backend for the session under the request's cookie. Only a store that takes its time makes this a promise. Throws,
 * or rejects with, `StoreFailed` where the route wants that. Throws `NotReady` while the backend is being asked, as in a hook
 * that runs the moment a client hangs up.
 */
export function load (exchange: Exchange, runtime: Runtime): void | Promise<void> {
  if (exchange.loading) throw new NotReady(runtime.settings.name)
  if (exchange.token === null || exchange.loaded !== null) return
  exchange.loading = true
  let loading: Answer<Loaded>
  try {
    loading = runtime.backend.load(exchange.token, Date.now(), exchange)
  } catch (error) {
    return storeFailed(exchange, runtime, error as Error)
  }
  if (!(loading instanceof Promise)) return accept(exchange, runtime, loading)
  return loading.then((loaded) => accept(exchange, runtime, loaded), (error: Error) => storeFailed(exchange, runtime, error))
}

/** The answer of the backend counts, unless the session is bound to a device that the request does not come from. */
export function accept (exchange: Exchange, runtime: Runtime, loaded: Loaded): void {
  exchange.find(loaded)
  if (loaded.state !== 'found' || !isUnbound(runtime, loaded.place, exchange.request.headers.cookie)) return
  exchange.find({ state: 'none', reason: 'unbound', unbound: loaded.place })
}

/** Throws where the route wants that. */
export function storeFailed (exchange: Exchange, { settings }: Runtime, error: Error): void {
  exchange.find(STORE_FAILED)
  // Fastify logs what is thrown.
  if ((exchange.route?.onStoreError ?? settings.onStoreError) === 'fail') throw error
  exchange.request.log.error({ err: error.cause }, 'session store failed to load')
}

/** The session is read for the first time: what was found under the cookie, or a new one. */
export function open (exchange: Exchange, runtime: Runtime): Visit {
  load(exchange, runtime)
  const { loaded } = exchange
  const visit = new Visit(runtime, exchange, sessionOf)
  if (loaded !== null && loaded.state !== 'moved') tell(visit, loaded)
  if (loaded?.state === 'found' && read(visit, loaded.place, loaded.at)) {
    if (isKept(loaded.place) && isHeard(runtime, 'onLoad')) emit(runtime, 'onLoad', () => ({ request: exchange.request, id: visit.handle() }), () => visit.copy(visit.standing.data))
    return visit
  }
  visit.begin()
  if (loaded === STORE_FAILED) visit.hinder('store')
  if (loaded?.state === 'moved') visit.hinder('moved')
  if (loaded?.state === 'none' && loaded.unbound !== undefined) visit.hinder({ unbound: loaded.unbound })
  if (loaded !== null && loaded.state !== 'found') reject(visit, loaded)
  return visit
}

function reject (visit: Visit, loaded: NotFound): void {
  if (loaded.state === 'moved') return visit.reject('moved')
  const { exchange: { request: { headers } }, runtime: { gate } } = visit
  visit.reject(loaded.reason, loaded.unbound === undefined || gate === null ? [] : gate.why(headers))
}

/** Some of what is found, or not accepted, hints at a fault of the installation. */
function tell ({ exchange: { request: { log } }, runtime: { gate, keyIds, notices, settings } }: Visit, loaded: Found | None): void {
  const accepted = loaded.state === 'found'
  const { ahead = 0 } = loaded
  if (ahead >= WORTH_A_WORD) notices.say(log, 'from-the-future', { ahead, accepted })
  if (accepted) return
  if (loaded.reason === 'duplicate-cookie') notices.say(log, 'duplicate-cookie', { cookie: settings.cookie.name })
  if (loaded.keyId !== undefined) notices.say(log, 'unknown-key', { keyId: loaded.keyId, known: keyIds })
  if (loaded.unbound !== undefined && gate === null) notices.say(log, 'no-gate', {})
}

function sessionOf (visit: Visit): Session {
  return new Session(new Members(visit), {})
}
