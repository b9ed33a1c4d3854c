/** Open sockets, to be asked whether their session is still there. */
export class OpenSockets {
  readonly #checks = new Map<string, Set<() => void>>()

  /** `check` runs whenever something may have happened to the session under `key`. Returns how to stop that. */
  add (key: string, check: () => void): () => void {
    const checks = this.#checks.get(key) ?? new Set()
    this.#checks.set(key, checks.add(check))
    return () => {
      checks.delete(check)
      if (checks.size === 0) this.#checks.delete(key)
    }
  }

  check (key: string): void {
    for (const check of this.#checks.get(key) ?? []) check()
  }

  checkAll (): void {
    for (const key of this.#checks.keys()) this.check(key)
  }
}
