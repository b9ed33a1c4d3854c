import { TooLarge } from '../errors.js'
import { roomFor } from '../record/device.js'
import { biggestKeys } from '../values/biggest-keys.js'
import type { Draft } from './place.js'

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

/** Throws `TooLarge`, which names the biggest keys. A device that it is bound to can always be asked for a proof. */
export function assertRecordSize (payload: string, maxSize: number, { device, stored: { data, extra } }: Draft): void {
  const room = device === null ? 0 : roomFor(device)
  if (!isTooLarge(payload, maxSize - room)) return
  throw new TooLarge(`record would have ${Buffer.byteLength(payload) + room} bytes, maxSize is ${maxSize}`, `${biggestKeys({ ...data, ...extra })}. Store less, or raise maxSize`)
}
