import { hkdfSync, timingSafeEqual } from 'node:crypto'
import { InvalidOption, InvalidSecret } from '../errors.js'
import { hmacSha256 } from './hmac.js'
import { createXaes, XAES_OVERHEAD } from './xaes.js'

export interface OpenedToken {
  readonly body: Buffer
  /** Sealed or signed by an older secret than the newest. */
  readonly stale: boolean
}

/** One kind of token: a version character, six characters that name the secret, then base64url. */
export interface TokenFormat {
  /** Always with the newest secret. */
  write (body: Uint8Array): string
  /** `null` for anything that was not written by this format with one of the secrets. Never throws. */
  read (token: string): OpenedToken | null
  /** Characters of a token for a body of this many bytes. */
  size (bytes: number): number
}

/** What tokens are made and read with. Holds derived keys only, none of them reachable from here. */
export interface Keyring {
  /** The names of the secrets in tokens, newest first. Not secret. */
  readonly ids: readonly string[]
  /** Encrypted and authenticated: XAES-256-GCM. */
  readonly sealed: TokenFormat
  /** Authenticated only: HMAC-SHA256. */
  readonly readable: TokenFormat
  /** Authenticated, exactly `REFERENCE_BYTES` long: HMAC-SHA256 cut to 128 bits, as a forgery can only be tried online. */
  readonly reference: TokenFormat
}

/** What a token is good for. Nothing else accepts it. */
export interface Binding {
  readonly application: string
  /** Name of the request property. */
  readonly session: string
  /** Name of the cookie. */
  readonly cookie: string
}

export type Purpose = 'sealed' | 'readable' | 'reference'

/** id[32] ‖ issued at, 48 bits. */
export const REFERENCE_BYTES = 38

/** How one key protects a body. */
interface Protection {
  protect (body: Uint8Array): Buffer
  /** The body, or `null` if it is not authentic. Never throws. */
  recover (bytes: Buffer): Buffer | null
}

interface Kind {
  readonly version: string
  /** Bytes added to a body. */
  readonly overhead: number
  /** The only body length there is. Absent: any. */
  readonly exactly?: number
  readonly protection: (key: Buffer, associated: Buffer) => Protection
}

const CONTEXT = 'fastify-typed-session/v1'
const MAC = 32
const SHORT_MAC = 16
const KID = 6
const HEADER = 1 + KID
const LONGEST_NAME = 512 // node:crypto takes 1024 bytes of HKDF info

// The first character of a token names its kind, and a kind has one algorithm. A change of either is a new character.
const kinds: Readonly<Record<Purpose, Kind>> = {
  sealed: { version: '1', overhead: XAES_OVERHEAD, protection: sealing },
  readable: { version: '2', overhead: MAC, protection: signing(MAC) },
  reference: { version: '3', overhead: SHORT_MAC, exactly: REFERENCE_BYTES, protection: signing(SHORT_MAC) }
}

function sealing (key: Buffer, associated: Buffer): Protection {
  const xaes = createXaes(key)
  return {
    protect: (body) => xaes.seal(body, associated),
    recover: (bytes) => xaes.open(bytes, associated)
  }
}

function signing (length: number): Kind['protection'] {
  return (key, associated) => {
    const authenticate = hmacSha256(key, associated)
    const mac = (body: Uint8Array) => authenticate(body).subarray(0, length)
    return {
      protect (body) {
        const bytes = Buffer.allocUnsafe(body.length + length)
        bytes.set(body)
        bytes.set(mac(body), body.length)
        return bytes
      },
      recover (bytes) {
        const body = bytes.subarray(0, -length)
        const given = bytes.subarray(-length)
        return given.length === length && timingSafeEqual(given, mac(body)) ? body : null
      }
    }
  }
}

/** Every part behind its length, so that no two lists of parts give the same bytes. */
function join (...parts: readonly string[]): Buffer {
  return Buffer.concat(parts.flatMap((part) => {
    const bytes = Buffer.from(part)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(bytes.length)
    return [length, bytes]
  }))
}

/** HKDF-SHA256 (RFC 5869) over the whole secret, one key for each list of parts. */
function derive (secret: Buffer, ...parts: readonly string[]): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', join(CONTEXT, ...parts), 32))
}

/** Names a secret in its tokens. Says nothing about the secret or the keys made from it. */
export function keyId (secret: Buffer): string {
  return derive(secret, 'kid').toString('base64url').slice(0, KID)
}

/** The key of one purpose of one session. */
export function purposeKey (secret: Buffer, purpose: Purpose, session: string): Buffer {
  return derive(secret, purpose, session)
}

/** What is authenticated along with every body. */
export function associatedData (purpose: Purpose, { session, cookie, application }: Binding, kid: string): Buffer {
  return join(CONTEXT, purpose, session, cookie, application, kid)
}

/** Strict base64url: Node's decoder skips what it does not know and ignores spare bits, so the text must come out again. */
function decode (text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

function format ({ version, overhead, exactly }: Kind, newest: string, keys: ReadonlyMap<string, Protection>): TokenFormat {
  const size = (bytes: number) => HEADER + Math.ceil((bytes + overhead) * 4 / 3)
  const shortest = size(exactly ?? 0)
  const longest = exactly === undefined ? Infinity : shortest
  const writer = keys.get(newest)!
  return Object.freeze({
    size,
    write (body) {
      if (exactly !== undefined && body.length !== exactly) throw new RangeError(`A body of ${exactly} bytes is needed`)
      return version + newest + writer.protect(body).toString('base64url')
    },
    read (token) {
      if (typeof token !== 'string' || token.length < shortest || token.length > longest || token[0] !== version) return null
      const kid = token.slice(1, HEADER)
      const key = keys.get(kid)
      const bytes = key && decode(token.slice(HEADER))
      const body = bytes && key.recover(bytes)
      return body ? { body, stale: kid !== newest } : null
    }
  } satisfies TokenFormat)
}

function checkBinding (binding: Binding): void {
  for (const [name, text] of Object.entries(binding)) {
    const bytes = Buffer.from(text)
    if (bytes.length > LONGEST_NAME) throw new InvalidOption(name, `is longer than ${LONGEST_NAME} bytes`)
    if (bytes.toString() !== text) throw new InvalidOption(name, 'is not well-formed Unicode')
  }
}

/**
 * `secrets`: newest first, checked by `parseSecrets`. The first writes, all read; a token names the one that reads it.
 * Throws `FST_TYPED_SESSION_INVALID_SECRET` and `FST_TYPED_SESSION_INVALID_OPTION`.
 */
export function createKeyring (secrets: readonly Buffer[], binding: Binding): Keyring {
  checkBinding(binding)
  const ids = Object.freeze(secrets.map(keyId))
  const newest = ids[0]
  if (newest === undefined) throw new InvalidSecret('the list is empty')
  if (new Set(ids).size < ids.length) throw new InvalidSecret('two secrets have the same key id, replace one of them')

  const make = (purpose: Purpose) => {
    const kind = kinds[purpose]
    const keys = secrets.map((secret, index): [string, Protection] => {
      const kid = ids[index]!
      const key = purposeKey(secret, purpose, binding.session)
      const protection = kind.protection(key, associatedData(purpose, binding, kid))
      key.fill(0)
      return [kid, protection]
    })
    return format(kind, newest, new Map(keys))
  }
  return Object.freeze({ ids, sealed: make('sealed'), readable: make('readable'), reference: make('reference') })
}
