import type { SessionStore } from 'fastify-typed-session'

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
  const records = new Map<string, Kept>()

  const live = (id: string): Kept | undefined => {
    const kept = records.get(id)
    return kept !== undefined && kept.expiresAt > Date.now() ? kept : undefined
  }

  return {
    async create (id, payload, expiresAt, subject) {
      assertTime(expiresAt)
      if (live(id) !== undefined) return false
      records.set(id, { payload, expiresAt, subject })
      return true
    },
    async load (id) {
      return live(id)?.payload ?? null
    },
    async replace (id, expected, payload, expiresAt, subject) {
      assertTime(expiresAt)
      const kept = live(id)
      if (kept === undefined) return 'missing'
      if (kept.payload !== expected) return 'conflict'
      records.set(id, { payload, expiresAt, subject })
      return 'replaced'
    },
    async touch (id, expiresAt) {
      assertTime(expiresAt)
      const kept = live(id)
      if (kept === undefined) return false
      kept.expiresAt = expiresAt
      return true
    },
    async delete (id) {
      records.delete(id)
    },
    async * findBySubject (subject) {
      for (const [id, kept] of records) {
        if (kept.subject === subject && kept.expiresAt > Date.now()) yield { id, payload: kept.payload, expiresAt: kept.expiresAt }
      }
    },
    async sweep () {
      let removed = 0
      let seen = 0
      for (const id of records.keys()) {
        if (live(id) === undefined && records.delete(id)) removed++
        // Other requests get their turn after each thousand.
        if (++seen % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      return removed
    }
  }
}

function assertTime (expiresAt: number): void {
  if (Number.isNaN(new Date(expiresAt).getTime())) throw new TypeError('not a time')
}
