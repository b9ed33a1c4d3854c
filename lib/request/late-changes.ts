import type { Place } from '../backends/place.js'
import { ChangedTooLate } from '../errors.js'
import { endAsked } from './ending.js'
import { sameValue } from './plan.js'
import type { Late } from './standing.js'
import type { Visit } from './visit.js'

/** Milliseconds that somebody who has the session in hand gets to save it. */
const PATIENCE = 1_000
/** For each request: a hook that is told of a report may make a change in its turn. */
const MOST_REPORTS = 10

/** Looks for changes that come after the response, and so are lost. */
export class LateChanges {
  readonly #production: boolean
  readonly #waiting = new Set<Watch>()
  #opened: Visit[] = []

  constructor (production: boolean) {
    this.#production = production
  }

  /** The session has been read: look at it when the response has ended. */
  expectEnd (visit: Visit): void {
    // Most responses have ended by then, and need no listener of their own.
    if (this.#opened.push(visit) === 1) setImmediate(() => this.#sort())
  }

  /** Nobody will look any more. */
  stop (): void {
    for (const watch of [...this.#waiting]) watch.look()
  }

  #sort (): void {
    const opened = this.#opened
    this.#opened = []
    for (const visit of opened) {
      if (visit.exchange.ended) this.#ended(visit)
      // Not `onResponse`, which a client that has gone, a socket and some hijacked replies never reach.
      else visit.exchange.reply.raw.once('close', () => this.#ended(visit))
    }
  }

  #ended (visit: Visit): void {
    const watch = new Watch(visit, this.#waiting)
    visit.watch(watch)
    lookBack(visit)
    if (!this.#production) watch.again()
  }
}

/** Watches over a session whose response has ended. */
class Watch implements Late {
  reportsLeft = MOST_REPORTS
  readonly #visit: Visit
  readonly #waiting: Set<Watch>
  #timer: NodeJS.Timeout | undefined

  constructor (visit: Visit, waiting: Set<Watch>) {
    this.#visit = visit
    this.#waiting = waiting
  }

  /** Somebody has the session in hand. Looks a little later: the change may be about to be saved. */
  again (): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.look(), PATIENCE).unref()
    this.#waiting.add(this)
  }

  look (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting.delete(this)
    if (isAtWork(this.#visit)) this.again()
    else reportLost(this.#visit)
  }
}

/** The response has left. A change since then, or one that was never saved, is lost: that must not go unnoticed. */
function lookBack (visit: Visit): void {
  const { runtime, ending, saving } = visit
  if (isAtWork(visit)) return
  if (saving === null) report(visit, visit.accepted === null ? [...lostKeys(visit), ...lostCalls(visit)] : lostKeys(visit))
  else reportLost(visit)
  if (ending !== null && ending !== 'elsewhere' && runtime.backend.records !== null) endLate(visit, ending.asked)
}

/** The client has gone, but the handler goes on: its changes will be saved all the same. */
function isAtWork ({ accepted, exchange }: Visit): boolean {
  return accepted === null && !exchange.left
}

/** A save under way may keep the change: looks when the code that waits for that save has gone on. */
function reportLost (visit: Visit): void {
  if (visit.saving !== null) visit.saving.then(() => setImmediate(reportLost, visit))
  else report(visit, lostKeys(visit))
}

function report (visit: Visit, lost: readonly string[]): void {
  if (lost.length > 0) reportLate(visit, lost)
}

/** Says that `lost`, keys and calls, came too late to be saved. */
export function reportLate (visit: Visit, lost: readonly string[]): void {
  const { runtime, exchange: { request } } = visit
  if (visit.late !== null && visit.late.reportsLeft-- <= 0) return
  visit.accept(visit.snapshot())
  const error = new ChangedTooLate(lost.join(', '))
  request.log.error({ err: error }, 'session changed after the response had left')
  if (!runtime.production) process.emitWarning(error)
  visit.reject('changed-too-late', lost)
}

function lostKeys (visit: Visit): string[] {
  // The answer was the error that says so.
  if (visit.broken && visit.accepted === null) return []
  const kept = visit.accepted ?? visit.standing.data
  const { data: now, runtime: { codec } } = visit
  if (!codec.differs(kept, now)) return []
  return [...new Set([...Object.keys(kept), ...Object.keys(now)])].filter((key) => !sameValue(codec, kept, key, kept[key], now[key]))
}

/** Only where Fastify never sent the response can a wish still be open. */
function lostCalls ({ wish, ending, runtime, exchange }: Visit): string[] {
  const { cookie, exposed, reply: { raw } } = exchange
  const calls = {
    'rotate()': wish.rotate,
    'touch()': wish.touch,
    'persist()': wish.persist !== undefined,
    'destroy()': runtime.backend.records === null && ending !== null && ending !== 'elsewhere',
    // A `writeHead()` with cookies of its own replaces the one that `save()` has put on the response.
    'save()': exposed && cookie !== null && raw.headersSent && ![raw.getHeader('set-cookie')].flat().includes(cookie)
  }
  return Object.entries(calls).filter(([, lost]) => lost).map(([call]) => call)
}

/** `destroy()` wins even where Fastify never sent the response. */
async function endLate (visit: Visit, place: Place | null): Promise<void> {
  const ending = endAsked(visit.runtime, place, visit.exchange)
  visit.ended()
  try {
    await ending
  } catch (error) {
    visit.exchange.request.log.error({ err: error }, 'session could not be ended')
  }
}
