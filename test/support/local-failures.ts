import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { openStore, prepareStore } from './engine.js'
import type { StoreRow } from './engines.js'
import { visitors } from './fault-visitors.js'
import { skipOrFail } from './skip.js'
import { mountVolume } from './volume.js'

/** Options of one test each: tap writes the reason why it skipped a test into them. */
export const linux = () => process.platform === 'linux' ? {} : { skip: 'mounts a file system' }
export const posix = () => process.platform === 'win32' ? { skip: 'Windows has other permissions' } : {}

/** Visitors with sessions in a directory, in what the row keeps them in. */
export async function among (t: Test, { address }: StoreRow, directory: string) {
  const there = { ...address, at: join(directory, 'sessions') }
  await prepareStore(there)
  const { store, close } = await openStore(there)
  t.teardown(close)
  const people = await visitors(t, store)
  await people.begin(6)
  return people
}

export async function fullDisk (t: Test, row: StoreRow): Promise<void> {
  await t.test('R-18 on a full disk: sessions are read, every write is a 503, and with room again all is well', linux(), async t => {
    const volume = mountVolume(t, 'size=512k')
    if (volume === undefined) return skipOrFail(t, 'needs root, to mount a small file system')
    const people = await among(t, row, volume)
    const full = join(volume, 'full')
    t.throws(() => writeFileSync(full, Buffer.alloc(1024 * 1024)), { code: 'ENOSPC' })
    t.strictSame(await people.everybody('read'), ['served'])
    // SQLite has a little room of its own left.
    while ((await people.everybody('write')).includes('served'));
    t.strictSame(await people.everybody('write'), ['unavailable'])
    t.strictSame(await people.everybody('read'), ['served'])
    writeFileSync(full, '')
    await people.recover()
  })
}
