import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { fileStore } from '../../../lib/stores/file.js'
import { runWorker } from '../../support/file-process.js'
import { age, fileOf, filesIn, lockText, scratch } from '../../support/file-scene.js'
import { collect, later } from '../../support/store-cases.js'

/** The id of a process that was there and is no more. */
const dead = spawnSync(process.execPath, ['--version']).pid

/** What may be there when the process was killed, under which id. */
const allowed: Record<string, { id: string, payloads: Array<string | null>, done: string | null }> = {
  create: { id: 'fresh', payloads: [null, 'new'], done: 'new' },
  replace: { id: 'kept', payloads: ['old', 'new'], done: 'new' },
  touch: { id: 'kept', payloads: ['old'], done: 'old' },
  delete: { id: 'kept', payloads: ['old', null], done: null },
  sweep: { id: 'kept', payloads: ['old'], done: 'old' },
  /** The lock of a process that died is taken over, by one that dies at it. */
  takeover: { id: 'kept', payloads: ['old', 'new'], done: 'new' }
}

for (const [operation, { id, payloads, done }] of Object.entries(allowed)) {
  t.test(`R-17 a process killed at any step of ${operation} leaves the old record or the new one`, async (t) => {
    const seen = new Set<string | null>()
    let steps = 0
    for (let finished = false; !finished; steps++) {
      const directory = scratch(t)
      const store = fileStore({ directory })
      await store.create('kept', 'old', later(), 'ann')
      await store.create('spent', 'x', Date.now() - 1)
      if (operation === 'takeover') writeFileSync(`${fileOf(directory, 'kept')}.lock`, lockText({ pid: dead }))
      const { signal, code } = await runWorker([directory, operation, String(steps)])
      finished = code === 0
      if (!finished && signal !== 'SIGKILL') t.fail(`ended with ${code}`)

      const found = await store.load(id)
      seen.add(found)
      if (!payloads.includes(found)) t.fail(`found ${found} after step ${steps}`)
      if (finished) t.equal(found, done)
      const subjects = [...await collect(store, 'ann'), ...await collect(store, 'bob')]
      if (subjects.filter((record) => record.id === id).length !== (found === null ? 0 : 1)) t.fail(`subject lost at step ${steps}`)

      // The lock of a dead process is in nobody's way, and what else it left goes with the next sweep.
      if (found !== null && await store.replace(id, found, 'next', later()) !== 'replaced') t.fail(`stuck after step ${steps}`)
      for (const path of filesIn(directory)) if (/\.\w+$/.test(path)) age(path)
      await store.sweep()
      const left = filesIn(directory).filter((path) => /\.\w+$/.test(path))
      if (left.length > 0) t.fail(`left after step ${steps}: ${left}`)
    }
    t.ok(steps > 5, `${steps} steps`)
    t.same([...seen].sort(), [...payloads].sort(), 'each of the allowed outcomes was met')
  })
}
