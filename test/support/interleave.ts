import type { SessionStore } from '../../types/index.js'

type Call = 'create' | 'load' | 'replace' | 'touch' | 'delete'
const calls: readonly Call[] = ['create', 'load', 'replace', 'touch', 'delete']

/**
 * Stores whose calls wait until they are chosen, one at a time: a list of choices is an order of all calls of all tasks.
 * Only for stores that need no input or output.
 */
export class Interleaver {
  readonly #waiting: Array<() => void> = []
  #free = true

  wrap (store: SessionStore): SessionStore {
    const wrapped = Object.fromEntries(calls.map((name) => [name, async (...args: unknown[]) => {
      await this.#turn()
      return await (store[name] as (...args: unknown[]) => Promise<unknown>).apply(store, args)
    }]))
    const find = store.findBySubject?.bind(store)
    return { ...wrapped, ...(find && { findBySubject: find }) } as unknown as SessionStore
  }

  async #turn (): Promise<void> {
    if (!this.#free) await new Promise<void>((resolve) => { this.#waiting.push(resolve) })
  }

  /** Runs the tasks side by side; resolves to what they answered. `undefined` from `choose`: what waits is never run. */
  async run<T> (tasks: ReadonlyArray<() => Promise<T>>, choose: (waiting: number) => number | undefined): Promise<T[]> {
    this.#free = false
    const answers: T[] = []
    for (const [index, task] of tasks.entries()) task().then((answer) => { answers[index] = answer })
    await settle()
    while (this.#waiting.length > 0) {
      const choice = choose(this.#waiting.length)
      if (choice === undefined) break
      this.#waiting.splice(choice, 1)[0]?.()
      await settle()
    }
    this.#waiting.length = 0
    this.#free = true
    return answers
  }
}

const settle = () => new Promise<void>((resolve) => { setImmediate(resolve) })

/** Calls `run` once for each order there is, at most `limit`; resolves to how many that were. */
export async function everyOrder (run: (choose: (waiting: number) => number) => Promise<void>, limit = Infinity): Promise<number> {
  let planned: number[] | null = []
  let count = 0
  while (planned !== null && count < limit) {
    const plan: number[] = planned
    const taken: Array<{ choice: number, waiting: number }> = []
    await run((waiting) => {
      const choice = plan[taken.length] ?? 0
      taken.push({ choice, waiting })
      return choice
    })
    count++
    planned = following(taken)
  }
  return count
}

function following (taken: ReadonlyArray<{ choice: number, waiting: number }>): number[] | null {
  const at = taken.findLastIndex(({ choice, waiting }) => choice + 1 < waiting)
  return at === -1 ? null : [...taken.slice(0, at).map(({ choice }) => choice), taken[at]!.choice + 1]
}

/** Every order of a few things. */
export function permutations<T> (things: readonly T[]): T[][] {
  if (things.length === 0) return [[]]
  return things.flatMap((thing, index) => permutations(things.toSpliced(index, 1)).map((rest) => [thing, ...rest]))
}
