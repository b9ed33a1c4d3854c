import { parentPort, workerData } from 'node:worker_threads'

// A thread of its own because a timer of Node knows whole milliseconds only, and because it can sleep without keeping answers waiting.
const { gap, stop } = workerData
const cell = new Int32Array(stop)
let due = performance.now()
while (Atomics.wait(cell, 0, 0, Math.max(0, due - performance.now())) === 'timed-out') {
  parentPort?.postMessage(null)
  due += gap
}
