import { mock } from 'node:test'
import type { Test } from 'tap'

export const START = Date.UTC(2026, 0, 15, 12)

/** Stops the time for the rest of the test, timers with it. */
export function stopTime (t: Pick<Test, 'teardown'>, now = START): void {
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now })
  t.teardown(() => mock.timers.reset())
}

/** Moves the time, and runs what was due until then. */
export function pass (milliseconds: number): void {
  mock.timers.tick(milliseconds)
}

/** Sets the clock, forward or back, as if somebody had corrected it. */
export function setClock (now: number): void {
  mock.timers.setTime(now)
}

/** Lets the time go on in steps until the promise is settled, and says how long that took, in milliseconds. */
export async function timed<T> (promise: Promise<T>, step = 100, most = 100_000): Promise<{ value: T, took: number }> {
  const start = Date.now()
  const state = { settled: false }
  const mark = () => { state.settled = true }
  promise.then(mark, mark)
  for (;;) {
    for (let turn = 0; turn < 20 && !state.settled; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (state.settled) break
    if (Date.now() - start > most) throw new Error(`no answer within ${most} ms`)
    pass(step)
  }
  return { value: await promise, took: Date.now() - start }
}
