import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextRound } from 'node:timers/promises'
import type { ReplaceOutcome, SessionStore } from '../../types/index.js'

/** One call that changed the store. */
export interface Change { readonly request: number, readonly kind: 'create' | 'replace' | 'delete', readonly id: string, readonly payload: string }

/** Which of the waiting requests goes on: an index below `waiting`. */
export type Choose = (waiting: number) => number | Promise<number>

/** Rounds of the event loop without news, after which nobody is taken to run any more. */
const QUIET = 4

/**
 * A store whose calls wait until they are chosen. While requests race one of them goes on at a time, until it calls the store
 * again, has answered, or waits for another one, so a list of choices is the whole interleaving: it can be drawn, enumerated,
 * printed and repeated.
 */
export class Gate implements SessionStore {
  readonly #store: SessionStore
  readonly #waiting = new Map<number, () => void>()
  readonly #request = new AsyncLocalStorage<number>()
  /** Counts the calls that began to wait, those that have ended, and the answers. */
  #news = 0
  /** Calls that are with the store: a real one takes its time. */
  #inFlight = 0
  /** Every id that was ever created, and every change, since `forget`. */
  readonly ids = new Set<string>()
  readonly changes: Change[] = []
  /** How many creations answer that the id is taken. */
  collisions = 0

  constructor (store: SessionStore) {
    this.#store = store
  }

  forget (): void {
    this.ids.clear()
    this.changes.length = 0
  }

  /** Runs the requests side by side, as `choose` says; resolves to their answers, in the order of the requests. */
  async race<T> (requests: ReadonlyArray<() => Promise<T>>, choose: Choose): Promise<T[]> {
    const answers: Array<Promise<T>> = []
    for (const [index, request] of requests.entries()) {
      const answer = this.#request.run(index, request)
      answer.finally(() => { this.#news++ }).catch(() => {})
      answers.push(answer)
      await this.#quiet()
    }
    while (this.#waiting.size > 0) {
      const indices = [...this.#waiting.keys()].sort((a, b) => a - b)
      const index = indices[await choose(indices.length)] as number
      const go = this.#waiting.get(index) as () => void
      this.#waiting.delete(index)
      go()
      await this.#quiet()
    }
    return await Promise.all(answers)
  }

  /** Runs `work` from beginning to end while all others wait. Only in a `Choose`. */
  async aside (work: () => Promise<void>): Promise<void> {
    await this.#request.exit(work)
  }

  async #quiet (): Promise<void> {
    for (let round = 0, seen = this.#news; round < QUIET; round++) {
      await nextRound()
      if (this.#inFlight === 0 && this.#news === seen) continue
      seen = this.#news
      round = -1
    }
  }

  async #run<T> (call: Promise<T>): Promise<T> {
    this.#inFlight++
    try {
      return await call
    } finally {
      this.#inFlight--
      this.#news++
    }
  }

  async #turn (): Promise<number> {
    const index = this.#request.getStore()
    if (index === undefined) return -1
    await new Promise<void>((resolve) => {
      this.#waiting.set(index, resolve)
      this.#news++
    })
    return index
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    const request = await this.#turn()
    if (this.collisions > 0) {
      this.collisions--
      return false
    }
    const created = await this.#run(this.#store.create(id, payload, expiresAt, subject))
    if (created) {
      this.ids.add(id)
      this.changes.push({ request, kind: 'create', id, payload })
    }
    return created
  }

  async load (id: string): Promise<string | null> {
    await this.#turn()
    return await this.#run(this.#store.load(id))
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    const request = await this.#turn()
    const outcome = await this.#run(this.#store.replace(id, expected, payload, expiresAt, subject))
    if (outcome === 'replaced') this.changes.push({ request, kind: 'replace', id, payload })
    return outcome
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    await this.#turn()
    return await this.#run(this.#store.touch(id, expiresAt))
  }

  async delete (id: string): Promise<void> {
    const request = await this.#turn()
    await this.#run(this.#store.delete(id))
    this.changes.push({ request, kind: 'delete', id, payload: '' })
  }

  async close (): Promise<void> {
    await this.#store.close?.()
  }

  /** The data of every session that is kept under one of the ids; tombstones and end marks are none. */
  async sessions (): Promise<Array<{ id: string, data: Record<string, unknown> }>> {
    const found: Array<{ id: string, data: Record<string, unknown> }> = []
    for (const id of this.ids) {
      const payload = await this.#store.load(id)
      const record = payload === null ? null : JSON.parse(payload) as { data?: Record<string, unknown> }
      if (record?.data !== undefined) found.push({ id, data: record.data })
    }
    return found
  }
}
