import type { Exchange } from '../../http/exchange.js'
import { isCacheable } from '../../http/headers.js'
import { type OldCookie, OldCookies, readOldCookie } from '../../http/old-cookies.js'
import type { Loaded } from '../../backends/place.js'
import { accept, load, storeFailed } from '../open.js'
import type { Runtime } from '../runtime.js'
import { oldSession } from './old-session.js'

/** Looks for old cookies whose time is not over. `true`: the request may go on with the session behind one of them. */
export function seekOld (exchange: Exchange, { settings, notices }: Runtime): boolean {
  const { request: { headers, log }, route } = exchange
  const brought: OldCookie[] = []
  for (const system of settings.adopt) {
    const old = readOldCookie(headers.cookie, system)
    if (old === null) continue
    if (Date.now() < system.until) brought.push(old)
    else notices.say(log, 'adoption-over', { cookie: system.cookie.name, until: new Date(system.until).toISOString() })
  }
  if (brought.length === 0) return false
  exchange.old = new OldCookies(brought)
  return route?.begin !== false
}

/**
 * Loads the request's own session, and if it has none, the one behind its old cookies. Rejects as `load` does: a store or an
 * adopter that fails is for `onStoreError` to decide about.
 */
export async function adopt (exchange: Exchange, runtime: Runtime): Promise<void> {
  await load(exchange, runtime)
  if (!isVacant(exchange.loaded)) return
  exchange.loading = true
  try {
    await adoptFirst(exchange, runtime)
  } catch (error) {
    storeFailed(exchange, runtime, error as Error)
  } finally {
    exchange.loading = false
  }
}

/** Of several cookies of ours none is used, but one of them may be a session. Behind a store that failed there may be one. A session that is bound to another device is one. */
function isVacant (loaded: Loaded | null): boolean {
  return loaded === null || (loaded.state === 'none' && loaded.reason !== 'duplicate-cookie' && loaded.reason !== 'store-failed')
}

async function adoptFirst (exchange: Exchange, runtime: Runtime): Promise<void> {
  const old = exchange.old as OldCookies
  for (const { system, values } of old.brought) {
    const [value] = values as [string]
    if (values.length > 1) {
      exchange.request.log.debug({ session: runtime.settings.name, cookie: system.cookie.name }, 'several old cookies of one name: none was adopted')
      continue
    }
    const found = await oldSession(runtime, system, value, exchange.request, exchange)
    if (found === null) continue
    if (found.state === 'none') {
      exchange.loaded ??= found
      continue
    }
    accept(exchange, runtime, found)
    if (exchange.loaded?.state === 'found') old.adopted = { system, value }
    return
  }
}

/** Has the request adopted a session that nobody has read, and may its response say so? One for shared caches leaves that to the next. */
export function isUnread ({ old, reply }: Exchange): boolean {
  return old !== null && old.adopted !== null && !isCacheable(reply)
}
