/** Whose session is whose. */
export interface SubjectIndex {
  add (subject: string, id: string): void
  remove (subject: string, id: string): void
  /** A copy, which stays as it is whatever happens to the index. */
  ids (subject: string): string[]
  readonly size: number
}

/** Most subjects have one session, and a Set for each would take more memory than the session: one id stands alone. */
export function createSubjectIndex (): SubjectIndex {
  const index = new Map<string, string | Set<string>>()
  return {
    get size () {
      return index.size
    },
    add (subject, id) {
      const held = index.get(subject)
      if (held === undefined) index.set(subject, id)
      else if (typeof held === 'string') index.set(subject, new Set([held, id]))
      else held.add(id)
    },
    remove (subject, id) {
      const held = index.get(subject)
      if (held === id) index.delete(subject)
      else if (held instanceof Set && held.delete(id) && held.size === 0) index.delete(subject)
    },
    ids (subject) {
      const held = index.get(subject)
      if (held === undefined) return []
      return typeof held === 'string' ? [held] : [...held]
    }
  }
}
