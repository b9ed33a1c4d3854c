import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { visitors } from '../support/fault-visitors.js'
import { scratch } from '../support/file-scene.js'
import { watchProcess } from '../support/process-events.js'
import { skipOrFail } from '../support/skip.js'
import { drivers, isMissing } from '../support/sqlite.js'
import { type ClientName, openStore, prepareStore } from '../support/store-clients.js'
import { asOrdinaryUser, asRoot, mountVolume } from '../support/volume.js'

/** Options of one test each: tap writes the reason why it skipped a test into them. */
const linux = () => process.platform === 'linux' ? {} : { skip: 'mounts a tmpfs' }
const posix = process.platform === 'win32' ? { skip: 'Windows has other permissions' } : {}

/** Visitors with sessions in a directory. */
async function among (t: Test, client: ClientName, directory: string) {
  const { uncaught } = watchProcess(t)
  const address = { client, at: join(directory, 'sessions') }
  await prepareStore(address)
  const { store, close } = await openStore(address)
  t.teardown(close)
  const people = await visitors(t, store)
  await people.begin(6)
  async function recover () {
    await people.recover()
    t.strictSame(uncaught, [], 'nothing was left unhandled')
  }
  return { ...people, recover }
}

const sqlite = ['better-sqlite3', 'node:sqlite'] as const

for (const client of ['file', ...sqlite] as const) {
  t.test(`R-18 ${client} on a full disk: sessions are read, every write is a 503, and with room again all is well`, linux(), async t => {
    if (isMissing(t, client)) return
    const volume = mountVolume(t, 'size=512k')
    if (volume === undefined) return skipOrFail(t, 'needs root, to mount a small file system')
    const people = await among(t, client, volume)
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

t.test('R-18 files on a volume that became read-only: sessions are read, every write is a 503', linux(), async t => {
  const volume = mountVolume(t, 'size=512k')
  if (volume === undefined) return skipOrFail(t, 'needs root, to mount a small file system')
  const people = await among(t, 'file', volume)
  asRoot('mount', '-o', 'remount,ro', volume)
  t.strictSame(await people.everybody('read'), ['served'])
  t.strictSame(await people.everybody('write'), ['unavailable'])
  asRoot('mount', '-o', 'remount,rw', volume)
  await people.recover()
})

t.test('R-18 files in a directory that is gone: a 503, not "no such session", and back with it', async t => {
  const directory = scratch(t)
  const people = await among(t, 'file', directory)
  renameSync(join(directory, 'sessions'), join(directory, 'away'))
  t.strictSame(await people.everybody(), ['unavailable'])
  renameSync(join(directory, 'away'), join(directory, 'sessions'))
  await people.recover()
})

t.test('R-18 files that may not be read any more: a 503, and back once they may', posix, async t => {
  const directory = scratch(t)
  const people = await among(t, 'file', directory)
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

for (const client of sqlite) {
  t.test(`R-20 ${client} with a second writer that does not end: sessions are read, every write is a 503 in time`, async t => {
    if (isMissing(t, client)) return
    const directory = scratch(t)
    const people = await among(t, client, directory)
    const driver = drivers[client] as { open: (path: string) => { exec (sql: string): unknown, close (): unknown } }
    const other = driver.open(join(directory, 'sessions'))
    t.teardown(() => { other.close() })
    other.exec('BEGIN IMMEDIATE')
    t.strictSame(await people.everybody('read'), ['served'])
    t.strictSame(await people.everybody('write'), ['unavailable'])
    other.exec('ROLLBACK')
    await people.recover()
  })
}
