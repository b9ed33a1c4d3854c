import type { FastifyBaseLogger, FastifyReply } from 'fastify'
import type { Exchange } from './exchange.js'

/**
 * Fastify applies a web `Response`'s own status and headers after the hooks, over what they have set. Does so now, and
 * returns the body; `undefined` for every other payload.
 */
export function unpackResponse (reply: FastifyReply, payload: unknown): unknown {
  if (typeof payload !== 'object' || Object.prototype.toString.call(payload) !== '[object Response]') return
  const { status, headers, body, bodyUsed } = payload as Response
  if (bodyUsed) return
  reply.code(status)
  for (const [name, value] of headers) reply.header(name, value)
  return body
}

/** Does the response, as the handler left it, say that shared caches may keep it? One that says nothing of them is not meant for them. */
export function isCacheable (reply: FastifyReply): boolean {
  return isPublic(reply.getHeaders())
}

function isPublic (headers: Headers): boolean {
  const control = headers['cache-control']
  if (control !== undefined && /(?:^|[,\s])(?:public|s-maxage)\b/i.test(String(control))) return true
  return TARGETED.some((name) => isFresh(headers[name]))
}

type Headers = Readonly<Record<string, unknown>>

/** Headers that a CDN heeds instead of `Cache-Control`: RFC 9213, and its forerunner. */
const TARGETED = ['cdn-cache-control', 'surrogate-control'] as const
const TARGETED_BY_VENDORS = /^(?:surrogate-control|edge-control|(?:[\w-]+-)?cdn-cache-control)$/

function isFresh (control: unknown): boolean {
  return control !== undefined && /(?:^|[,\s])(?:public|s-maxage|max-age=0*[1-9])/i.test(String(control)) && !/\b(?:no-store|private)\b/i.test(String(control))
}

/** The response depends on the session, so caches must tell visitors apart (RFC 9110 §12.5.5). */
export function varyByCookie (reply: FastifyReply): void {
  reply.header('vary', withCookie(reply.getHeader('vary')))
}

function withCookie (vary: unknown): string {
  if (vary === undefined) return 'Cookie'
  const fields = String(vary).split(',').map((field) => field.trim()).filter((field) => field !== '')
  return fields.some((field) => field === '*' || field.toLowerCase() === 'cookie') ? fields.join(', ') : [...fields, 'Cookie'].join(', ')
}

/** The session's own cookie, as far as its header is concerned. */
export interface CookieHeader {
  readonly name: string
  readonly secure: boolean
  /** Says it once. */
  readonly warnOfPlainHttp: (log: FastifyBaseLogger) => void
}

/** One `Set-Cookie`, and no cache that could hand it to somebody else (RFC 9111 §7.3). */
export function sendCookie (exchange: Exchange, header: CookieHeader, cookie: string): void {
  const { reply, request } = exchange
  const headers = reply.getHeaders()
  if (isPublic(headers)) request.log.warn('cache-control of a public response is replaced by no-store, because its session changed')
  if (header.secure && request.protocol === 'http' && !isLocal(request.hostname)) header.warnOfPlainHttp(request.log)
  reply.header('cache-control', 'no-store')
  for (const name of Object.keys(headers)) if (TARGETED_BY_VENDORS.test(name)) reply.header(name, 'no-store')
  setCookie(exchange, header.name, cookie)
}

/** A cookie that `save()` has put on the response is not for the browser after all. */
export function takeCookieBack (exchange: Exchange, name: string): void {
  if (exchange.exposed) setCookie(exchange, name, null)
}

/** Is there a cookie of this session on the response that we have not made? An application behind a gateway may share the session. */
export function hasForeignCookie ({ reply, exposed }: Exchange, name: string): boolean {
  return !exposed && [reply.getHeader('set-cookie') ?? []].flat().some((cookie) => isOwn(name, cookie))
}

// RFC 6265bis §4.1.1: one cookie of a name. What others have put on the raw response would be lost under Fastify's header.
function setCookie (exchange: Exchange, name: string, cookie: string | null): void {
  const { reply, request } = exchange
  const present = reply.getHeader('set-cookie')
  const others = present === undefined ? [] : othersOf(name, [present, reply.raw.getHeader('set-cookie') ?? []].flat())
  if (present !== undefined) {
    if (hasForeignCookie(exchange, name)) request.log.warn('a cookie of this session that was on the response is replaced, because the session changed here as well')
    reply.removeHeader('set-cookie')
  }
  const all = cookie === null ? others : [...others, cookie]
  if (all.length > 0) reply.header('set-cookie', all.length === 1 ? all[0] : all)
}

// Browsers take secure cookies from http://localhost, so only another host means that something is wrong.
function isLocal (hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(hostname)
}

/** For a reply that Fastify may never send: `reply.raw`, `reply.hijack()`. What was put there before is replaced. */
export function expose (exchange: Exchange, name: string): void {
  const { cookie, reply: { raw } } = exchange
  raw.setHeader('vary', withCookie(raw.getHeader('vary')))
  if (cookie === null) return
  raw.setHeader('set-cookie', [...othersOf(name, [raw.getHeader('set-cookie') ?? []].flat()), cookie])
  const targeted = raw.getHeaderNames().filter((field) => TARGETED_BY_VENDORS.test(field))
  for (const field of ['cache-control', ...targeted]) raw.setHeader(field, 'no-store')
  exchange.exposed = true
}

function othersOf (name: string, cookies: readonly unknown[]): string[] {
  return [...new Set(cookies.map(String))].filter((cookie) => !isOwn(name, cookie))
}

const isOwn = (name: string, cookie: unknown) => String(cookie).startsWith(`${name}=`)
