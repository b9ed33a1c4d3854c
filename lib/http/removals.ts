/** Where a browser keeps a cookie, beside its name. */
export interface Scope {
  /** In lower case, without a leading dot; `null`: of one host only. */
  readonly domain: string | null
  readonly path: string
}

/** A response with more `Set-Cookie` lines than this is too much for many a proxy. */
export const MOST_REMOVALS = 16
/** RFC 6265bis §5.6: browsers ignore a longer attribute. */
const LONGEST = 1024
const LONGEST_HOST = 253
const DOMAIN = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.(?!\d+$)[a-z0-9-]+$/
// As much of a path as an attribute can say: no query, no fragment, no semicolon, no space.
const PATH = /^\/[!"$-:<->@-~]*/

/**
 * The places, except `own`, where a cookie that came with a request for `url` at `host` can lie (RFC 6265 §5.1.3, §5.1.4). That is
 * host-only or in a parent domain of two labels or more, on a prefix of the path or on `own.path`. `null`: with `own` more than 16.
 */
export function otherScopes (host: string, url: string, own: Scope): Scope[] | null {
  const domains = domainsOf(host.toLowerCase())
  const path = PATH.exec(url)?.[0] ?? '/'
  const segments = path.split('/').slice(1, -1)
  if (path.length > LONGEST || segments.length > MOST_REMOVALS) return null
  const folders = segments.map((_, at) => `/${segments.slice(0, at + 1).join('/')}`)
  // /app and /app/ are two. The second is rare: left out where both do not fit.
  for (const rare of [folders.map((folder) => `${folder}/`), []]) {
    const paths = [...new Set(['/', ...folders, ...rare, path, own.path])]
    const others = domains.flatMap((domain) => paths.map((path) => ({ domain, path })))
      .filter(({ domain, path }) => domain !== own.domain || path !== own.path)
    if (others.length < MOST_REMOVALS) return others
  }
  return null
}

function domainsOf (host: string): (string | null)[] {
  if (host.length > LONGEST_HOST || !DOMAIN.test(host)) return [null]
  const labels = host.split('.')
  return [null, ...labels.slice(1).map((_, at) => labels.slice(at).join('.'))]
}

/** Is a cookie of this domain accepted from, and sent to, this host? (RFC 6265 §5.1.3) */
export function coversHost (domain: string, host: string): boolean {
  const name = host.toLowerCase()
  return name === domain || (name.endsWith(`.${domain}`) && DOMAIN.test(name))
}

/** Is a cookie of this path sent to this address? (RFC 6265 §5.1.4) */
export function coversPath (path: string, url: string): boolean {
  if (!url.startsWith(path)) return false
  const next = url[path.length]
  return path.endsWith('/') || next === undefined || next === '/' || next === '?'
}

/** Where a `Set-Cookie` line puts its cookie. */
export function scopeOf (line: string): Scope {
  const domain = /;\s*domain\s*=\s*\.?([^;\s]+)/i.exec(line)?.[1] ?? null
  return { domain: domain === null ? null : domain.toLowerCase(), path: /;\s*path\s*=\s*([^;]*)/i.exec(line)?.[1]?.trim() ?? '' }
}

/** Does a `Set-Cookie` line take a cookie away? `Max-Age` goes before `Expires`. */
export function isRemoval (line: string): boolean {
  const age = /;\s*max-age\s*=\s*(-?\d+)/i.exec(line)?.[1]
  if (age !== undefined) return Number(age) <= 0
  const expires = /;\s*expires\s*=\s*([^;]+)/i.exec(line)?.[1]
  return expires !== undefined && Date.parse(expires) <= Date.now()
}
