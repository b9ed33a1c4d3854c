import { LRUCache } from 'lru-cache'
import { InvalidOption } from '../errors.js'
import { createSubjectIndex } from './internal/memory/subjects.js'
import { assertOptions } from './internal/options.js'
import { wholeMilliseconds } from './internal/values.js'
import type { ReplaceOutcome, SessionStore, StoredRecord } from '../../types/store.js'

/** Options of `memoryStore`. */
export interface MemoryStoreOptions {
  /** How many sessions are kept; the least recently used go first. Default 100,000. */
  readonly maxEntries?: number | undefined
  /** How much memory they may take together, in bytes, by a careful estimate. Default 256 MiB. */
  readonly maxBytes?: number | undefined
}

interface Entry {
  payload: string
  expiresAt: number
  subject: string | undefined
}

/** The cost of an entry besides its text, in bytes: two headers of strings, the record, its places in map and list. */
const overhead = 256
const sweepBatch = 1000

/**
 * Sessions in the memory of this process: for development, tests, and programs of one process that may forget.
 * They end with the process and are not shared with another one; in production a process warning says so once
 * (`FST_TYPED_SESSION_MEMORY_STORE`). When a limit is reached the least recently used session is forgotten, and its
 * user is logged out. Expired sessions are removed when they are asked for, by `sweep()`, and by the limits.
 *
 * @throws {SessionError} `FST_TYPED_SESSION_INVALID_OPTION` for a limit that is no positive integer, or another option
 */
export function memoryStore (options: MemoryStoreOptions = {}): MemoryStore {
  const store = new MemoryStore(options)
  warnInProduction()
  return store
}

/** Sessions in the memory of this process: made by `memoryStore()`. */
export class MemoryStore implements SessionStore {
  readonly name = 'memoryStore'
  readonly immediate = true
  readonly #maxEntries: number
  readonly #maxBytes: number
  readonly #subjects = createSubjectIndex()
  readonly #entries: LRUCache<string, Entry>

  constructor (options: MemoryStoreOptions = {}) {
    assertOptions('memoryStore', options, ['maxEntries', 'maxBytes'])
    const { maxEntries = 100_000, maxBytes = 256 * 1024 * 1024 } = options
    // 2^24 entries are as many as a Map holds.
    assertLimit('maxEntries', maxEntries, 2 ** 24)
    assertLimit('maxBytes', maxBytes, Number.MAX_SAFE_INTEGER)
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
    // Without `max`, for which the cache would take its memory in advance.
    this.#entries = new LRUCache<string, Entry>({
      maxSize: maxBytes,
      dispose: ({ subject }, id, reason) => {
        if (subject !== undefined && reason !== 'set') this.#subjects.remove(subject, id)
      }
    })
  }

  /** How many sessions are held, expired ones that nobody asked for included. */
  get size (): number {
    return this.#entries.size
  }

  /** How many bytes they take together, by the estimate that `maxBytes` limits. */
  get bytes (): number {
    return this.#entries.calculatedSize
  }

  /** How many subjects have sessions among them. */
  get subjects (): number {
    return this.#subjects.size
  }

  /** @throws {RangeError} if the session alone is larger than `maxBytes` */
  create (id: string, payload: string, expiresAt: number, subject?: string): boolean {
    const deadline = wholeMilliseconds(expiresAt)
    if (this.#live(id) !== undefined) return false
    this.#keep(id, { payload, expiresAt: deadline, subject })
    return true
  }

  load (id: string): string | null {
    return this.#live(id)?.payload ?? null
  }

  /** @throws {RangeError} if the session alone is larger than `maxBytes`; the old payload stays */
  replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): ReplaceOutcome {
    const deadline = wholeMilliseconds(expiresAt)
    const entry = this.#live(id)
    if (entry === undefined) return 'missing'
    if (entry.payload !== expected) return 'conflict'
    // An end: its text is nobody's business any more, and takes no room.
    if (deadline <= Date.now()) this.#entries.delete(id)
    else this.#keep(id, { payload, expiresAt: deadline, subject }, entry.subject)
    return 'replaced'
  }

  touch (id: string, expiresAt: number): boolean {
    const deadline = wholeMilliseconds(expiresAt)
    const entry = this.#live(id)
    if (entry === undefined) return false
    entry.expiresAt = deadline
    return true
  }

  delete (id: string): void {
    this.#entries.delete(id)
  }

  async * findBySubject (subject: string): AsyncGenerator<StoredRecord> {
    for (const id of this.#subjects.ids(subject)) {
      const entry = this.#entries.peek(id)
      if (entry === undefined || entry.subject !== subject || entry.expiresAt <= Date.now()) continue
      yield { id, payload: entry.payload, expiresAt: entry.expiresAt }
    }
  }

  /** Lets other work of the process go on after each thousand entries. */
  async sweep (): Promise<number> {
    let removed = 0
    // A list made in advance, because an iterator of the cache does not outlive the changes made between two batches.
    const ids = [...this.#entries.keys()]
    for (let start = 0; start < ids.length; start += sweepBatch) {
      removed += this.#sweepBatch(ids.slice(start, start + sweepBatch))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return removed
  }

  #sweepBatch (ids: string[]): number {
    const now = Date.now()
    const expired = ids.filter((id) => (this.#entries.peek(id)?.expiresAt ?? Infinity) <= now)
    for (const id of expired) this.#entries.delete(id)
    return expired.length
  }

  #live (id: string): Entry | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined || entry.expiresAt > Date.now()) return entry
    this.#entries.delete(id)
    return undefined
  }

  #keep (id: string, entry: Entry, formerSubject?: string): void {
    const size = sizeOf(entry, id)
    if (size > this.#maxBytes) throw new RangeError('The session is larger than maxBytes')
    if (entry.subject !== formerSubject) {
      if (formerSubject !== undefined) this.#subjects.remove(formerSubject, id)
      if (entry.subject !== undefined) this.#subjects.add(entry.subject, id)
    }
    this.#entries.set(id, entry, { size })
    if (this.#entries.size > this.#maxEntries) this.#entries.pop()
  }
}

function sizeOf ({ payload, subject }: Entry, id: string): number {
  return overhead + textSize(id) + textSize(payload) + (subject === undefined ? 0 : textSize(subject))
}

/** V8 keeps text in one byte per character as long as it can. */
function textSize (text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length
}

function assertLimit (name: string, value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > max) {
    throw new InvalidOption(name, `must be an integer from 1 to ${max}`)
  }
}

let warned = false

function warnInProduction (): void {
  if (warned || process.env.NODE_ENV !== 'production') return
  warned = true
  process.emitWarning('The memory store is neither shared between processes nor durable: a restart ends every session. Use another store in production', {
    code: 'FST_TYPED_SESSION_MEMORY_STORE'
  })
}
