import type { Visit } from './visit.js'

/** The newest, so many. */
const MOST = 1_000

/** Requests that have ended, for as long as somebody holds on to their sessions: they are not kept for being in here. */
export class HeldVisits {
  readonly #refs = new Set<WeakRef<Visit>>()
  readonly #refOf = new WeakMap<Visit, WeakRef<Visit>>()

  /** As far as is known: the others are found when they are looked for. */
  get size (): number { return this.#refs.size }

  add (visit: Visit): void {
    const ref = this.#refOf.get(visit) ?? new WeakRef(visit)
    this.#refOf.set(visit, ref)
    this.#refs.delete(ref)
    this.#refs.add(ref)
    if (this.#refs.size <= MOST) return
    const [oldest] = this.#refs
    this.#refs.delete(oldest as WeakRef<Visit>)
  }

  clear (): void {
    this.#refs.clear()
  }

  * [Symbol.iterator] (): Iterator<Visit> {
    for (const ref of this.#refs) {
      const visit = ref.deref()
      if (visit === undefined) this.#refs.delete(ref)
      else yield visit
    }
  }
}
