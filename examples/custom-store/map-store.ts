import type { ReplaceOutcome, SessionStore, StoredRecord } from 'fastify-typed-session'

interface Kept {
  payload: string
  expiresAt: number
  subject: string | undefined
}

/**
 * A whole store over a plain Map, to start one of your own from.
 *
 * Each method looks and writes without an `await` between the two. In one process that makes it one atomic step; over
 * a network the engine has to take it, with a conditional write. What a method answers is in the interface, and what
 * it must never do is in the conformance tests: `map-store.test.ts` is all it takes to run them.
 */
export function mapStore (): SessionStore {
  return new MapStore()
}

class MapStore implements SessionStore {
  readonly #records = new Map<string, Kept>()

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    assertTime(expiresAt)
    if (this.#live(id) !== undefined) return false
    this.#records.set(id, { payload, expiresAt, subject })
    return true
  }

  async load (id: string): Promise<string | null> {
    return this.#live(id)?.payload ?? null
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    assertTime(expiresAt)
    const kept = this.#live(id)
    if (kept === undefined) return 'missing'
    if (kept.payload !== expected) return 'conflict'
    this.#records.set(id, { payload, expiresAt, subject })
    return 'replaced'
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    assertTime(expiresAt)
    const kept = this.#live(id)
    if (kept === undefined) return false
    kept.expiresAt = expiresAt
    return true
  }

  async delete (id: string): Promise<void> {
    this.#records.delete(id)
  }

  async * findBySubject (subject: string): AsyncGenerator<StoredRecord> {
    for (const [id, kept] of this.#records) {
      if (kept.subject === subject && kept.expiresAt > Date.now()) yield { id, payload: kept.payload, expiresAt: kept.expiresAt }
    }
  }

  async sweep (): Promise<number> {
    let removed = 0
    let seen = 0
    for (const id of this.#records.keys()) {
      if (this.#live(id) === undefined && this.#records.delete(id)) removed++
      // Other requests get their turn after each thousand.
      if (++seen % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    return removed
  }

  #live (id: string): Kept | undefined {
    const kept = this.#records.get(id)
    return kept !== undefined && kept.expiresAt > Date.now() ? kept : undefined
  }
}

function assertTime (expiresAt: number): void {
  if (Number.isNaN(new Date(expiresAt).getTime())) throw new TypeError('not a time')
}
