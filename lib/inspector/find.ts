import { readCookie } from '../http/cookie.js'
import { type Peeked, peek } from '../plugin/open-cookie.js'
import type { Runtime } from '../request/runtime.js'

/** The session of a `Cookie` header, or why it has none. It is not used by that: nothing is touched, kept or told. Never rejects. */
export async function find (runtime: Runtime, cookies: string | undefined): Promise<Peeked> {
  try {
    return await peek(runtime, readCookie(cookies, runtime.settings.cookie.name), cookies)
  } catch {
    return { reason: 'store-failed' }
  }
}
