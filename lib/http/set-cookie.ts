import type { CookieWriter } from './cookie.js'
import type { Exchange } from './exchange.js'
import { forbidCaching, forbidCachingOfRaw, isCacheable, varyByCookie, varyRawByCookie } from './headers.js'
import type { Notices } from './notices.js'
import { coversHost, coversPath, isRemoval, otherScopes, scopeOf } from './removals.js'

/** Characters of a `Set-Cookie` from which on a proxy may have no room for it. */
const LARGE = 3072
const LONGEST_HOST = 253
const NONE: readonly string[] = Object.freeze([])

/** The response leaves: caches learn that it depends on the session, and the browser which cookies of our name it is to have. */
export function sendCookies (exchange: Exchange, cookies: CookieWriter, notices: Notices): void {
  const { cookie, exposed, removesAll, reply, request } = exchange
  varyByCookie(reply)
  if (cookie === null && !removesAll && !exposed) return
  const lines = linesOf(exchange, cookies)
  if (lines.length > 0) {
    if (forbidCaching(reply)) notices.say(request.log, 'public', {})
    if (hasForeignCookie(exchange, cookies)) notices.say(request.log, 'foreign-cookie', {})
    if (cookie !== null && cookie !== cookies.clear) lookAt(cookie, exchange, cookies, notices)
  } else if (!exposed) return
  // RFC 6265bis §4.1.1: one cookie of a name. Fastify's header would hide cookies that others have put on the raw response.
  const present = reply.getHeader('set-cookie')
  if (present === undefined) {
    reply.header('set-cookie', lines.length === 1 ? lines[0] : lines)
    return
  }
  const all = withOthers([present, reply.raw.getHeader('set-cookie') ?? []], lines, cookies)
  reply.removeHeader('set-cookie')
  if (all.length > 0) reply.header('set-cookie', all.length === 1 ? all[0] : all)
}

/** For a reply that Fastify may never send: `reply.raw`, `reply.hijack()`. An earlier cookie of ours there is replaced. */
export function expose (exchange: Exchange, cookies: CookieWriter): void {
  const { cookie, reply, reply: { raw } } = exchange
  varyRawByCookie(reply)
  if (cookie === null) return
  raw.setHeader('set-cookie', withOthers([raw.getHeader('set-cookie') ?? []], linesOf(exchange, cookies), cookies))
  forbidCachingOfRaw(reply)
  exchange.exposed = true
}

/** Is there a cookie of this session on the response that we have not made? An application behind a gateway may share the session. */
export function hasForeignCookie ({ cookie, exposed, reply }: Exchange, cookies: CookieWriter): boolean {
  const present = exposed ? undefined : reply.getHeader('set-cookie')
  return present !== undefined && [present].flat().some((line) => line !== cookie && isOurs(String(line), cookies))
}

/** Removals first. Those of old cookies go along with a line of ours. */
function linesOf (exchange: Exchange, cookies: CookieWriter): readonly string[] {
  const own = ownLines(exchange, cookies)
  return exchange.old === null || own.length === 0 ? own : [...exchange.old.removals, ...own]
}

/** A removal that nobody has asked for waits for a response that it does not harm. */
function ownLines (exchange: Exchange, cookies: CookieWriter): readonly string[] {
  const { cookie, removesAll, request, reply } = exchange
  if (!removesAll) return cookie === null ? NONE : [cookie]
  if (cookie === null && (isCacheable(reply) || hasForeignCookie(exchange, cookies))) return NONE
  const scopes = cookies.ofHost ? null : otherScopes(request.hostname, request.originalUrl, cookies.scope)
  if (scopes === null) return cookie === null ? NONE : [cookie]
  return [...scopes.map((scope) => cookies.clearAt(scope)), cookie ?? cookies.clear]
}

function withOthers (present: readonly unknown[], lines: readonly string[], cookies: CookieWriter): string[] {
  const others = present.flat().map(String).filter((line) => !isOurs(line, cookies))
  return [...new Set([...others, ...lines])]
}

/** Of our name; but a handler may remove one that lies elsewhere, such as where ours lay before. */
function isOurs (line: string, { name, scope }: CookieWriter): boolean {
  if (!line.startsWith(`${name}=`)) return false
  const at = scopeOf(line)
  return !isRemoval(line) || (at.domain === scope.domain && at.path === scope.path)
}

/** Is it a host that browsers take for safe on plain http, too? With or without a port. */
export function isLocalHost (host: string): boolean {
  return /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)(?::\d+)?$/i.test(host)
}

/** Will the browser keep the cookie, and send it back? */
function lookAt (cookie: string, { request }: Exchange, { scope: { domain, path }, secure }: CookieWriter, notices: Notices): void {
  if (secure && request.protocol === 'http' && !isLocalHost(request.hostname)) notices.say(request.log, 'plain-http', {})
  if (domain !== null && !coversHost(domain, request.hostname)) notices.say(request.log, 'domain', { domain, host: request.hostname.slice(0, LONGEST_HOST) })
  if (path !== '/' && !coversPath(path, request.originalUrl)) notices.say(request.log, 'path', { path })
  if (cookie.length > LARGE) notices.say(request.log, 'size', { bytes: cookie.length })
}
