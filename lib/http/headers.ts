import type { FastifyReply } from 'fastify'
import type { Runtime } from '../request/runtime.js'
import type { Visit } from '../request/visit.js'

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

/** Does the response, as the handler left it, say that shared caches may keep it? What says nothing of them is not meant for them. */
export function isCacheable (reply: FastifyReply): boolean {
  return isPublic(reply.getHeaders())
}

function isPublic (headers: Headers): boolean {
  const control = headers['cache-control']
  if (control !== undefined && /(?:^|[,\s])(?:public|s-maxage)\b/i.test(String(control))) return true
  return TARGETED.some((name) => isFresh(headers[name]))
}

type Headers = Readonly<Record<string, unknown>>

/** What a CDN heeds instead of `Cache-Control`: RFC 9213, and what came before it. */
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
  const fields = vary === undefined ? [] : String(vary).split(',').map((field) => field.trim()).filter((field) => field !== '')
  return fields.some((field) => field === '*' || field.toLowerCase() === 'cookie') ? fields.join(', ') : [...fields, 'Cookie'].join(', ')
}

/** One `Set-Cookie`, and no cache that could hand it to somebody else (RFC 9111 §7.3). */
export function sendCookie (visit: Visit, cookie: string): void {
  const { reply, request } = visit
  const headers = reply.getHeaders()
  if (isPublic(headers)) request.log.warn('cache-control of a public response is replaced by no-store, because its session changed')
  if (!visit.runtime.warnedOfPlainHttp && visit.runtime.settings.cookie.policy.secure && request.protocol === 'http') warnOfPlainHttp(visit)
  reply.header('cache-control', 'no-store')
  for (const name of Object.keys(headers)) if (TARGETED_BY_VENDORS.test(name)) reply.header(name, 'no-store')
  setCookie(visit, cookie)
}

/** A cookie that `save()` has put on the response is not for the browser after all. */
export function takeCookieBack (visit: Visit): void {
  if (visit.exposed) setCookie(visit, null)
}

/** A cookie of this session on the response that we have not made: of the application behind a gateway, which shares the session. */
export function hasForeignCookie (visit: Visit): boolean {
  const { reply, runtime, exposed } = visit
  return !exposed && [reply.getHeader('set-cookie') ?? []].flat().some((cookie) => isOwn(runtime, cookie))
}

// RFC 6265bis §4.1.1: one cookie of a name. What others have put on the raw response would be lost under Fastify's header.
function setCookie (visit: Visit, cookie: string | null): void {
  const { reply, request } = visit
  const present = reply.getHeader('set-cookie')
  const others = present === undefined ? [] : othersOf(visit, [present, reply.raw.getHeader('set-cookie') ?? []].flat())
  if (present !== undefined) {
    if (hasForeignCookie(visit)) request.log.warn('a cookie of this session that was on the response is replaced, because the session changed here as well')
    reply.removeHeader('set-cookie')
  }
  const all = cookie === null ? others : [...others, cookie]
  if (all.length > 0) reply.header('set-cookie', all.length === 1 ? all[0] : all)
}

// Browsers take secure cookies from http://localhost, so only another host means that something is wrong.
function warnOfPlainHttp ({ runtime, request }: Visit): void {
  if (/^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(request.hostname)) return
  runtime.warnedOfPlainHttp = true
  request.log.warn('browsers drop the secure session cookie of a plain-http response: serve over https, and behind a proxy set Fastify\'s trustProxy')
}

/** For a reply that Fastify may never send: `reply.raw`, `reply.hijack()`. What was put there before is replaced. */
export function expose (visit: Visit): void {
  const { cookie, reply: { raw } } = visit
  raw.setHeader('vary', withCookie(raw.getHeader('vary')))
  if (cookie === null) return
  raw.setHeader('set-cookie', [...othersOf(visit, [raw.getHeader('set-cookie') ?? []].flat()), cookie])
  const targeted = raw.getHeaderNames().filter((name) => TARGETED_BY_VENDORS.test(name))
  for (const name of ['cache-control', ...targeted]) raw.setHeader(name, 'no-store')
  visit.exposed = true
}

function othersOf ({ runtime }: Visit, cookies: readonly unknown[]): string[] {
  return [...new Set(cookies.map(String))].filter((cookie) => !isOwn(runtime, cookie))
}

const isOwn = ({ settings }: Runtime, cookie: unknown) => String(cookie).startsWith(`${settings.cookie.name}=`)
