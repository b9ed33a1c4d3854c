import type { Place } from '../backends/place.js'
import { ChangedTooLate } from '../errors.js'
import { HeldVisits } from './held-visits.js'
import type { Data } from '../session/merge.js'
import { sameValue } from './plan.js'
import { end } from './ending.js'
import type { Visit } from './visit.js'

/** Milliseconds. */
const ROUND = 1_000
/**
 * How many requests at a time, in all and of one route, for how many rounds. What outlives its request is dear to collect, and a
 * busy route must not take the places of one that is seldom asked for.
 */
const BOUNDS = { production: { most: 100, ofRoute: 20, rounds: 1 }, development: { most: 2_000, ofRoute: 2_000, rounds: 60 } }
/** So many rounds lie between two looks at what somebody holds on to for longer. */
const ROUNDS_LATER = 10
/** For each request: what a hook does about a report may be a change in its turn. */
const MOST_REPORTS = 10

/** Goes on looking at requests that have ended: what a timer or a callback changes then is lost as well. */
export class Afterwards {
  readonly #bounds: { readonly most: number, readonly ofRoute: number, readonly rounds: number }
  /** With the number of rounds that each has seen since somebody had its session in hand. */
  readonly #watched = new Map<Visit, number>()
  readonly #ofRoute = new Map<unknown, number>()
  readonly #inHand = new Set<Visit>()
  readonly #held = new HeldVisits()
  #round = 0
  #timer: NodeJS.Timeout | undefined

  constructor (production: boolean) {
    this.#bounds = production ? BOUNDS.production : BOUNDS.development
  }

  /** `certain`: there is something to report, unless a save comes after all. */
  add (visit: Visit, certain = false): void {
    const rounds = this.#watched.get(visit)
    if (rounds === undefined) {
      const ofRoute = this.#ofRoute.get(visit.route) ?? 0
      if (!certain && (ofRoute >= this.#bounds.ofRoute || this.#watched.size >= this.#bounds.most)) return
      this.#ofRoute.set(visit.route, ofRoute + 1)
    }
    this.#watched.set(visit, Math.min(rounds ?? 0, 1))
    this.#timer ??= setTimeout(() => this.#look(), ROUND).unref()
  }

  /** Somebody has the session in hand, and is likely to change it. */
  again (visit: Visit): void {
    if (this.#inHand.size === 0) setImmediate(() => this.#weigh())
    this.#inHand.add(visit)
  }

  /** Nobody will look any more. */
  stop (): void {
    clearTimeout(this.#timer)
    const visits = new Set([...this.#watched.keys(), ...this.#inHand, ...this.#held])
    this.#watched.clear()
    this.#ofRoute.clear()
    this.#inHand.clear()
    this.#held.clear()
    for (const visit of visits) reportLost(visit)
  }

  // Not reported at once: what was changed may be about to be saved.
  #weigh (): void {
    const inHand = [...this.#inHand]
    this.#inHand.clear()
    for (const visit of inHand) this.add(visit, lostKeys(visit).length > 0)
  }

  #look (): void {
    for (const [visit, rounds] of this.#watched) {
      if (visit.saving !== null) continue
      if (rounds > 0) reportLost(visit)
      if (rounds < this.#bounds.rounds) this.#watched.set(visit, rounds + 1)
      else this.#leave(visit)
    }
    if (++this.#round % ROUNDS_LATER === 0) for (const visit of this.#held) reportLost(visit)
    this.#timer = this.#watched.size + this.#held.size === 0 ? undefined : setTimeout(() => this.#look(), ROUND).unref()
  }

  #leave (visit: Visit): void {
    this.#watched.delete(visit)
    const left = this.#ofRoute.get(visit.route) as number - 1
    if (left === 0) this.#ofRoute.delete(visit.route)
    else this.#ofRoute.set(visit.route, left)
    this.#held.add(visit)
  }
}

/** The session has been read: look at it when the response has ended. */
export function expectEnd (visit: Visit): void {
  const { reply: { raw }, runtime } = visit
  // Not `onResponse`, which a client that has gone, a socket and some hijacked replies never reach.
  raw.on('close', () => lookBack(visit))
  if (!raw.closed && !raw.writableEnded) return
  visit.reportsLeft = MOST_REPORTS
  runtime.afterwards.again(visit)
}

/** The response has left. What changed since, or was never saved, is lost: that must not go unnoticed. */
function lookBack (visit: Visit): void {
  const { runtime, ended, saving } = visit
  visit.reportsLeft = MOST_REPORTS
  if (!isAtWork(visit)) {
    if (saving === null) report(visit, [...lostKeys(visit), ...lostCalls(visit)])
    if (ended !== null && runtime.backend.records !== null) endLate(visit, ended)
  }
  runtime.afterwards.add(visit)
}

/** The client has gone, but the handler goes on: what it does will be saved all the same. */
function isAtWork ({ closed, reply }: Visit): boolean {
  return closed === null && !reply.sent && !reply.raw.headersSent
}

/** A save that is under way may keep it. */
function reportLost (visit: Visit): void {
  if (visit.saving === null) report(visit, lostKeys(visit))
}

function report (visit: Visit, lost: readonly string[]): void {
  if (lost.length === 0) return
  const { runtime, request } = visit
  visit.reportsLeft--
  visit.closed = visit.snapshot()
  const error = new ChangedTooLate(lost.join(', '))
  request.log.error({ err: error }, 'session changed after the response had left')
  if (!runtime.production) process.emitWarning(error)
  visit.reject('changed-too-late', lost)
}

function lostKeys (visit: Visit): string[] {
  if (visit.reportsLeft === 0 || isAtWork(visit)) return []
  // The answer was the error that says so.
  if (visit.broken && visit.closed === null) return []
  const kept = visit.closed ?? visit.base
  const now = visit.session as unknown as Data
  if (!visit.runtime.codec.differs(kept, now)) return []
  return [...new Set([...Object.keys(kept), ...Object.keys(now)])].filter((key) => !sameValue(visit, key, kept[key], now[key]))
}

/** Once the response is formed these throw, so only where Fastify never sent one can they have been in vain. */
function lostCalls (visit: Visit): string[] {
  const { closed, rotation, touched, remember, ended, runtime } = visit
  if (closed !== null) return []
  const calls = {
    'rotate()': rotation,
    'touch()': touched,
    'persist()': remember !== undefined,
    'destroy()': runtime.backend.records === null && ended !== null,
    'save()': isCookieLost(visit)
  }
  return Object.entries(calls).filter(([, lost]) => lost).map(([call]) => call)
}

/** A `writeHead()` with cookies of its own replaces the one that `save()` has put on the response. */
function isCookieLost ({ exposed, cookie, reply: { raw } }: Visit): boolean {
  return exposed && cookie !== null && raw.headersSent && ![raw.getHeader('set-cookie')].flat().includes(cookie)
}

/** `destroy()` wins even where Fastify never sent the response. */
async function endLate (visit: Visit, ended: Place): Promise<void> {
  visit.ended = null
  try {
    await end(visit.runtime, ended, visit.request)
  } catch (error) {
    visit.request.log.error({ err: error }, 'session could not be ended')
  }
}
