import type { FastifyReply } from 'fastify'
import type { Visit } from './visit.js'

/** May shared caches keep the response as the handler left it? */
export function isCacheable (reply: FastifyReply): boolean {
  const control = reply.getHeader('cache-control')
  return control !== undefined && /(?:^|[,\s])(?:public|s-maxage)\b/i.test(String(control))
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
  if (isCacheable(reply)) request.log.warn('cache-control of a public response is replaced by no-store, because its session changed')
  if (visit.runtime.settings.cookie.policy.secure && request.protocol === 'http') warnOfPlainHttp(visit)
  takeBack(visit)
  reply.header('cache-control', 'no-store')
  reply.header('set-cookie', cookie)
}

// Browsers take secure cookies from http://localhost, so only another host means that something is wrong.
function warnOfPlainHttp ({ runtime, request }: Visit): void {
  if (runtime.warnedOfPlainHttp || /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(request.hostname)) return
  runtime.warnedOfPlainHttp = true
  request.log.warn('browsers drop the secure session cookie of a plain-http response: serve over https, and behind a proxy set Fastify\'s trustProxy')
}

/** For a reply that Fastify may never send: `reply.raw`, `reply.hijack()`. What was put there before is replaced. */
export function exposeCookie (visit: Visit, cookie: string): void {
  const { raw } = visit.reply
  takeBack(visit)
  raw.setHeader('set-cookie', [...rawCookies(visit), cookie])
  raw.setHeader('cache-control', 'no-store')
  raw.setHeader('vary', withCookie(raw.getHeader('vary')))
  visit.exposed = cookie
}

function takeBack (visit: Visit): void {
  if (visit.exposed === null) return
  const rest = rawCookies(visit).filter((cookie) => cookie !== visit.exposed)
  visit.exposed = null
  if (rest.length > 0) visit.reply.raw.setHeader('set-cookie', rest)
  else visit.reply.raw.removeHeader('set-cookie')
}

function rawCookies ({ reply }: Visit): string[] {
  const present = reply.raw.getHeader('set-cookie')
  return present === undefined ? [] : [present].flat().map(String)
}
