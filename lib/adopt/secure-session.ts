import type { Adopter } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { parseJson } from '../values/json.js'
import { findDeriveKey } from './argon2.js'
import { type AdoptOptions, checkMap, type OldKeys, type OldSession, readKeys } from './options.js'

/** Bytes of a key. */
const KEY = 32
const NONCE = 24
const SALT = 16
/** Where nobody has given one. */
const DEFAULT_SALT = Buffer.from('mq9hDxBVDbspDR6nLfFT1g==', 'base64')
const EXPIRY = 86_401

export interface SecureSessionOptions<Stored> extends AdoptOptions<Stored> {
  /** The `key` of `@fastify/secure-session`, or all that are still in use: 32 bytes each, a text is base64. */
  readonly key?: OldKeys | undefined
  /** Its `secret`, where there is no `key`. Takes about a second at the start, and Node.js 24.7 or the package `sodium-native`. */
  readonly secret?: string | Uint8Array | undefined
  /** Its `salt`, beside `secret`: 16 bytes. Default its own default. */
  readonly salt?: string | Uint8Array | undefined
  /** Its `expiry`: seconds since the last write. Default one day, as there. */
  readonly expiry?: number | undefined
}

/**
 * Takes over sessions of `@fastify/secure-session`; `cookie` is its option `cookieName` or `sessionName`, by default `session`. `map`
 * gets the data. `createdAt` is when they were last written.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION`, also for a key that repeats itself and a secret of well-known examples.
 */
export function fromSecureSession<Stored> (options: SecureSessionOptions<Stored>): Adopter<Stored> {
  const { cookie, until, ending, map, expiry = EXPIRY } = options ?? {}
  checkMap('fromSecureSession', map)
  if (typeof expiry !== 'number' || !(expiry > 0)) throw new InvalidOption('fromSecureSession.expiry', 'must be a number of seconds, more than 0')
  const keys = keysOf(options)
  return {
    cookie,
    until,
    ending,
    async read (value) {
      const opened = await open(value, keys)
      const json: unknown = opened === null ? null : parseJson(opened)
      if (typeof json !== 'object' || json === null) return null
      const { __ts: at, ...old } = json as OldSession
      if (typeof at !== 'number' || (at + expiry) * 1000 <= Date.now()) return null
      const data = map(old)
      return data === null ? null : { data, createdAt: new Date(at * 1000) }
    }
  }
}

function keysOf <Stored> ({ key, secret, salt = DEFAULT_SALT }: SecureSessionOptions<Stored>): Uint8Array[] {
  if (key === undefined) {
    const [message] = readKeys('fromSecureSession.secret', secret) as [Buffer]
    const nonce = typeof salt === 'string' ? Buffer.from(salt, 'ascii') : Buffer.from(salt)
    if (nonce.length !== SALT) throw new InvalidOption('fromSecureSession.salt', `must have ${SALT} bytes`)
    return [findDeriveKey()(message, nonce)]
  }
  const bytes = (one: string | Uint8Array) => typeof one === 'string' ? Buffer.from(one, 'base64') : one
  const keys = readKeys('fromSecureSession.key', Array.isArray(key) ? key.map(bytes) : bytes(key as string | Uint8Array))
  if (keys.some(({ length }) => length !== KEY)) throw new InvalidOption('fromSecureSession.key', `must have ${KEY} bytes, and a text must be base64`)
  return keys
}

/** `ciphertext;nonce`, XSalsa20-Poly1305 of libsodium. `null` if none of the keys has made it. */
async function open (value: string, keys: readonly Uint8Array[]): Promise<string | null> {
  const [sealed, nonce, ...rest] = value.split(';').map(bytesOf)
  if (!sealed || nonce?.length !== NONCE || rest.length > 0) return null
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  for (const key of keys) {
    try {
      return Buffer.from(sodium.crypto_secretbox_open_easy(sealed, nonce, key)).toString()
    } catch {
      // Sealed with another key, or not at all.
    }
  }
  return null
}

/** `null` for any other way to write the bytes: each would count as a session of its own. */
function bytesOf (base64: string): Buffer | null {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.toString('base64') === base64 ? bytes : null
}
