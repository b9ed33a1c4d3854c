/** A browser reads a backslash as a slash and drops control characters, so either could lead to another host. Half a surrogate is no text. */
const LOCAL = /^\/(?![/\\])[^\\\p{Cc}\p{Cs}]*$/u

/** Percent-encodes what no header can carry. */
export const forHeader = (address: string): string => address.replace(/[^\u0021-\u007e]/gu, encodeURIComponent)

/** Is it a path of this host, wherever a browser sends it? */
export const isLocalPath = (value: unknown): value is string => typeof value === 'string' && LOCAL.test(value)

/**
 * Where to go after a sign-in: `value`, usually `request.query.returnTo`, if it is a path of this host; else `fallback`. A
 * redirect to anything else would let a link lead your users to another site (CWE-601).
 *
 * Percent-encodes characters that no header can carry: the query of a request comes decoded.
 *
 * @param value whatever the request brought
 * @param fallback default `'/'`
 */
export function returnPath (value: unknown, fallback = '/'): string {
  return isLocalPath(value) ? forHeader(value) : fallback
}
