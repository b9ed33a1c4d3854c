import { readCookie } from '../http/cookie.js'
import type { Device } from '../record/device.js'
import { CLOCK_SKEW } from '../record/timeouts.js'
import type { Runtime } from '../request/runtime.js'
import { bound } from '../tokens/kinds.js'
import { type TimedTokens, timedTokens } from './timed-tokens.js'

/** Chromium takes `__Host-Http-` for malformed in instructions, and `__Host-` too where the site is http://localhost. */
const PREFIX = /^__(?:Host-Http|Host|Http|Secure)-/
/** Milliseconds that the browser loses the cookie earlier: a request with it may be under way for so long. */
const LOST_EARLIER = 30_000

/** The cookie that a device has for as long as its last proof is good. It says so itself; nothing is kept of it. */
export class BoundCookie {
  readonly name: string
  /** As the browser compares them, so in the same words in the `Set-Cookie` and in the instructions. No `Max-Age`: that makes them malformed. */
  readonly attributes: string
  readonly #life: number
  readonly #tokens: TimedTokens

  /** `life`: milliseconds. */
  constructor (runtime: Runtime, life: number) {
    const { name, sameSite } = runtime.settings.cookie.policy
    this.name = `__Secure-${name.replace(PREFIX, '')}-bound`
    this.attributes = `Path=/; Secure; HttpOnly; SameSite=${sameSite === 'strict' ? 'Strict' : 'Lax'}`
    this.#life = life
    this.#tokens = timedTokens(runtime, bound, this.name)
  }

  /** The `Set-Cookie` of a new value: a browser takes the same value for a refresh that has failed. */
  set ({ id }: Device, now: number): string {
    const value = this.#tokens.write(Buffer.from(id, 'base64url'), now + this.#life)
    return `${this.name}=${value}; Max-Age=${Math.floor((this.#life - LOST_EARLIER) / 1000)}; ${this.attributes}`
  }

  /** The `Set-Cookie` that removes it. */
  get clear (): string {
    return `${this.name}=; Max-Age=0; ${this.attributes}`
  }

  isIn (cookies: string | undefined): boolean {
    return readCookie(cookies, this.name) !== null
  }

  /** Is there a good one of `device` in a `Cookie` header? Of several, others may have set the rest. */
  isGoodIn (cookies: string | undefined, device: Device, now: number): boolean {
    return [readCookie(cookies, this.name) ?? []].flat().some((value) => this.#isGood(value, device, now))
  }

  #isGood (value: string, { id }: Device, now: number): boolean {
    const said = this.#tokens.read(value)
    // One of a longer life than is given now, or by a wrong clock, is not good for that long.
    return said?.of.toString('base64url') === id && said.until > now && said.until <= now + this.#life + CLOCK_SKEW
  }
}
