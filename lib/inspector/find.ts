import type { RejectReason } from '../../types/index.js'
import type { Place } from '../backends/place.js'
import { readCookie } from '../http/cookie.js'
import { isUnbound, type Runtime } from '../request/runtime.js'
import type { Data } from '../session/merge.js'

/** The session of a browser. */
export interface Found { readonly place: Place, readonly data: Data }
/** The same, or why it has none. */
export type Looked = Found | { readonly reason: RejectReason | 'no-cookie' }

/** The session of a `Cookie` header, which is not used by that: nothing is touched, kept or told. Never rejects. */
export async function find (runtime: Runtime, cookies: string | undefined): Promise<Looked> {
  const { backend, opener, settings: { cookie } } = runtime
  const brought = readCookie(cookies, cookie.name)
  if (brought === null) return { reason: 'no-cookie' }
  if (typeof brought !== 'string') return { reason: 'duplicate-cookie' }
  try {
    const loaded = await backend.load(brought, Date.now())
    if (loaded.state !== 'found') return { reason: loaded.state === 'moved' ? 'moved' : loaded.reason }
    if (isUnbound(runtime, loaded.place, cookies)) return { reason: 'unbound' }
    const opened = opener.open(loaded.place.record)
    return opened.ok ? { place: loaded.place, data: opened.data } : { reason: 'invalid' }
  } catch {
    return { reason: 'store-failed' }
  }
}
