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

  /** Waits for those who wait now, but not longer than `patience` milliseconds. `null`: there is nobody. */
  others (key: string, patience: number): Promise<void> | null {
    const last = this.#last.get(key)
    return last === undefined ? null : atMost(patience, last)
  }
}

function atMost (milliseconds: number, promise: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    const settled = () => {
      clearTimeout(timer)
      resolve()
    }
    promise.then(settled, settled)
  })
}
