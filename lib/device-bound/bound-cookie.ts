import { readCookie } from '../http/cookie.js'
import type { Device } from '../record/device.js'
import { CLOCK_SKEW } from '../record/timeouts.js'
import type { Runtime } from '../request/runtime.js'
import { bound } from '../tokens/kinds.js'
import { random } from '../tokens/random.js'
import { keyringOf } from './keyring.js'

export const ID_BYTES = 16
const RANDOM = 16
const UNTIL = ID_BYTES + RANDOM
/** Chromium takes `__Host-Http-` for malformed in instructions, and `__Host-` too where the site is http://localhost. */
const PREFIX = /^__(?:Host-Http|Host|Http|Secure)-/
/** Milliseconds that the browser loses the cookie earlier: a request with it may be under way for so long. */
const LOST_EARLIER = 30_000

/** The binding that a value proves. `until`: milliseconds since the epoch. */
export function readBound (body: Buffer): { readonly id: string, readonly until: number } {
  return { id: body.toString('base64url', 0, ID_BYTES), until: body.readUIntBE(UNTIL, 6) }
}

/** The cookie that a device has for as long as its last proof is good. It says so itself; nothing is kept of it. */
export class BoundCookie {
  readonly name: string
  /** As the browser compares them, so in the same words in the `Set-Cookie` and in the instructions. No `Max-Age`: that makes them malformed. */
  readonly attributes: string
  readonly #life: number
  readonly #keyring: ReturnType<typeof keyringOf>

  /** `life`: milliseconds. */
  constructor (runtime: Runtime, life: number) {
    const { name, sameSite } = runtime.settings.cookie.policy
    this.name = `__Secure-${name.replace(PREFIX, '')}-bound`
    this.attributes = `Path=/; Secure; HttpOnly; SameSite=${sameSite === 'strict' ? 'Strict' : 'Lax'}`
    this.#life = life
    this.#keyring = keyringOf(runtime, bound, this.name)
  }

  /** The `Set-Cookie` of a new value: a browser takes the same value for a refresh that has failed. */
  set ({ id }: Device, now: number): string {
    const body = Buffer.alloc(UNTIL + 6)
    body.set(Buffer.from(id, 'base64url'))
    body.set(random(RANDOM), ID_BYTES)
    body.writeUIntBE(now + this.#life, UNTIL, 6)
    return `${this.name}=${this.#keyring().write(body)}; Max-Age=${Math.floor((this.#life - LOST_EARLIER) / 1000)}; ${this.attributes}`
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
    const body = this.#keyring().read(value)?.body
    const said = body && readBound(body)
    // One of a longer life than is given now, or by a wrong clock, is not good for that long.
    return said?.id === id && said.until > now && said.until <= now + this.#life + CLOCK_SKEW
  }
}
