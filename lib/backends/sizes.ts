import { TooLarge } from '../errors.js'
import type { Stored } from '../record/record.js'
import { biggestKeys } from '../values/biggest-keys.js'

/** RFC 6265bis §5.6: browsers ignore a cookie whose name and value are longer together. */
export const MAX_COOKIE = 4096

/** Throws `TooLarge` if browsers would drop the cookie, naming the biggest keys of `data`. */
export function assertCookieSize (name: string, token: string, data: Readonly<Record<string, unknown>>): void {
  const size = name.length + token.length
  if (size <= MAX_COOKIE) return
  throw new TooLarge(`cookie would have ${size} bytes with its name, browsers drop it above ${MAX_COOKIE}`, `${biggestKeys(data)}. Store less, or use a store`)
}

/** Whether `payload` has more than `maxSize` bytes. A character has 1 to 3, so most payloads need not be counted. */
export function isTooLarge (payload: string, maxSize: number): boolean {
  return payload.length > maxSize || (payload.length * 3 > maxSize && Buffer.byteLength(payload) > maxSize)
}

/** Throws `TooLarge`, which names the biggest keys. */
export function assertRecordSize (payload: string, maxSize: number, { data, extra }: Stored): void {
  if (!isTooLarge(payload, maxSize)) return
  throw new TooLarge(`record would have ${Buffer.byteLength(payload)} bytes, maxSize is ${maxSize}`, `${biggestKeys({ ...data, ...extra })}. Store less, or raise maxSize`)
}
