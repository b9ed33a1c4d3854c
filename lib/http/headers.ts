import type { FastifyReply } from 'fastify'

const EXPIRES = 'x-accel-expires'
/** Headers that a CDN or a proxy heeds instead of `Cache-Control`: RFC 9213, its forerunners, and those of vendors. */
const TARGETED = [
  'cdn-cache-control', 'surrogate-control', 'edge-control', 'cloudflare-cdn-cache-control', 'vercel-cdn-cache-control', 'netlify-cdn-cache-control',
  'fastly-cdn-cache-control', 'deno-cdn-cache-control', 'x-litespeed-cache-control', EXPIRES
] as const

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
  return isShared(reply.getHeader('cache-control')) || TARGETED.some((name) => isFresh(name, reply.getHeader(name)))
}

function isShared (control: unknown): boolean {
  return control !== undefined && /(?:^|[,\s])(?:public|s-maxage)\b/i.test(String(control))
}

function isFresh (name: string, control: unknown): boolean {
  if (control === undefined) return false
  const text = String(control)
  if (name === EXPIRES) return /^\s*(?:@|0*[1-9])/.test(text)
  return /(?:^|[,\s])(?:public|s-maxage|max-age=0*[1-9])/i.test(text) && !/\b(?:no-store|private)\b/i.test(text)
}

/** No cache may hand the response to somebody else (RFC 9111 §7.3). `true`: it was meant for shared ones. */
export function forbidCaching (reply: FastifyReply): boolean {
  let shared = isShared(reply.getHeader('cache-control'))
  reply.header('cache-control', 'no-store')
  for (const name of TARGETED) {
    const control = reply.getHeader(name)
    if (control === undefined) continue
    shared ||= isFresh(name, control)
    reply.header(name, noStore(name))
  }
  return shared
}

/** The same for a reply that Fastify may never send. */
export function forbidCachingOfRaw ({ raw }: FastifyReply): void {
  raw.setHeader('cache-control', 'no-store')
  for (const name of TARGETED) if (raw.hasHeader(name)) raw.setHeader(name, noStore(name))
}

function noStore (name: string): string {
  return name === EXPIRES ? '0' : 'no-store'
}

/** The response depends on the session, so caches must tell visitors apart (RFC 9110 §12.5.5). */
export function varyByCookie (reply: FastifyReply): void {
  reply.header('vary', withCookie(reply.getHeader('vary')))
}

/** The same for a reply that Fastify may never send. */
export function varyRawByCookie ({ raw }: FastifyReply): void {
  raw.setHeader('vary', withCookie(raw.getHeader('vary')))
}

function withCookie (vary: unknown): string {
  if (vary === undefined) return 'Cookie'
  const fields = String(vary).split(',').map((field) => field.trim()).filter((field) => field !== '')
  return fields.some((field) => field === '*' || field.toLowerCase() === 'cookie') ? fields.join(', ') : [...fields, 'Cookie'].join(', ')
}
