import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fileStore } from '../../../lib/stores/file.js'
import { runWorker } from '../../support/file-process.js'
import { filesIn, letPass, scratch } from '../../support/file-scene.js'
import { waitUntil } from '../../support/server-process.js'
import { later } from '../../support/store-cases.js'

t.test('a write that lands late, from a process that is alive, brings no deleted session back', process.platform === 'linux' ? {} : { skip: 'only Linux tells when a process was started' }, async (t) => {
  const directory = scratch(t)
  const store = fileStore({ directory, lockTimeout: 0.02 })
  await store.create('kept', 'old', later(), 'ann')
  const slow = runWorker([directory, 'late'])
  await waitUntil('it renames', async () => existsSync(join(directory, 'renaming')))
  for (let minute = 0; minute < 3; minute++) {
    await t.rejects(store.delete('kept'), { code: 'ELOCKED' }, 'who deletes is told that it did not')
    await store.sweep()
    letPass(60_000)
  }
  t.equal(await store.load('kept'), 'old')
  writeFileSync(join(directory, 'go'), '')
  t.match(await slow, { code: 0 })
  t.equal(await store.load('kept'), 'late')
  await store.delete('kept')
  t.equal(await store.load('kept'), null)
  t.strictSame(filesIn(directory).sort(), [join(directory, 'go'), join(directory, 'renaming')])
})
