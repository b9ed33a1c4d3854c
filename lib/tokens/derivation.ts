import { hkdfSync } from 'node:crypto'

/** The purpose of a token. Nothing else accepts it. */
export interface Binding {
  readonly application: string
  /** Name of the request property. */
  readonly session: string
  /** Name of the cookie. */
  readonly cookie: string
}

/** The name of each kind of token where keys are made. */
export interface Purpose {
  /** The first character of each token. A kind has one algorithm: a change of it, or of the format, is a new character. */
  readonly version: string
  readonly purpose: string
}

const CONTEXT = 'fastify-typed-session/v1'
const KEY = 32
export const KEY_ID = 6

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
  return Buffer.from(hkdfSync('sha256', secret, '', join(CONTEXT, ...parts), KEY))
}

/** Names a secret in its tokens. Says nothing about the secret or the keys made from it. */
export function keyId (secret: Buffer): string {
  return derive(secret, 'kid').toString('base64url').slice(0, KEY_ID)
}

/** The key of one kind of token of one session. */
export function purposeKey (secret: Buffer, { version, purpose }: Purpose, session: string): Buffer {
  return derive(secret, version, purpose, session)
}

/** The data that are authenticated along with every body. */
export function associatedData ({ version, purpose }: Purpose, { session, cookie, application }: Binding, keyId: string): Buffer {
  return join(CONTEXT, version, purpose, session, cookie, application, keyId)
}
