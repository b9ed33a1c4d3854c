import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextRound } from 'node:timers/promises'
import fc from 'fast-check'
import type { ReplaceOutcome, SessionStore } from '../../types/index.js'

/** One call that changed the store. */
export interface Change { readonly request: number, readonly kind: 'create' | 'replace' | 'delete', readonly id: string, readonly payload: string }

/** Lets the calls that wait go on one by one: one of fast-check's, or one of `schedule.ts`. */
export type Scheduler = Pick<fc.Scheduler, 'schedule' | 'count' | 'waitNext'>

/** Rounds of the event loop without news, after which nobody is taken to run any more. */
const QUIET = 4

/**
 * A store whose calls wait until the scheduler lets them go on. While requests race it is asked only when every request has
 * called the store, has answered, or waits for another one: then each call that can wait does, and its choices are the whole
 * interleaving. They can be drawn, enumerated, printed and repeated.
 */
export class Gate implements SessionStore {
  readonly #store: SessionStore
  #scheduler: Scheduler = fc.schedulerFor([])
  readonly #request = new AsyncLocalStorage<number>()
  /** Counts the calls that began to wait, those that have ended, and the answers. */
  #news = 0
  /** Calls that are with the store: a real one takes its time. */
  #inFlight = 0
  /** Every id that was ever created, the calls of the race in the order they went on, and every change, since `forget`. */
  readonly ids = new Set<string>()
  readonly order: string[] = []
  readonly changes: Change[] = []
  /** How many creations answer that the id is taken. */
  collisions = 0

  constructor (store: SessionStore) {
    this.#store = store
  }

  forget (): void {
    this.ids.clear()
    this.order.length = this.changes.length = 0
  }

  /** Runs the requests side by side; resolves to their answers, in the order of the requests. */
  async race<T> (requests: ReadonlyArray<() => Promise<T>>, scheduler: Scheduler): Promise<T[]> {
    this.#scheduler = scheduler
    const answers: Array<Promise<T>> = []
    for (const [index, request] of requests.entries()) {
      const answer = this.#request.run(index, request)
      answer.finally(() => { this.#news++ }).catch(() => {})
      answers.push(answer)
      await this.#quiet()
    }
    while (scheduler.count() > 0) {
      await scheduler.waitNext(1)
      await this.#quiet()
    }
    return await Promise.all(answers)
  }

  /** Runs `work` from beginning to end while all others wait. Only while the scheduler chooses. */
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

  async #run<T> (call: T | Promise<T>): Promise<T> {
    this.#inFlight++
    try {
      return await call
    } finally {
      this.#inFlight--
      this.#news++
    }
  }

  async #turn (call: string): Promise<number> {
    const index = this.#request.getStore()
    if (index === undefined) return -1
    this.#news++
    await this.#scheduler.schedule(Promise.resolve(), `${index} ${call}`)
    this.order.push(`${index} ${call}`)
    return index
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    const request = await this.#turn('create')
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
    await this.#turn('load')
    return await this.#run(this.#store.load(id))
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    const request = await this.#turn('replace')
    const outcome = await this.#run(this.#store.replace(id, expected, payload, expiresAt, subject))
    if (outcome === 'replaced') this.changes.push({ request, kind: 'replace', id, payload })
    return outcome
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    await this.#turn('touch')
    return await this.#run(this.#store.touch(id, expiresAt))
  }

  async delete (id: string): Promise<void> {
    const request = await this.#turn('delete')
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
