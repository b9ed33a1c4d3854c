import { TooLarge } from '../errors.js'

/** RFC 6265bis §5.6: browsers ignore a cookie whose name and value are longer together. */
export const MAX_COOKIE = 4096

/** The value of the cookie `name` in a `Cookie` header: absent, or `'duplicate'` when it is there more than once. */
export function readCookie (header: string | undefined, name: string): { value: string } | 'absent' | 'duplicate' {
  if (header === undefined) return 'absent'
  let value: string | null = null
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length)) {
    const start = at + name.length
    if (header[start] !== '=' || !beginsPair(header, at)) continue
    if (value !== null) return 'duplicate'
    const end = header.indexOf(';', start)
    value = trimEnd(header.slice(start + 1, end === -1 ? header.length : end))
  }
  return value === null ? 'absent' : { value }
}

// Only space and tab may stand between the separator and a name; a browser would not trim anything else.
function beginsPair (header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && (header[before] === ' ' || header[before] === '\t')) before--
  return before < 0 || header[before] === ';'
}

function trimEnd (value: string): string {
  let end = value.length
  while (end > 0 && (value[end - 1] === ' ' || value[end - 1] === '\t')) end--
  return value.slice(0, end)
}

/** Formats the session's `Set-Cookie`; everything that does not change from one to the next is formatted once. */
export interface CookieWriter {
  /** `maxAge` in seconds; `null`: the cookie ends with the browser. */
  set (token: string, maxAge: number | null): string
  /** Removes it, with the attributes it was set with. */
  readonly clear: string
}

export function createCookieWriter (name: string, attributes: string): CookieWriter {
  return {
    set (token, maxAge) {
      return maxAge === null ? `${name}=${token}${attributes}` : `${name}=${token}; Max-Age=${maxAge}${attributes}`
    },
    clear: `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${attributes}`
  }
}

/** Throws `TooLarge` if browsers would drop the cookie, naming the biggest keys of `data`. */
export function checkSize (name: string, token: string, data: Readonly<Record<string, unknown>>): void {
  const size = name.length + token.length
  if (size <= MAX_COOKIE) return
  const biggest = Object.entries(data)
    .map(([key, value]) => [key, JSON.stringify(value).length] as const)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([key, length]) => `${key} (${length})`)
  throw new TooLarge(size, biggest.join(', '))
}
