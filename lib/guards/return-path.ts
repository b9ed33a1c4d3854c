/** A browser reads a backslash as a slash and drops control characters, so either could lead to another host. */
// eslint-disable-next-line no-control-regex
const LOCAL = /^\/(?![/\\])[^\\\u0000-\u001f\u007f]*$/

/** Is it a path of this host, wherever a browser sends it? */
export const isLocalPath = (value: unknown): value is string => typeof value === 'string' && LOCAL.test(value)

/**
 * Where to go after a sign-in: `value`, usually `request.query.returnTo`, if it is a path of this host; else `fallback`. A
 * redirect to anything else would let a link lead your users to another site (CWE-601).
 *
 * @param value whatever the request brought
 * @param fallback default `'/'`
 */
export function returnPath (value: unknown, fallback = '/'): string {
  return isLocalPath(value) ? value : fallback
}
