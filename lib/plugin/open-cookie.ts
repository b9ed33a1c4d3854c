import type { CookieSource, OpenedSession } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { type Brought, cookieHeader, readCookie } from '../http/cookie.js'
import { deadline } from '../record/timeouts.js'
import { isUnbound, type Runtime } from '../request/runtime.js'
import type { Data } from '../session/merge.js'
import { publicHandle } from '../tokens/public-id.js'
import { createReader, type Reader } from './setup.js'

/**
 * Opens sessions without an application. All that this takes is made at the first call, and made again if that failed. Rejects
 * where the options are wrong or the store fails.
 */
export function openerOf (options: object): (source: CookieSource | string | null | undefined) => Promise<OpenedSession<Data> | null> {
  let reader: Promise<Reader> | null = null
  const makeReader = async () => {
    try {
      return await createReader(options)
    } catch (error) {
      reader = null
      throw error
    }
  }
  return async (source) => {
    const cookies = cookiesOf(source)
    const made = await (reader ??= makeReader())
    return await openCookie(made, readCookie(cookies, made.settings.cookie.name), cookies)
  }
}

/** The session under a cookie, as a copy. `null`: there is none that is good. `cookies`: the `Cookie` header. Rejects with `StoreFailed`. */
export async function openCookie (runtime: Pick<Runtime, keyof Reader>, found: Brought, cookies: string | undefined): Promise<OpenedSession<Data> | null> {
  const { backend, codec, opener, settings } = runtime
  const loaded = typeof found === 'string' ? await backend.load(found, Date.now()) : null
  if (loaded?.state !== 'found' || isUnbound(runtime, loaded.place, cookies)) return null
  const { place } = loaded
  const opened = opener.open(place.record)
  if (!opened.ok) return null
  const { times } = place.record
  return {
    id: publicHandle(place.key),
    data: codec.copy(opened.data),
    createdAt: new Date(times.createdAt),
    expiresAt: new Date(deadline(times, place.usedAt, settings)),
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
