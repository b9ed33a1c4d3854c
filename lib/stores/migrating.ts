import type { SessionStore, StoredRecord } from '../../types/index.js'

export interface MigratingStoreOptions {
  /** Where sessions are now. Only read and emptied. */
  readonly from: SessionStore
  /** Where they are going to be. */
  readonly to: SessionStore
}

/** Kept in `to` for a while under an id that was deleted, so that a request that is still copying it does not bring it back. */
const DELETED = '{"ended":true}'
const DELETED_LIFE = 60_000

/**
 * Moves live sessions from one store to another without logging anyone out: reads both, writes the new one, a session moves
 * when it is next written. Drop it when the longest timeout has passed. A rolling deployment may only start once every
 * process uses it. Finds by subject if both stores do.
 */
export function migratingStore ({ from, to }: MigratingStoreOptions): SessionStore {
  /** The payload, wherever it is. What was deleted in `to` is not looked up in `from`. */
  async function load (id: string): Promise<string | null> {
    const moved = await to.load(id)
    if (moved !== null) return moved === DELETED ? null : moved
    return from.load(id)
  }

  /** Makes sure that a session that `from` still has is in `to`. */
  async function move (id: string, expiresAt: number): Promise<boolean> {
    const payload = await from.load(id)
    if (payload === null) return false
    await to.create(id, payload, expiresAt)
    await from.delete(id)
    return true
  }

  const store: SessionStore = {
    load,

    async create (id, payload, expiresAt, subject) {
      if (await load(id) !== null) return false
      return await to.create(id, payload, expiresAt, subject) || await to.replace(id, DELETED, payload, expiresAt, subject) === 'replaced'
    },

    async replace (id, expected, payload, expiresAt, subject) {
      const outcome = await to.replace(id, expected, payload, expiresAt, subject)
      if (outcome === 'missing') return await move(id, expiresAt) ? to.replace(id, expected, payload, expiresAt, subject) : 'missing'
      return outcome === 'conflict' && await to.load(id) === DELETED ? 'missing' : outcome
    },

    async touch (id, expiresAt) {
      if (await load(id) === null) return false
      return await to.touch(id, expiresAt) || await move(id, expiresAt)
    },

    async delete (id) {
      const until = Date.now() + DELETED_LIFE
      while (!await to.create(id, DELETED, until)) {
        const payload = await to.load(id)
        if (payload !== null && await to.replace(id, payload, DELETED, until) === 'replaced') break
      }
      await from.delete(id)
    },

    async sweep () {
      return (await from.sweep?.() ?? 0) + (await to.sweep?.() ?? 0)
    },

    async close () {
      await from.close?.()
      await to.close?.()
    }
  }
  if (from.findBySubject && to.findBySubject) store.findBySubject = (subject) => findInBoth(from, to, subject)
  return store
}

async function * findInBoth (from: SessionStore, to: SessionStore, subject: string): AsyncGenerator<StoredRecord> {
  const seen = new Set<string>()
  for await (const record of to.findBySubject?.(subject) ?? []) {
    seen.add(record.id)
    yield record
  }
  for await (const record of from.findBySubject?.(subject) ?? []) {
    if (!seen.has(record.id) && await to.load(record.id) === null) yield record
  }
}
