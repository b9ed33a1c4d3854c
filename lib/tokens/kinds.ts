import { timingSafeEqual } from 'node:crypto'
import { decodeBase64url } from './base64url.js'
import { type Cipher, NONCE, TAG } from './cipher.js'
import type { Purpose } from './derivation.js'
import { hmacSha256 } from './hmac.js'
import { random } from './random.js'

/** How one key protects bodies. Nothing else holds the key. */
export interface Protection {
  /** base64url. */
  protect (body: Uint8Array): string
  /** The body, or `null` for what `protect` has not made with the same key. Never throws. */
  recover (text: string): Buffer | null
}

/** One kind of token. */
export interface Kind extends Purpose {
  /** Bytes added to a body. */
  readonly overhead: number
  /** The only body length there is. `null`: any. */
  readonly exactly: number | null
  readonly protection: (key: Buffer, associated: Buffer) => Protection
}

/** id[32] ‖ issued at, 48 bits. */
export const REFERENCE_BYTES = 38
export const DEVICE_BYTES = 38
const MAC = 16

/** Encrypted and authenticated: `nonce[24] ‖ ciphertext ‖ tag[16]` of XChaCha20-Poly1305. */
export const sealed = (cipher: Cipher): Kind => ({
  version: '4',
  purpose: 'sealed',
  overhead: NONCE + TAG,
  exactly: null,
  protection: (key, associated) => ({
    protect (body) {
      const nonce = random(NONCE)
      // 24 bytes are 32 characters, so the two can be written one after the other.
      return encode(nonce) + encode(cipher.seal(body, associated, nonce, key))
    },
    recover (text) {
      const bytes = decodeBase64url(text)
      const body = bytes && cipher.open(bytes.subarray(NONCE), associated, bytes.subarray(0, NONCE), key)
      return body && viewOf(body)
    }
  })
})

/** Authenticated, always as long: HMAC-SHA256 cut to 128 bits, as a forgery can only be tried online. */
const authenticated = (version: string, purpose: string, exactly: number): Kind => ({
  version,
  purpose,
  overhead: MAC,
  exactly,
  protection (key, associated) {
    const authenticate = hmacSha256(key, associated)
    const mac = (body: Uint8Array) => authenticate(body).subarray(0, MAC)
    return {
      protect: (body) => Buffer.concat([body, mac(body)]).toString('base64url'),
      recover (text) {
        const bytes = decodeBase64url(text)
        if (bytes === null) return null
        const body = bytes.subarray(0, -MAC)
        return timingSafeEqual(bytes.subarray(-MAC), mac(body)) ? body : null
      }
    }
  }
})

export const reference = authenticated('3', 'reference', REFERENCE_BYTES)
/** For a device that has proved that it has the key: binding[16] ‖ random[16] ‖ good until, 48 bits. */
export const bound = authenticated('5', 'bound', DEVICE_BYTES)
/** The first challenge to a device: hash of the sign-in[16] ‖ random[16] ‖ good until, 48 bits. */
export const offer = authenticated('6', 'offer', DEVICE_BYTES)

const viewOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length)
const encode = (bytes: Uint8Array): string => viewOf(bytes).toString('base64url')
