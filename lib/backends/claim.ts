import type { Step } from '../async/timeout.js'
import { NONE } from './not-before.js'
import type { Adoptable, Id, NotFound } from './place.js'
import type { Located, StoredRecords } from './stored-records.js'

/** The id that an old cookie leads to. `located`: `null` if nothing is there yet. */
export interface Claim { readonly id: Id, readonly located: Located | null }

/**
 * Looks under each id of an old cookie, and stops at the first that is taken: by the session that it has become, or by the mark of
 * its end. If none is, the first id is the one to take, unless `revokeAll()` has ended what had begun by then.
 */
export async function claim (records: StoredRecords, ids: readonly Buffer[], found: Adoptable | null, now: number, step?: Step): Promise<Claim | NotFound> {
  for (const raw of ids) {
    const key = records.key(raw)
    if (await records.calls.load(key, step) === null) continue
    const located = await records.locate(key, now, step)
    return 'state' in located ? located : { id: { raw, key }, located }
  }
  const raw = ids[0] as Buffer
  if (found !== null) {
    const notBefore = await records.notBefore?.current(now) ?? NONE
    // Of one without a date nobody can tell whether it is over.
    if (notBefore !== NONE && (!found.dated || found.record.times.createdAt <= notBefore)) return { state: 'none', reason: 'revoked' }
  }
  return { id: { raw, key: records.key(raw) }, located: null }
}
