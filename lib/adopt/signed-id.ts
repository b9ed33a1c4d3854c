import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * The value that was signed as `value.mac`, an HMAC in base64 without padding; `null` if none of the keys has made it. So do
 * cookie-signature and @fastify/cookie. No other text has the same value.
 */
export function unsign (signed: string, keys: readonly Uint8Array[], algorithm = 'sha256'): string | null {
  const dot = signed.lastIndexOf('.')
  if (dot < 1) return null
  const value = signed.slice(0, dot)
  const mac = Buffer.from(signed.slice(dot + 1))
  return keys.some((key) => isEqual(mac, createHmac(algorithm, key).update(value).digest('base64').replace(/=+$/, ''))) ? value : null
}

/** Takes as long wherever the first difference is. */
export function isEqual (given: Buffer, expected: string): boolean {
  const bytes = Buffer.from(expected)
  return given.length === bytes.length && timingSafeEqual(given, bytes)
}
