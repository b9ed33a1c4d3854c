/** Runs what concerns one key one after the other; different keys do not wait for each other. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  run<T> (key: string, turn: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(key) ?? Promise.resolve()).then(turn, turn)
    this.#last.set(key, mine)
    const forget = () => { if (this.#last.get(key) === mine) this.#last.delete(key) }
    mine.then(forget, forget)
    return mine
  }

  /** Is it somebody's turn? */
  isTaken (key: string): boolean {
    return this.#last.has(key)
  }
}
