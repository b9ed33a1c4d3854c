const BATCHES = 15
const BATCH_NANOS = 20e6

/** @typedef {{ name: string, nanos: number, least: number }} Timing median and least of the batches, per operation */

/** Results end here, so that the compiler cannot leave the work out. @type {unknown} */
let sink

/** @param {() => unknown} work @param {number} times */
function batch (work, times) {
  const start = process.hrtime.bigint()
  for (let i = 0; i < times; i++) sink = work()
  return Number(process.hrtime.bigint() - start)
}

/** How many times fill a batch; finding out warms the compiler up too. @param {() => unknown} work */
function timesPerBatch (work) {
  let times = 16
  while (batch(work, times) < BATCH_NANOS) times *= 2
  return times
}

/** @param {string} name @param {() => unknown} work @returns {Timing} */
export function time (name, work) {
  const times = timesPerBatch(work)
  const nanos = Array.from({ length: BATCHES }, () => batch(work, times) / times).sort((a, b) => a - b)
  return { name, nanos: nanos[BATCHES >> 1] ?? NaN, least: nanos[0] ?? NaN }
}

export const lastResult = () => sink
