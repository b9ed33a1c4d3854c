import type { Answer } from '../async/answer.js'
import { isKept, type Loaded } from '../backends/place.js'
import { NotReady } from '../errors.js'
import type { Exchange } from '../http/exchange.js'
import { Session } from '../session/session.js'
import { Members } from './members.js'
import { read } from './read.js'
import { emit, isHeard, isUnbound, type Runtime } from './runtime.js'
import { Visit } from './visit.js'

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
  const unbound = loaded.state === 'found' && isUnbound(runtime, loaded.place, exchange.request.headers.cookie)
  exchange.find(unbound ? { state: 'unbound', place: loaded.place } : loaded)
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
  if (loaded !== null) tell(visit, loaded)
  if (loaded?.state === 'found' && read(visit, loaded.place, loaded.at)) {
    if (isKept(loaded.place) && isHeard(runtime, 'onLoad')) emit(runtime, 'onLoad', () => ({ request: exchange.request, id: visit.handle() }), () => visit.copy(visit.standing.data))
    return visit
  }
  visit.begin()
  if (loaded === STORE_FAILED) visit.hinder('store')
  if (loaded?.state === 'none') visit.reject(loaded.reason)
  if (loaded?.state === 'moved') {
    visit.hinder('moved')
    visit.reject('moved')
  }
  if (loaded?.state === 'unbound') {
    visit.hinder({ why: 'unbound', place: loaded.place })
    visit.reject('unbound', runtime.gate?.why(exchange.request.headers))
  }
  return visit
}

/** Some of what is found, or not accepted, hints at a fault of the installation. */
function tell ({ exchange: { request: { log } }, runtime: { gate, keyIds, notices, settings } }: Visit, loaded: Loaded): void {
  if (loaded.state === 'unbound' && gate === null) notices.say(log, 'no-gate', {})
  if (loaded.state !== 'found' && loaded.state !== 'none') return
  const accepted = loaded.state === 'found'
  const { ahead = 0 } = loaded
  if (ahead >= WORTH_A_WORD) notices.say(log, 'from-the-future', { ahead, accepted })
  if (accepted) return
  if (loaded.reason === 'duplicate-cookie') notices.say(log, 'duplicate-cookie', { cookie: settings.cookie.name })
  if (loaded.keyId !== undefined) notices.say(log, 'unknown-key', { keyId: loaded.keyId, known: keyIds })
}

function sessionOf (visit: Visit): Session {
  return new Session(new Members(visit), {})
}
