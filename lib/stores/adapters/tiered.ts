import { LRUCache } from 'lru-cache'
import type { AsyncStore, Awaitable, SessionStore } from '../../../types/index.js'
import { InvalidOption } from '../../errors.js'
import { assertOptions, isSeconds } from '../internal/options.js'
import { assertStores, closeBoth } from '../internal/parts.js'

export interface TieredStoreOptions {
  /** The fast one: `memoryStore()` in each process, or a Redis that they share. If it loses a session or fails, the store does without it. */
  readonly cache: SessionStore
  /** The durable one. Every write goes here first, and is decided here. */
  readonly store: SessionStore
  /**
   * Seconds for which a cached record is read without asking the durable store. With a cache in each process, that is how
   * long another process may still read what was changed, ended or over here; it can never save it. The same holds for a
   * Redis that they share, where that could not be told of a change. One whose clock is behind keeps copies longer by as
   * much. Default 5.
   */
  readonly staleness?: number | undefined
  /** Seconds that the cache may take to read or to write before it is done without. Default 0.1. */
  readonly cacheTimeout?: number | undefined
}

/** Stands in the cache where only the durable store can tell. As long as it does, a slower reader puts nothing old there. */
const ASK = 'fastify-typed-session: ask the store'
/** Each lost one is somebody else's success. The bound is for a cache that lies. */
const MAX_RACES = 100
/** How many sessions may be in doubt before all are. */
const MAX_DOUBTS = 1000

/**
 * Reads from a cache, writes to a durable store. Correct under compare-and-set, because only the durable store compares. A save
 * on a stale record gets `'conflict'` or `'missing'`, and the durable one is read next. To this process a cache that
 * fails, hangs or is emptied costs time and nothing else. Throws `FST_TYPED_SESSION_INVALID_OPTION`.
 */
export function tieredStore (options: TieredStoreOptions): AsyncStore {
  assertOptions('tieredStore', options, ['cache', 'store', 'staleness', 'cacheTimeout'])
  const { cache, store, staleness = 5, cacheTimeout = 0.1 } = options
  assertStores('tieredStore', { cache, store })
  if (cache === store) throw new InvalidOption('tieredStore({ cache })', 'must be another store than `store`')
  assertSeconds('staleness', staleness)
  assertSeconds('cacheTimeout', cacheTimeout)
  /** Counted from before the record was read or written, so that no call that hangs keeps it for longer. */
  const until = (expiresAt = Infinity) => Math.min(expiresAt, Date.now() + staleness * 1000)
  const inTime = <T>(task: () => Awaitable<T>) => attempt(task, cacheTimeout * 1000)
  const doubts = new Doubts()

  /** `false`: the cache says that the id is taken, and that nothing is there. */
  async function mark (copy: string): Promise<boolean> {
    const deadline = until()
    for (let races = 0; races < MAX_RACES; races++) {
      if (await cache.create(copy, ASK, deadline) === true) return true
      const present = await cache.load(copy)
      if (present !== null && await cache.replace(copy, present, ASK, deadline) === 'replaced') return true
    }
    return false
  }

  /** Where the cache cannot be put right, it is not asked until it has nothing left of this time. */
  async function correct (id: string, write: (copy: string) => Promise<boolean>): Promise<void> {
    const deadline = until()
    const copy = copyOf(id)
    const corrected = await inTime(async () => {
      try {
        return await write(copy)
      } catch {
        // For other processes: a Redis without memory still deletes.
        await cache.delete(copy)
      }
    })
    if (corrected !== true) doubts.add(id, deadline)
  }

  /** A copy in the cache, if there is one, may be older or newer than the caller knows. */
  const forget = async (id: string) => await correct(id, mark)

  /** Only what was replaced in the store is replaced in the cache: anything else there may be the work of a faster writer. */
  const renew = async (id: string, expected: string, payload: string, deadline: number) => await correct(id, async (copy) => {
    const outcome = await cache.replace(copy, expected, payload, deadline)
    const renewed = outcome === 'replaced' || (outcome === 'missing' && await cache.create(copy, payload, deadline) === true)
    return renewed || await mark(copy)
  })

  return {
    name: 'tieredStore',
    atomic: store.atomic ?? true,
    close: () => closeBoth(store, cache),
    ...((store.sweep ?? cache.sweep) && { sweep: () => sweep(store, cache) }),
    ...(store.findBySubject && { findBySubject: store.findBySubject.bind(store) }),

    async create (id, payload, expiresAt, subject) {
      const deadline = until(expiresAt)
      const created = await store.create(id, payload, expiresAt, subject)
      if (created) await inTime(() => cache.create(copyOf(id), payload, deadline))
      return created
    },

    async load (id) {
      const copy = copyOf(id)
      const cached = doubts.has(id) ? undefined : await inTime(() => cache.load(copy))
      if (typeof cached === 'string' && cached !== ASK) return cached
      const deadline = until()
      const payload = await store.load(id)
      if (payload !== null && cached === null) await inTime(() => cache.create(copy, payload, deadline))
      return payload
    },

    async replace (id, expected, payload, expiresAt, subject) {
      const deadline = until(expiresAt)
      const outcome = await store.replace(id, expected, payload, expiresAt, subject)
      // A copy that has expired would be none, and leave room for an older one.
      await (outcome === 'replaced' && deadline > Date.now() ? renew(id, expected, payload, deadline) : forget(id))
      return outcome
    },

    async touch (id, expiresAt) {
      const touched = await store.touch(id, expiresAt)
      // A later deadline must not let the cache keep a stale copy for longer.
      if (!touched || expiresAt < until()) await forget(id)
      return touched
    },

    async delete (id) {
      await store.delete(id)
      await forget(id)
    }
  }
}

/** No session's own id: a cache that was put where the sessions are cannot write over them. */
const copyOf = (id: string) => `cache:${id}`

/** Sessions of which the cache may have an old copy, each until that has expired. */
class Doubts {
  /** Until when all are in doubt, because there were too many. */
  #all = 0
  readonly #ids = new LRUCache<string, number>({
    max: MAX_DOUBTS,
    dispose: (until, _id, reason) => { if (reason === 'evict') this.#all = Math.max(this.#all, until) }
  })

  add (id: string, until: number): void {
    this.#ids.set(id, until)
  }

  has (id: string): boolean {
    return Date.now() < Math.max(this.#all, this.#ids.peek(id) ?? 0)
  }
}

/** Only expired copies leave the cache. If it fails to forget one, that session is over all the same. */
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
  if (!isSeconds(value) || value === 0) throw new InvalidOption(`tieredStore({ ${name} })`, 'must be a positive number of seconds')
}
