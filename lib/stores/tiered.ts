import type { AsyncStore, Awaitable, SessionStore } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { assertStores, closeBoth } from './parts.js'

export interface TieredStoreOptions {
  /** The fast one: `memoryStore()` in each process, or a Redis that they share. What it loses, or fails to do, is done without it. */
  readonly cache: SessionStore
  /** The durable one. Every write goes here first, and is decided here. */
  readonly store: SessionStore
  /**
   * Seconds for which a cached record is read without asking the durable store. With a cache in each process, that is how
   * long another process may still read what was changed, ended or over here; it can never save it. Default 5.
   */
  readonly staleness?: number | undefined
  /** Seconds that the cache may take for one call before it is done without. Default 0.1. */
  readonly cacheTimeout?: number | undefined
}

/** Stands in the cache where only the durable store can tell. As long as it does, a slower reader puts nothing old there. */
const ASK = 'fastify-typed-session: ask the store'
/** Each lost one is somebody else's success. The bound is for a cache that lies. */
const MAX_RACES = 100

/**
 * Reads from a cache, writes to a durable store. Correct under compare-and-set, because only the durable store compares: who
 * was served a stale record is told `'conflict'` or `'missing'`, and reads the durable one next. A cache that fails, hangs
 * or is emptied costs time and nothing else. Throws `FST_TYPED_SESSION_INVALID_OPTION`.
 */
export function tieredStore ({ cache, store, staleness = 5, cacheTimeout = 0.1 }: TieredStoreOptions): AsyncStore {
  assertStores('tieredStore', { cache, store })
  assertSeconds('staleness', staleness)
  assertSeconds('cacheTimeout', cacheTimeout)
  /** Counted from before the record was read or written, so that no call that hangs keeps it for longer. */
  const until = (expiresAt = Infinity) => Math.min(expiresAt, Date.now() + staleness * 1000)
  const inTime = <T>(task: () => Awaitable<T>) => attempt(task, cacheTimeout * 1000)

  /** What is there, if anything, may be older or newer than what the caller knows. */
  async function forget (id: string): Promise<void> {
    const deadline = until()
    await inTime(async () => {
      for (let races = 0; races < MAX_RACES; races++) {
        if (await cache.create(id, ASK, deadline)) return
        const present = await cache.load(id)
        if (present !== null && await cache.replace(id, present, ASK, deadline) === 'replaced') return
      }
    })
  }

  /** Only what was replaced in the store is replaced in the cache: anything else there may be the work of a faster writer. */
  async function renew (id: string, expected: string, payload: string, deadline: number): Promise<void> {
    const outcome = await inTime(() => cache.replace(id, expected, payload, deadline))
    const renewed = outcome === 'replaced' || (outcome === 'missing' && await inTime(() => cache.create(id, payload, deadline)) === true)
    if (!renewed) await forget(id)
  }

  return {
    ...(store.capabilities && { capabilities: store.capabilities }),
    close: () => closeBoth(store, cache),
    ...((store.sweep ?? cache.sweep) && { sweep: () => sweep(store, cache) }),
    ...(store.findBySubject && { findBySubject: store.findBySubject.bind(store) }),

    async create (id, payload, expiresAt, subject) {
      const deadline = until(expiresAt)
      const created = await store.create(id, payload, expiresAt, subject)
      if (created) await inTime(() => cache.create(id, payload, deadline))
      return created
    },

    async load (id) {
      const cached = await inTime(() => cache.load(id))
      if (typeof cached === 'string' && cached !== ASK) return cached
      const deadline = until()
      const payload = await store.load(id)
      if (payload !== null && cached === null) await inTime(() => cache.create(id, payload, deadline))
      return payload
    },

    async replace (id, expected, payload, expiresAt, subject) {
      const deadline = until(expiresAt)
      const outcome = await store.replace(id, expected, payload, expiresAt, subject)
      await (outcome === 'replaced' ? renew(id, expected, payload, deadline) : forget(id))
      return outcome
    },

    async touch (id, expiresAt) {
      const touched = await store.touch(id, expiresAt)
      // A later deadline must not let the cache keep for longer what may be stale.
      if (!touched || expiresAt < until()) await forget(id)
      return touched
    },

    async delete (id) {
      await store.delete(id)
      await forget(id)
    }
  }
}

/** What the cache forgets is nobody's session, and what it fails to forget is over all the same. */
async function sweep (store: SessionStore, cache: SessionStore): Promise<number> {
  const [removed] = await Promise.all([store.sweep?.() ?? 0, cache.sweep?.().catch(() => {})])
  return removed
}

/** `undefined`: it failed, or took too long. */
async function attempt<T> (task: () => Awaitable<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, milliseconds, undefined) })
  const answer = (async () => await task())().catch(() => undefined)
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

function assertSeconds (name: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new InvalidOption(`tieredStore({ ${name} })`, 'must be a positive number of seconds')
}
