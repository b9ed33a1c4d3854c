import type { SessionPolicy } from '../../types/index.js'
import type { Scope } from './removals.js'

/** The `Cookie` header among those of Node or of the web, `''` if there is none; `null` for what cannot be headers. */
export function cookieHeader (headers: unknown): string | null {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return null
  const value: unknown = 'get' in headers && typeof headers.get === 'function'
    ? headers.get('cookie')
    : Object.entries(headers).find(([name]) => name.toLowerCase() === 'cookie')?.[1]
  return [value ?? []].flat().join('; ')
}

/** The cookies of one name in a request: none, one value, or several values, none of which is to be believed. */
export type Brought = null | string | readonly string[]

/** The cookies called `name` in a `Cookie` header, in its order. */
export function readCookie (header: string | undefined, name: string): Brought {
  if (header === undefined) return null
  let first: string | null = null
  let all: string[] | null = null
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length)) {
    const start = at + name.length
    if (header[start] !== '=' || !beginsPair(header, at)) continue
    const end = header.indexOf(';', start)
    const value = trimEnd(header.slice(start + 1, end === -1 ? header.length : end))
    if (first === null) first = value
    else (all ??= [first]).push(value)
  }
  return all ?? first
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

type CookiePolicy = Pick<SessionPolicy['cookie'], 'name' | 'domain' | 'path' | 'secure'>

/** Formats the session's `Set-Cookie`; everything that does not change from one to the next is formatted once. */
export interface CookieWriter {
  readonly name: string
  readonly secure: boolean
  /** The name says that it is of one host and path only: there is no other place for it. */
  readonly ofHost: boolean
  /** Where the cookie lies in the browser. */
  readonly scope: Scope
  /** `maxAge` in seconds; `null`: the cookie ends with the browser. */
  set (token: string, maxAge: number | null): string
  /** Removes it, with the attributes it was set with. */
  readonly clear: string
  /** Removes one that was set with another domain or path. */
  clearAt (scope: Scope): string
}

const EXPIRED = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'

/** The `Set-Cookie` that removes a cookie which is not ours. `secure`: a name with a prefix needs it. */
export function removalOf (name: string, { domain, path }: Scope, secure: boolean): string {
  return `${name}=; ${EXPIRED}${domain === null ? '' : `; Domain=${domain}`}; Path=${path}${secure ? '; Secure' : ''}; HttpOnly`
}

/** `attributes`: all but domain and path, beginning with a semicolon. */
export function createCookieWriter ({ name, domain, path, secure }: CookiePolicy, attributes: string): CookieWriter {
  const at = (domain: string | null, path: string) => `${domain === null ? '' : `; Domain=${domain}`}; Path=${path}${attributes}`
  const own = at(domain, path)
  return {
    name,
    secure,
    ofHost: name.startsWith('__Host-'),
    scope: { domain: domain === null ? null : domain.replace(/^\./, '').toLowerCase(), path },
    set (token, maxAge) {
      return maxAge === null ? `${name}=${token}${own}` : `${name}=${token}; Max-Age=${maxAge}${own}`
    },
    clear: `${name}=; ${EXPIRED}${own}`,
    clearAt: ({ domain, path }) => `${name}=; Max-Age=0${at(domain, path)}`
  }
}
