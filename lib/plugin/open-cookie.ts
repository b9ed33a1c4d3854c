import type { CookieSource, OpenedSession, RejectReason } from '../../types/index.js'
import type { Place } from '../backends/place.js'
import { InvalidOption } from '../errors.js'
import { type Brought, cookieHeader, readCookie } from '../http/cookie.js'
import { deadline } from '../record/timeouts.js'
import { isUnbound } from '../request/runtime.js'
import type { Data } from '../session/merge.js'
import { publicHandle } from '../tokens/public-id.js'
import { createReader, type Reader } from './setup.js'

/**
 * Opens sessions without an application. All that this takes is made at the first call, and made again if that failed. Rejects
 * where the options are wrong or the store fails.
 */
export function openerOf (options: object): (source: CookieSource | string | null | undefined) => Promise<OpenedSession<Data> | null> {
  let reader: Promise<Reader> | null = null
  const makeReader = async () => await createReader(options).catch((error: unknown) => {
    reader = null
    throw error
  })
  return async (source) => {
    const cookies = cookiesOf(source)
    const made = await (reader ??= makeReader())
    return await openCookie(made, readCookie(cookies, made.settings.cookie.name), cookies)
  }
}

/** A session that was only looked at. */
export interface Found { readonly place: Place, readonly data: Data }
/** The same, or why there is none that is good. */
export type Peeked = Found | { readonly reason: RejectReason | 'no-cookie' }

/** Looks at the session under a cookie, which is no use of it. `cookies`: the `Cookie` header. Rejects with `StoreFailed`. */
export async function peek (reader: Reader, brought: Brought, cookies: string | undefined): Promise<Peeked> {
  if (brought === null) return { reason: 'no-cookie' }
  if (typeof brought !== 'string') return { reason: 'duplicate-cookie' }
  const loaded = await reader.backend.load(brought, Date.now())
  if (loaded.state !== 'found') return { reason: loaded.state === 'none' ? loaded.reason : loaded.state }
  const { place } = loaded
  if (isUnbound(reader, place, cookies)) return { reason: 'unbound' }
  const opened = reader.opener.open(place.record)
  return opened.ok ? { place, data: opened.data } : { reason: 'invalid' }
}

/** The session under a cookie, as a copy. `null`: there is none that is good. `cookies`: the `Cookie` header. Rejects with `StoreFailed`. */
export async function openCookie (reader: Reader, brought: Brought, cookies: string | undefined): Promise<OpenedSession<Data> | null> {
  const peeked = await peek(reader, brought, cookies)
  if ('reason' in peeked) return null
  const { place: { key, usedAt, record: { times } }, data } = peeked
  return {
    id: publicHandle(key),
    data: reader.codec.copy(data),
    createdAt: new Date(times.createdAt),
    expiresAt: new Date(deadline(times, usedAt, reader.settings)),
    authenticatedAt: times.authenticatedAt === 0 ? null : new Date(times.authenticatedAt)
  }
}

/** The `Cookie` header of what `open()` was given. Throws `InvalidOption` for what holds no headers. */
export function cookiesOf (source: CookieSource | string | null | undefined): string | undefined {
  if (source === undefined || source === null) return undefined
  if (typeof source === 'string') return source
  const header = cookieHeader(source.headers)
  if (header === null) throw new InvalidOption('open(source)', 'must be a request, or the text of its Cookie header, or undefined if it has none')
  return header
}
