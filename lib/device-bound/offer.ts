import { hash } from 'node:crypto'
import type { Place } from '../backends/place.js'
import { storeFailure } from '../async/timeout.js'
import type { Runtime } from '../request/runtime.js'
import { offer } from '../tokens/kinds.js'
import { random } from '../tokens/random.js'
import { keyringOf } from './keyring.js'

/** Milliseconds that a browser has to register. */
export const OFFER_LIFE = 300_000
const SIGN_IN = 16
const RANDOM = 16
const UNTIL = SIGN_IN + RANDOM

/** The challenges that offers carry: each good for one sign-in, and only until the session is bound. Nothing is kept of them. */
export class Offers {
  readonly #runtime: Runtime
  readonly #keyring: ReturnType<typeof keyringOf>

  constructor (runtime: Runtime, cookie: string) {
    this.#runtime = runtime
    this.#keyring = keyringOf(runtime, offer, cookie)
  }

  /** For the session that was signed in just now. */
  challenge (record: Place['record'], now: number): string {
    const body = Buffer.alloc(UNTIL + 6)
    body.set(this.#signIn(record))
    body.set(random(RANDOM), SIGN_IN)
    body.writeUIntBE(now + OFFER_LIFE, UNTIL, 6)
    return this.#keyring().write(body)
  }

  /** Was the challenge made for this sign-in, a moment ago? Rotations that only change the id are no matter. */
  isGood (challenge: string, record: Place['record'], now: number): boolean {
    const body = this.#keyring().read(challenge)?.body
    return body !== undefined && body.readUIntBE(UNTIL, 6) > now && this.#signIn(record).equals(body.subarray(0, SIGN_IN))
  }

  /** Tells one sign-in from every other: who, and since when. */
  #signIn (record: Place['record']): Buffer {
    const { times: { createdAt, authenticatedAt }, found: { data } } = record
    const privileges = this.#runtime.settings.rotateOn.map((key) => (data as Record<string, unknown>)[key])
    return hash('sha256', JSON.stringify([createdAt, authenticatedAt, subjectOf(this.#runtime, record), privileges]), 'buffer').subarray(0, SIGN_IN)
  }
}

/** Whose session it is. Throws `StoreFailed` where nobody can tell, because the schema here does not know these data. */
export function subjectOf ({ opener, settings }: Runtime, record: Place['record']): string | undefined {
  const opened = opener.open(record)
  if (!opened.ok) throw storeFailure(new Error('the data of a session that is bound to a device do not satisfy the schema'))
  return settings.subject?.({ ...opened.data })
}
