import type { ReplaceOutcome, SessionStore } from '../../types/index.js'

/** One call that changed the store. */
export interface Change { readonly request: number, readonly kind: 'create' | 'replace' | 'delete', readonly id: string, readonly payload: string }

/** Which of the waiting requests goes on: an index below `waiting`. */
export type Choose = (waiting: number) => number | Promise<number>

/**
 * A store whose calls wait until they are chosen. While requests race only one of them runs at a time, from one store call to
 * its next one, so a list of choices is the whole interleaving: it can be drawn, enumerated, printed and repeated.
 */
export class Gate implements SessionStore {
  readonly #store: SessionStore
  readonly #waiting = new Map<number, () => void>()
  #running: number | null = null
  #blocked: () => void = () => {}
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
    const answers = new Map<number, Promise<T>>()
    for (const [index, request] of requests.entries()) await this.#run(index, () => { answers.set(index, request()) }, answers)
    while (this.#waiting.size > 0) {
      const indices = [...this.#waiting.keys()].sort((a, b) => a - b)
      const index = indices[await choose(indices.length)] as number
      const go = this.#waiting.get(index) as () => void
      this.#waiting.delete(index)
      await this.#run(index, go, answers)
    }
    this.#running = null
    return await Promise.all(requests.map(async (_, index) => await (answers.get(index) as Promise<T>)))
  }

  /** Runs `work` from beginning to end while all others wait. Only in a `Choose`. */
  async aside (work: () => Promise<void>): Promise<void> {
    this.#running = null
    await work()
  }

  /** Until the request waits again, or has answered. */
  async #run (index: number, go: () => void, answers: ReadonlyMap<number, Promise<unknown>>): Promise<void> {
    this.#running = index
    const blocked = new Promise<void>((resolve) => { this.#blocked = resolve })
    go()
    await Promise.race([blocked, answers.get(index)])
  }

  async #turn (): Promise<number> {
    const index = this.#running
    if (index === null) return -1
    await new Promise<void>((resolve) => {
      this.#waiting.set(index, resolve)
      this.#blocked()
    })
    return index
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    const request = await this.#turn()
    if (this.collisions > 0) {
      this.collisions--
      return false
    }
    const created = await this.#store.create(id, payload, expiresAt, subject)
    if (created) {
      this.ids.add(id)
      this.changes.push({ request, kind: 'create', id, payload })
    }
    return created
  }

  async load (id: string): Promise<string | null> {
    await this.#turn()
    return await this.#store.load(id)
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    const request = await this.#turn()
    const outcome = await this.#store.replace(id, expected, payload, expiresAt, subject)
    if (outcome === 'replaced') this.changes.push({ request, kind: 'replace', id, payload })
    return outcome
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    await this.#turn()
    return await this.#store.touch(id, expiresAt)
  }

  async delete (id: string): Promise<void> {
    const request = await this.#turn()
    await this.#store.delete(id)
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
