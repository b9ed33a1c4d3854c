import type { Place } from './backends/backend.js'
import { ChangedTooLate } from './errors.js'
import type { Data } from './merge.js'
import { sameValue } from './plan.js'
import { end } from './records.js'
import type { Visit } from './visit.js'

/** Milliseconds. */
const AGAIN = 1_000
/** Requests; more are not held back from being forgotten: what outlives its request is dear to collect. */
const MOST = 100

/** Looks at ended requests once more, a second or two later: what a timer or a callback changes then is lost as well. */
export class Afterwards {
  #fresh: Visit[] = []
  #waiting: Visit[] = []
  #timer: NodeJS.Timeout | null = null

  add (visit: Visit): void {
    if (this.#fresh.length < MOST) this.#fresh.push(visit)
    this.#timer ??= setTimeout(() => this.#look(), AGAIN).unref()
  }

  #look (): void {
    for (const visit of this.#waiting) report(visit, lostKeys(visit))
    this.#waiting = this.#fresh
    this.#fresh = []
    this.#timer = this.#waiting.length === 0 ? null : setTimeout(() => this.#look(), AGAIN).unref()
  }
}

/** The response has left. What changed since, or was never saved, is lost: that must not go unnoticed. */
export function lookBack (visit: Visit): void {
  const { runtime, reply, closed, ended } = visit
  // The client has gone, but the handler is still at work: what it does will be saved all the same.
  if (closed === null && !reply.sent && !reply.raw.headersSent) return
  report(visit, [...lostKeys(visit), ...lostCalls(visit)])
  if (ended !== null) endLate(visit, ended)
  runtime.afterwards.add(visit)
}

function report (visit: Visit, lost: readonly string[]): void {
  if (lost.length === 0) return
  const { runtime, request } = visit
  visit.closed = visit.snapshot()
  const error = new ChangedTooLate(lost.join(', '))
  request.log.error({ err: error }, 'session changed after the response had left')
  if (!runtime.production) process.emitWarning(error)
  visit.reject('changed-too-late', lost)
}

function lostKeys (visit: Visit): string[] {
  // The answer was the error that says so.
  if (visit.broken && visit.closed === null) return []
  const kept = visit.closed ?? visit.base
  const now = visit.session as unknown as Data
  if (!visit.runtime.codec.differs(kept, now)) return []
  return [...new Set([...Object.keys(kept), ...Object.keys(now)])].filter((key) => !sameValue(visit, key, kept[key], now[key]))
}

/** Once the response is formed these throw, so only where Fastify never sent one can they have been in vain. */
function lostCalls ({ closed, rotation, remember, ended, runtime }: Visit): string[] {
  if (closed !== null) return []
  const calls = { 'rotate()': rotation, 'persist()': remember !== undefined, 'destroy()': runtime.backend.records === null && ended !== null }
  return Object.entries(calls).filter(([, lost]) => lost).map(([call]) => call)
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
