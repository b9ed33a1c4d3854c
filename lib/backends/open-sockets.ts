/** Watches over one socket. */
export interface Watch {
  /** Something may have happened to its session. */
  check (): void
  /** Nothing can be asked any more. */
  stop (): void
}

/** Open sockets, to be asked whether their session is still there. */
export class OpenSockets {
  readonly #watches = new Map<string, Set<Watch>>()

  /** How many sessions have any. */
  get size (): number { return this.#watches.size }

  /** `watch` is told whenever something may have happened to the session under `key`. Returns how to stop that. */
  add (key: string, watch: Watch): () => void {
    const watches = this.#watches.get(key) ?? new Set()
    this.#watches.set(key, watches.add(watch))
    return () => {
      watches.delete(watch)
      if (watches.size === 0 && this.#watches.get(key) === watches) this.#watches.delete(key)
    }
  }

  check (key: string): void {
    for (const watch of this.#watches.get(key) ?? []) watch.check()
  }

  checkAll (): void {
    for (const watch of this.#all()) watch.check()
  }

  stopAll (): void {
    for (const watch of this.#all()) watch.stop()
  }

  /** A copy, since sockets that stop are removed meanwhile. */
  #all (): Watch[] {
    return [...this.#watches.values()].flatMap((watches) => [...watches])
  }
}
