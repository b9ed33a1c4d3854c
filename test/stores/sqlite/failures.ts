import { chmodSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { createTable, sqliteStore } from '../../../lib/stores/sqlite.js'
import type { SessionStore } from '../../../types/store.js'
import type { StoreRow } from '../../support/engines.js'
import { visitors } from '../../support/fault-visitors.js'
import { scratch } from '../../support/file-scene.js'
import { among, fullDisk, linux, posix } from '../../support/local-failures.js'
import { skipOrFail } from '../../support/skip.js'
import { asOrdinaryUser, asRoot } from '../../support/volume.js'
import { type Connection, drivers } from './engine.js'

interface Scene extends Awaited<ReturnType<typeof visitors>> {
  readonly directory: string
  readonly path: string
  /** Closes the connection and makes another, as a restart of the application does. */
  reopen (): void
}

/** Visitors with sessions in a database of one driver. A rollback journal is a new file for each write, WAL files stay open. */
async function amongFiles (t: Test, name: string, journal: 'WAL' | 'DELETE'): Promise<Scene> {
  const directory = join(scratch(t), 'database')
  mkdirSync(directory)
  const path = join(directory, 'sessions.db')
  const { open } = drivers[name] as { open: (path: string) => Connection }
  let database = open(path)
  await createTable(database)
  database.exec(`PRAGMA journal_mode = ${journal}`)
  let store = sqliteStore({ database })
  // Closed once: node:sqlite refuses to do so again.
  const opened = new Set([database])
  const close = () => { if (opened.delete(database)) database.close() }
  t.teardown(close)
  const people = await visitors(t, calls(() => store))
  await people.begin(6)
  return {
    ...people,
    directory,
    path,
    reopen () {
      close()
      database = open(path)
      opened.add(database)
      store = sqliteStore({ database })
    }
  }
}

/** The store that is there at the time of a call. */
function calls (store: () => SessionStore): SessionStore {
  return {
    create: async (...args) => await store().create(...args),
    load: async (id) => await store().load(id),
    replace: async (...args) => await store().replace(...args),
    touch: async (...args) => await store().touch(...args),
    delete: async (id) => await store().delete(id)
  }
}

/** Runs a fault as somebody who may not do everything. */
async function ordinarily (directory: string, fault: () => Promise<void>): Promise<void> {
  const end = asOrdinaryUser(dirname(directory))
  try {
    await fault()
  } finally {
    end()
  }
}

async function secondWriter (t: Test, row: StoreRow): Promise<void> {
  await t.test('R-20 with a second writer that does not end: sessions are read, every write is a 503 in time', async t => {
    const directory = scratch(t)
    const people = await among(t, row, directory)
    const { open } = drivers[row.address.client] as { open: (path: string) => Connection }
    const other = open(join(directory, 'sessions'))
    t.teardown(() => { other.close() })
    other.exec('BEGIN IMMEDIATE')
    t.strictSame(await people.everybody('read'), ['served'])
    t.strictSame(await people.everybody('write'), ['unavailable'])
    other.exec('ROLLBACK')
    await people.recover()
  })
}

export async function ofStore (t: Test, row: StoreRow): Promise<void> {
  const { client } = row.address
  await fullDisk(t, row)
  await secondWriter(t, row)

  await t.test('R-18 in a directory that may not be written to: sessions are read, every write is a 503, and back once it may', posix(), async t => {
    const people = await amongFiles(t, client, 'DELETE')
    await ordinarily(people.directory, async () => {
      chmodSync(people.directory, 0o500)
      t.strictSame(await people.everybody('read'), ['served'])
      t.strictSame(await people.everybody('write'), ['unavailable'])
      chmodSync(people.directory, 0o700)
      await people.recover()
    })
  })

  await t.test('R-18 on a file system that became read-only: sessions are read, every write is a 503, and back once it is not', linux(), async t => {
    const people = await amongFiles(t, client, 'DELETE')
    try {
      asRoot('mount', '--bind', people.directory, people.directory)
      asRoot('mount', '-o', 'remount,bind,ro', people.directory)
    } catch {
      return skipOrFail(t, 'needs root, to mount a directory')
    }
    let mounted = true
    const unmount = () => { if (mounted) asRoot('umount', '-l', people.directory) }
    t.teardown(unmount)
    t.strictSame(await people.everybody('read'), ['served'])
    t.strictSame(await people.everybody('write'), ['unavailable'])
    unmount()
    mounted = false
    await people.recover()
  })

  await t.test('R-18 a database whose file was moved away: no write goes where nobody would find it, and back with the file', posix(), async t => {
    const people = await amongFiles(t, client, 'DELETE')
    renameSync(people.path, `${people.path}.away`)
    t.strictSame(await people.everybody('write'), ['unavailable'])
    renameSync(`${people.path}.away`, people.path)
    await people.recover()
  })

  await t.test('R-18 a database that opened a file it may not write to: sessions are read, every write is a 503, and a restart ends it', posix(), async t => {
    const people = await amongFiles(t, client, 'WAL')
    await ordinarily(people.directory, async () => {
      chmodSync(people.path, 0o400)
      people.reopen()
      t.strictSame(await people.everybody('read'), ['served'])
      t.strictSame(await people.everybody('write'), ['unavailable'])
      // Those that SQLite keeps beside it have its permissions.
      for (const name of readdirSync(people.directory)) chmodSync(join(people.directory, name), 0o600)
      people.reopen()
      await people.recover()
    })
  })

  await t.test('R-18 a database whose files may not be opened any more: an open connection serves on, a restart fails at once, not at the first request', posix(), async t => {
    const people = await amongFiles(t, client, 'WAL')
    await ordinarily(people.directory, async () => {
      for (const taken of [people.path, people.directory]) {
        chmodSync(taken, 0)
        t.strictSame(await people.everybody(), ['served'])
        t.throws(() => people.reopen(), /unable to open database file/)
        // What is closed can be asked no more.
        t.strictSame(await people.everybody(), ['unavailable'])
        chmodSync(taken, 0o700)
        people.reopen()
        await people.recover()
      }
    })
  })

  await t.test('R-18 a database with a directory in place of its file refuses to start', async t => {
    const { open } = drivers[client] as { open: (path: string) => Connection }
    const path = join(scratch(t), 'sessions.db')
    mkdirSync(path)
    t.throws(() => sqliteStore({ database: open(path) }), /unable to open database file/)
    rmdirSync(path)
    const database = open(path)
    t.teardown(() => { database.close() })
    await createTable(database)
    t.equal(await sqliteStore({ database }).load('id'), null)
  })
}
