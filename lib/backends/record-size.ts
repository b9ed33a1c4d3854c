import { TooLarge } from '../errors.js'
import type { Stored } from '../record/record.js'
import { biggestKeys } from '../values/biggest-keys.js'

/** Whether `payload` has more than `maxSize` bytes. A character has 1 to 3, so most payloads need not be counted. */
export function isTooLarge (payload: string, maxSize: number): boolean {
  return payload.length > maxSize || (payload.length * 3 > maxSize && Buffer.byteLength(payload) > maxSize)
}

/** Throws `TooLarge`, which names the biggest keys. */
export function assertSize (payload: string, maxSize: number, { data, extra }: Stored): void {
  if (!isTooLarge(payload, maxSize)) return
  throw new TooLarge(`record would have ${Buffer.byteLength(payload)} bytes, maxSize is ${maxSize}`, `${biggestKeys({ ...data, ...extra })}. Store less, or raise maxSize`)
}
