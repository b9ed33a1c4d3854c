import { after, type Answer } from '../async/answer.js'
import { type Step, storeFailure } from '../async/timeout.js'
import { readNotBefore, writeNotBefore } from '../record/payload.js'
import { CLOCK_SKEW } from '../record/timeouts.js'
import type { StoreCalls } from './store-calls.js'

/** As long as any session can live: 400 days, and what clocks may differ by. */
const LIFE = (400 * 86_400 + 60) * 1000
const MAX_RACES = 20
/** Before anything can have begun. */
export const NONE = -1

export interface NotBeforeOptions {
  readonly calls: StoreCalls
  /** Where it lies. */
  readonly key: string
  /** Milliseconds for which an answer may be remembered. */
  readonly staleness: number
}

/** The moment until which every session that has begun is over, for all servers alike. */
export class NotBefore {
  readonly #options: NotBeforeOptions
  #known = { value: NONE, at: -Infinity }

  constructor (options: NotBeforeOptions) {
    this.#options = options
  }

  /** Milliseconds since 1970; `NONE`: nobody has asked for one. Throws, or rejects with, `StoreFailed`. */
  current (now: number): Answer<number> {
    const { value, at } = this.#known
    return Math.abs(now - at) < this.#options.staleness ? value : this.#ask(now)
  }

  /** Every session that has begun until `now` is over from here on. */
  async begin (now: number): Promise<void> {
    const { calls, key } = this.#options
    const step: Step = { until: 0 }
    const next = writeNotBefore(now)
    for (let race = 0; race < MAX_RACES; race++) {
      if (await calls.create(key, next, now + LIFE, undefined, step)) return this.#learn(now, now)
      const found = await calls.load(key, step)
      if (found === null) continue
      const later = readNotBefore(found)
      if (later !== null && later >= now && later <= now + CLOCK_SKEW) return this.#learn(later, now)
      const outcome = await calls.replace(key, found, next, now + LIFE, undefined, step)
      if (outcome === 'replaced') return this.#learn(now, now)
    }
    throw storeFailure(new Error(`the moment of revokeAll() was changed ${MAX_RACES} times meanwhile`))
  }

  #ask (now: number): Answer<number> {
    const { calls, key } = this.#options
    return after(calls.load(key), (found) => {
      const value = found === null ? NONE : readNotBefore(found)
      // If we cannot tell which sessions are over, we must let none in.
      if (value === null) throw storeFailure(new Error('what the store has for the moment of revokeAll() is none, revokeAll() writes it anew'))
      this.#learn(value, now)
      return this.#known.value
    })
  }

  #learn (value: number, now: number): void {
    const { value: known } = this.#known
    // It only moves forward, but for one that a wrong clock has put into the future: revokeAll() puts that right.
    this.#known = { value: known > now + CLOCK_SKEW ? value : Math.max(value, known), at: now }
  }
}
