import fc from 'fast-check'
import type { Scheduler } from './gate.js'

/** Which of the waiting calls goes on: an index below `waiting`. */
export type Choose = (waiting: number) => number | Promise<number>

/** Lets go on whom `choose` says, for orders that are enumerated or written down. */
export class Chosen implements Scheduler {
  readonly #waiting: Array<() => void> = []
  readonly #choose: Choose

  constructor (choose: Choose) {
    this.#choose = choose
  }

  count (): number { return this.#waiting.length }

  async schedule<T> (task: Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => { this.#waiting.push(resolve) })
    return await task
  }

  async waitNext (): Promise<void> {
    const [go] = this.#waiting.splice(await this.#choose(this.#waiting.length), 1)
    go?.()
  }
}

/** One that fast-check draws, the same each time. */
export function drawn (seed: number): Scheduler {
  return fc.sample(fc.scheduler(), { numRuns: 1, seed })[0]!
}
