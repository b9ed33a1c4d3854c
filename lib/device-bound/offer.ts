import { hash } from 'node:crypto'
import type { Place } from '../backends/place.js'
import { storeFailure } from '../async/timeout.js'
import type { Runtime } from '../request/runtime.js'
import { offer } from '../tokens/kinds.js'
import { OF_BYTES, type TimedTokens, timedTokens } from './timed-tokens.js'

/** Milliseconds that a browser has to register. */
export const OFFER_LIFE = 300_000

/** The challenges that offers carry: each good for one sign-in, and only until the session is bound. Nothing is kept of them. */
export class Offers {
  readonly #runtime: Runtime
  readonly #tokens: TimedTokens

  constructor (runtime: Runtime, cookie: string) {
    this.#runtime = runtime
    this.#tokens = timedTokens(runtime, offer, cookie)
  }

  /** For the session that was signed in just now. */
  challenge (record: Place['record'], now: number): string {
    return this.#tokens.write(this.#signIn(record), now + OFFER_LIFE)
  }

  /** Was the challenge made for this sign-in, a moment ago? Rotations that only change the id are no matter. */
  isGood (challenge: string, record: Place['record'], now: number): boolean {
    const said = this.#tokens.read(challenge)
    return said !== null && said.until > now && this.#signIn(record).equals(said.of)
  }

  /** Tells one sign-in from every other: who, and since when. */
  #signIn (record: Place['record']): Buffer {
    const { times: { createdAt, authenticatedAt }, found: { data } } = record
    const privileges = this.#runtime.settings.rotateOn.map((key) => (data as Record<string, unknown>)[key])
    return hash('sha256', JSON.stringify([createdAt, authenticatedAt, subjectOf(this.#runtime, record), privileges]), 'buffer').subarray(0, OF_BYTES)
  }
}

/** Whose session it is. Throws `StoreFailed` where nobody can tell, because the schema here does not know these data. */
export function subjectOf ({ opener, settings }: Runtime, record: Place['record']): string | undefined {
  const opened = opener.open(record)
  if (!opened.ok) throw storeFailure(new Error('the data of a session that is bound to a device do not satisfy the schema'))
  return settings.subject?.({ ...opened.data })
}
