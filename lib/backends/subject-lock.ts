import { setTimeout as sleep } from 'node:timers/promises'
import { storeFailure } from '../async/timeout.js'
import { random } from '../tokens/random.js'
import type { StoredRecords } from './stored-records.js'

/** Milliseconds after which the lock of a process that has died is free again, and for which others wait. */
const LIFE = 10_000
/** Milliseconds between two tries, at most. */
const PAUSE = 25

/**
 * Runs `turn` while no other process runs one of the same name. `hold`, called before something is done that must not happen
 * twice, makes sure that the turn is still ours. Rejects with `StoreFailed`, also if the others take too long.
 */
export async function alone<T> (records: StoredRecords, name: string, turn: (hold: () => Promise<void>) => Promise<T>): Promise<T> {
  const key = records.key(`lock:${name}`)
  const mine = JSON.stringify({ lock: random(16).toString('base64url') })
  await acquire(records, key, mine)
  const hold = async () => {
    const outcome = await records.replace(key, mine, mine, Date.now() + LIFE)
    if (outcome !== 'replaced') throw storeFailure(new Error('the lock of a subject was lost: the store is too slow'))
  }
  try {
    return await turn(hold)
  } finally {
    // Not waited for, and of no importance if it fails: the lock expires.
    release(records, key, mine).catch(() => {})
  }
}

async function acquire (records: StoredRecords, key: string, mine: string): Promise<void> {
  const start = performance.now()
  while (!await records.create(key, mine, Date.now() + LIFE)) {
    if (performance.now() - start > LIFE) throw storeFailure(new Error('the lock of a subject was not free in time'))
    await sleep(Math.random() * PAUSE)
  }
}

/** Free for whoever creates it next. Not deleted: a lock that has expired may be somebody else's by now. */
async function release (records: StoredRecords, key: string, mine: string): Promise<void> {
  await records.replace(key, mine, mine, Date.now() - LIFE)
}
