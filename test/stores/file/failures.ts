import { chmodSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { StoreRow } from '../../support/engines.js'
import { scratch } from '../../support/file-scene.js'
import { among, fullDisk, linux, posix } from '../../support/local-failures.js'
import { skipOrFail } from '../../support/skip.js'
import { asOrdinaryUser, asRoot, mountVolume } from '../../support/volume.js'

export async function ofStore (t: Test, row: StoreRow): Promise<void> {
  await fullDisk(t, row)

  await t.test('R-18 on a volume that became read-only: sessions are read, every write is a 503', linux(), async t => {
    const volume = mountVolume(t, 'size=512k')
    if (volume === undefined) return skipOrFail(t, 'needs root, to mount a small file system')
    const people = await among(t, row, volume)
    asRoot('mount', '-o', 'remount,ro', volume)
    t.strictSame(await people.everybody('read'), ['served'])
    t.strictSame(await people.everybody('write'), ['unavailable'])
    asRoot('mount', '-o', 'remount,rw', volume)
    await people.recover()
  })

  await t.test('R-18 in a directory that is gone: a 503, not "no such session", and back with it', async t => {
    const directory = scratch(t)
    const people = await among(t, row, directory)
    renameSync(join(directory, 'sessions'), join(directory, 'away'))
    t.strictSame(await people.everybody(), ['unavailable'])
    renameSync(join(directory, 'away'), join(directory, 'sessions'))
    await people.recover()
  })

  await t.test('R-18 files that may not be read any more: a 503, and back once they may', posix(), async t => {
    const directory = scratch(t)
    const people = await among(t, row, directory)
    const end = asOrdinaryUser(directory)
    try {
      chmodSync(join(directory, 'sessions'), 0)
      t.strictSame(await people.everybody(), ['unavailable'])
      chmodSync(join(directory, 'sessions'), 0o700)
      await people.recover()
    } finally {
      end()
    }
  })
}
