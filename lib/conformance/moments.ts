import { sleep } from './runner.js'

type Pause = () => Promise<unknown>

/** From one moment to the next: a promise later, a turn of the event loop, a millisecond. Engines differ in what they do in one. */
const pauses: ReadonlyArray<readonly [pause: Pause, moments: number]> = [
  [async () => {}, 15],
  [() => new Promise((resolve) => setImmediate(resolve)), 10],
  [() => sleep(1), 5]
]

/** Runs `call` when so many pauses have passed. */
export type Delay = <T>(call: () => Promise<T>) => Promise<T>

/** At once and at many moments after it: what is started then meets what is under way at each of its steps. */
export const delays: readonly Delay[] = pauses.flatMap(([pause, moments]) =>
  Array.from({ length: moments }, (_, moment): Delay => async (call) => {
    for (let passed = 0; passed < moment; passed++) await pause()
    return await call()
  }))
