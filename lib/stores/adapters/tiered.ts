import { LRUCache } from 'lru-cache'
import type { AsyncStore, Awaitable, ReplaceOutcome, SessionStore, StoredRecord } from '../../../types/index.js'
import { InvalidOption } from '../../errors.js'
import { assertOptions, assertPositiveSeconds } from '../internal/options.js'
import { assertStores, closeBoth, overwrite } from '../internal/parts.js'
import { within } from '../internal/timeout.js'

/** Options of `tieredStore`. */
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
  assertPositiveSeconds('tieredStore({ staleness })', staleness)
  assertPositiveSeconds('tieredStore({ cacheTimeout })', cacheTimeout)
  return new TieredStore(cache, store, staleness * 1000, cacheTimeout * 1000)
}

class TieredStore implements AsyncStore {
  readonly name = 'tieredStore'
  readonly atomic: boolean
  findBySubject? (subject: string): AsyncIterable<StoredRecord>
  sweep? (): Promise<number>
  readonly #cache: SessionStore
  readonly #store: SessionStore
  readonly #staleness: number
  readonly #cacheTimeout: number
  readonly #doubts = new Doubts()

  /** `staleness`, `cacheTimeout`: milliseconds. */
  constructor (cache: SessionStore, store: SessionStore, staleness: number, cacheTimeout: number) {
    this.atomic = store.atomic ?? true
    this.#cache = cache
    this.#store = store
    this.#staleness = staleness
    this.#cacheTimeout = cacheTimeout
    if (store.findBySubject) this.findBySubject = store.findBySubject.bind(store)
    if (store.sweep ?? cache.sweep) this.sweep = () => sweep(store, cache)
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    const deadline = this.#until(expiresAt)
    const created = await this.#store.create(id, payload, expiresAt, subject)
    if (created) await this.#inTime(() => this.#cache.create(copyOf(id), payload, deadline))
    return created
  }

  async load (id: string): Promise<string | null> {
    const copy = copyOf(id)
    const cached = this.#doubts.has(id) ? undefined : await this.#inTime(() => this.#cache.load(copy))
    if (typeof cached === 'string' && cached !== ASK) return cached
    const deadline = this.#until()
    const payload = await this.#store.load(id)
    if (payload !== null && cached === null) await this.#inTime(() => this.#cache.create(copy, payload, deadline))
    return payload
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    const deadline = this.#until(expiresAt)
    const outcome = await this.#store.replace(id, expected, payload, expiresAt, subject)
    // A copy that has expired would be none, and leave room for an older one.
    await (outcome === 'replaced' && deadline > Date.now() ? this.#renew(id, expected, payload, deadline) : this.#forget(id))
    return outcome
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    const touched = await this.#store.touch(id, expiresAt)
    // A later deadline must not let the cache keep a stale copy for longer.
    if (!touched || expiresAt < this.#until()) await this.#forget(id)
    return touched
  }

  async delete (id: string): Promise<void> {
    await this.#store.delete(id)
    await this.#forget(id)
  }

  close (): Promise<void> {
    return closeBoth(this.#store, this.#cache)
  }

  /** Only what was replaced in the store is replaced in the cache: anything else there may be the work of a faster writer. */
  #renew (id: string, expected: string, payload: string, deadline: number): Promise<void> {
    return this.#correct(id, async (copy) => {
      const outcome = await this.#cache.replace(copy, expected, payload, deadline)
      const renewed = outcome === 'replaced' || (outcome === 'missing' && await this.#cache.create(copy, payload, deadline) === true)
      return renewed || await this.#mark(copy)
    })
  }

  /** A copy in the cache, if there is one, may be older or newer than the caller knows. */
  #forget (id: string): Promise<void> {
    return this.#correct(id, (copy) => this.#mark(copy))
  }

  #mark (copy: string): Promise<boolean> {
    return overwrite(this.#cache, copy, ASK, this.#until())
  }

  /** Where the cache cannot be put right, it is not asked until it has nothing left of this time. */
  async #correct (id: string, write: (copy: string) => Promise<boolean>): Promise<void> {
    const deadline = this.#until()
    const copy = copyOf(id)
    const corrected = await this.#inTime(async () => {
      try {
        return await write(copy)
      } catch {
        // For other processes: a Redis without memory still deletes.
        await this.#cache.delete(copy)
      }
    })
    if (corrected !== true) this.#doubts.add(id, deadline)
  }

  /** Counted from before the record was read or written, so that no call that hangs keeps it for longer. */
  #until (expiresAt = Infinity): number {
    return Math.min(expiresAt, Date.now() + this.#staleness)
  }

  /** `undefined`: the cache failed, or took too long. */
  #inTime<T> (task: () => Awaitable<T>): Promise<T | undefined> {
    // An `async` function, because it turns what is thrown into a rejection.
    const answer = (async () => await task())()
    return within(this.#cacheTimeout, answer).catch(() => undefined)
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
