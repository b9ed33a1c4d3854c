import { TooLarge } from '../errors.js'
import { biggestKeys } from '../values/biggest-keys.js'

/** RFC 6265bis §5.6: browsers ignore a cookie whose name and value are longer together. */
export const MAX_COOKIE = 4096

/** Throws `TooLarge` if browsers would drop the cookie, naming the biggest keys of `data`. */
export function checkSize (name: string, token: string, data: Readonly<Record<string, unknown>>): void {
  const size = name.length + token.length
  if (size <= MAX_COOKIE) return
  throw new TooLarge(`cookie would have ${size} bytes with its name, browsers drop it above ${MAX_COOKIE}`, `${biggestKeys(data)}. Store less, or use a store`)
}
