import { createHmac } from 'node:crypto'
import { inflateSync } from 'node:zlib'
import { isEqual } from './signed-id.js'

/** Bytes that a compressed payload may become. A cookie has 4 KiB. */
const MOST = 65_536

export interface Signed {
  /** The payload as text. */
  readonly text: string
  /** When it was signed: milliseconds since the epoch. */
  readonly at: number
}

/** As `key_derivation='hmac'` has it. */
export function deriveKey (secret: Uint8Array, salt: string): Buffer {
  return createHmac('sha1', secret).update(salt).digest()
}

/**
 * Reads `payload.time.mac`, as `URLSafeTimedSerializer` of itsdangerous signs with one of the keys: an HMAC-SHA1 over the first two.
 * A payload that begins with a dot is compressed. `null` for anything else. Never throws.
 */
export function readSigned (value: string, keys: readonly Uint8Array[]): Signed | null {
  const [, signed = '', payload = '', time = '', mac = ''] = /^((\.?[\w-]+)\.([\w-]{1,8}))\.([\w-]+)$/.exec(value) ?? []
  const given = Buffer.from(mac)
  if (!keys.some((key) => isEqual(given, createHmac('sha1', key).update(signed).digest('base64url')))) return null
  const text = unpack(payload)
  return text === null ? null : { text, at: secondsOf(time) * 1000 }
}

function unpack (payload: string): string | null {
  if (!payload.startsWith('.')) return Buffer.from(payload, 'base64url').toString()
  try {
    return inflateSync(Buffer.from(payload.slice(1), 'base64url'), { maxOutputLength: MOST }).toString()
  } catch {
    return null
  }
}

/** Big-endian, without leading zeros: six bytes at most. */
function secondsOf (time: string): number {
  const bytes = Buffer.from(time, 'base64url')
  return bytes.readUIntBE(0, bytes.length)
}
