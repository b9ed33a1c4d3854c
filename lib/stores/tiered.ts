import type { SessionStore } from '../../types/index.js'
import { InvalidOption } from '../errors.js'

export interface TieredStoreOptions {
  /** The fast one: `memoryStore()` in each process, or a Redis that they share. What it loses, or fails to do, is done without it. */
  readonly cache: SessionStore
  /** The durable one. Every write goes here first, and is decided here. */
  readonly store: SessionStore
  /**
   * Seconds for which a cached record is read without asking the durable store. With a cache in each process, that is how
   * long another process may still read what was changed or ended here; it can never save it. Default 5.
   */
  readonly staleness?: number
}

/** Stands in the cache for what was just deleted, so that a reader that was slower does not put it back. */
const DELETED = 'fastify-typed-session: deleted'

/**
 * Reads from a cache, writes to a durable store. Correct under compare-and-set, because only the durable store compares: who
 * was served a stale record is told `'conflict'` or `'missing'`, and the cache forgets it. Throws `FST_TYPED_SESSION_INVALID_OPTION`.
 */
export function tieredStore ({ cache, store, staleness = 5 }: TieredStoreOptions): SessionStore {
  if (!(staleness > 0)) throw new InvalidOption('tieredStore({ staleness })', 'must be a positive number of seconds')
  const until = (expiresAt: number) => Math.min(expiresAt, Date.now() + staleness * 1000)

  /** Whatever a parallel reader has put there meanwhile is older. */
  async function put (id: string, payload: string, expiresAt: number): Promise<void> {
    while (!await cache.create(id, payload, until(expiresAt))) {
      const present = await cache.load(id)
      if (present !== null && await cache.replace(id, present, payload, until(expiresAt)) === 'replaced') return
    }
  }

  /** A cache that fails is slower, no more: what it still holds ends by itself, within `staleness`. */
  const ifItCan = async <T>(cached: Promise<T>): Promise<T | null> => await cached.catch(() => null)

  const tiered: SessionStore = {
    async create (id, payload, expiresAt, subject) {
      const created = await store.create(id, payload, expiresAt, subject)
      if (created) await ifItCan(put(id, payload, expiresAt))
      return created
    },

    async load (id) {
      const cached = await ifItCan(cache.load(id))
      if (cached !== null) return cached === DELETED ? null : cached
      const payload = await store.load(id)
      if (payload !== null) await ifItCan(cache.create(id, payload, until(Infinity)))
      return payload
    },

    async replace (id, expected, payload, expiresAt, subject) {
      const outcome = await store.replace(id, expected, payload, expiresAt, subject)
      await ifItCan(outcome === 'replaced' ? put(id, payload, expiresAt) : cache.delete(id))
      return outcome
    },

    touch: (id, expiresAt) => store.touch(id, expiresAt),

    async delete (id) {
      await store.delete(id)
      await ifItCan(put(id, DELETED, Infinity))
    },

    async sweep () {
      return (await store.sweep?.() ?? 0) + (await cache.sweep?.() ?? 0)
    },

    async close () {
      await cache.close?.()
      await store.close?.()
    }
  }
  if (store.findBySubject) tiered.findBySubject = (subject) => store.findBySubject?.(subject) ?? nothing()
  return tiered
}

async function * nothing (): AsyncGenerator<never> {}
