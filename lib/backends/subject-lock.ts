import { type Step, storeFailure } from '../async/timeout.js'
import { random } from '../tokens/random.js'
import type { StoredRecords } from './stored-records.js'

/** Milliseconds that a lock outlives the step of its holder. Then the lock of a process that has died is free. */
const MARGIN = 1_000
/** Milliseconds between two tries, at most. */
const PAUSE = 25

/**
 * Runs `turn` while no other process runs one of the same name. `hold`, called before something is done that must not happen
 * twice, makes sure that the turn is still ours. Rejects with `StoreFailed`, also if the others take longer than a step may.
 */
export async function alone<T> (
  records: StoredRecords, name: string, turn: (hold: () => Promise<void>) => Promise<T>, step: Step = { until: 0 }
): Promise<T> {
  const { calls } = records
  const key = records.key(`lock:${name}`)
  const mine = JSON.stringify({ lock: random(16).toString('base64url') })
  const until = () => Date.now() + calls.timeout + MARGIN
  const start = performance.now()
  while (!await calls.create(key, mine, until(), undefined, step)) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE))
    if (performance.now() >= (step.until || start + calls.timeout)) throw storeFailure(new Error('the lock of a subject was not free in time'))
  }
  const hold = async () => {
    const outcome = await calls.replace(key, mine, mine, until(), undefined, step)
    if (outcome !== 'replaced') throw storeFailure(new Error('the lock of a subject was lost: the store is too slow'))
  }
  try {
    return await turn(hold)
  } finally {
    release(records, key, mine)
  }
}

/**
 * Anybody may create it next. Not deleted: a lock that has expired may be somebody else's by now. Not waited for, and
 * of no importance if it fails: the lock expires.
 */
function release ({ calls }: StoredRecords, key: string, mine: string): void {
  (async () => await calls.replace(key, mine, mine, 0))().catch(() => {})
}
