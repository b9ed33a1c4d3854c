// A process of its own, to be killed: see file-process.ts.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileStore } from '../../lib/stores/file.js'
import { onEachStep } from './file-steps.js'
import type { AsyncStore } from '../../types/store.js'

const later = Date.now() + 3_600_000

/** They leave the disk as it is: whoever is killed before one finds it as before the call that follows. */
const READS = ['readFile', 'stat', 'lstat', 'readdir']

/** What one process does until it is killed before its writing call number `killAt`, or to its end. */
export const operations: Record<string, (store: AsyncStore) => Promise<unknown>> = {
  create: (store) => store.create('fresh', 'new', later, 'ann'),
  replace: (store) => store.replace('kept', 'old', 'new', later, 'bob'),
  touch: (store) => store.touch('kept', later),
  delete: (store) => store.delete('kept'),
  sweep: async (store) => store.sweep?.(),
  takeover: (store) => store.replace('kept', 'old', 'new', later, 'bob'),
  /** Makes sure that it holds the lock, and then is slow: the file is renamed when `go` is there. */
  async late (store) {
    await onEachStep(async (name) => {
      if (name !== 'rename') return
      writeFileSync(join(directory!, 'renaming'), '')
      while (!existsSync(join(directory!, 'go'))) await new Promise((resolve) => setTimeout(resolve, 5))
    })
    await store.replace('kept', 'old', 'late', later)
  },
  /** Counts up in the record, and says each number once it is acknowledged. */
  async count (store) {
    for (let number = 0; ; number++) {
      await store.replace('kept', pad(number), pad(number + 1), later)
      process.stdout.write(`${number + 1}\n`)
    }
  },
  /** Adds to the record two hundred times, against whoever else does. */
  async race (store) {
    for (let added = 0; added < 200;) {
      const found = await store.load('kept') ?? ''
      if (await store.replace('kept', found, String(Number(found) + 1), later) === 'replaced') added++
    }
  },
  /** The same while somebody sets the clock, half an hour forth and back. */
  async clocks (store) {
    const now = Date.now
    Date.now = () => now() + (Math.random() - 0.5) * 3_600_000
    await operations.race!(store)
  }
}

/** A number over several blocks of the disk: half of it would be seen. */
export const pad = (number: number): string => `${number} `.repeat(2000)

const [, , directory, operation, killAt] = process.argv
if (directory !== undefined && operation !== undefined && operation in operations) {
  const store = fileStore({ directory, lockTimeout: 20 })
  let writes = 0
  await onEachStep((name) => { if (!READS.includes(name) && writes++ === Number(killAt)) process.kill(process.pid, 'SIGKILL') })
  await operations[operation]!(store)
}
