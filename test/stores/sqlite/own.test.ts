import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mock } from 'node:test'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { sqliteSchema } from '../../../lib/stores/internal/schema/sqlite.js'
import { whenFree } from '../../../lib/stores/internal/sql/sqlite-client.js'
import { createTable, sqliteStore } from '../../../lib/stores/sqlite.js'
import { drivers } from './engine.js'
import { collect, hostileTables, later } from '../../support/store-cases.js'
import type { Test } from 'tap'
import type { Connection } from './engine.js'
import { readText } from '../../support/documents.js'

const invalidOption = { code: 'FST_TYPED_SESSION_INVALID_OPTION' }
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
/** Where a driver may be missing: before `node:sqlite`, and at home for a Node that the addon was not built for. */
const mayMiss: Record<string, boolean> = {
  'node:sqlite': major < 22 || (major === 22 && minor < 13),
  'better-sqlite3': process.env.CI === undefined
}

for (const [name, driver] of Object.entries(drivers)) {
  if ('missing' in driver) {
    t.test(`the store on ${name}`, mayMiss[name] ? { skip: driver.missing } : {}, async (t) => t.fail(driver.missing))
    continue
  }
  t.test(`the store on ${name}`, async (t) => {
    const scene = { name, open: driver.open }
    names(t, scene)
    setUp(t, scene)
    busy(t, scene)
    batches(t, scene)
  })
}

interface Driver { name: string, open: (path: string) => Connection }

function scratch (t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'sqlite-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return join(directory, 'sessions.db')
}

function opened (t: Test, { open }: Driver, path = scratch(t)): Connection {
  const database = open(path)
  t.teardown(() => database.close())
  return database
}

function names (t: Test, driver: Driver): void {
  t.test('K-43 refuses every table name that is no plain name', async (t) => {
    const database = opened(t, driver)
    for (const table of hostileTables) {
      t.throws(() => sqliteStore({ database, table }), invalidOption, String(table))
      await t.rejects(createTable(database, { table }), invalidOption, String(table))
    }
    t.same(database.prepare('SELECT name FROM sqlite_master').all(), [])
  })

  t.test('K-43 takes a keyword for a table name, and one in another database of the connection', async (t) => {
    const database = opened(t, driver)
    database.exec("ATTACH ':memory:' AS other")
    for (const table of ['select', 'other.sessions', 'x'.repeat(63)]) {
      await createTable(database, { table })
      const store = sqliteStore({ database, table })
      t.equal(await store.create('id', table, later()), true)
      t.equal(await store.load('id'), table)
    }
  })
}

function setUp (t: Test, driver: Driver): void {
  t.test('creates nothing unasked, and tells how to create it', async (t) => {
    const database = opened(t, driver)
    t.throws(() => sqliteStore({ database }), { ...invalidOption, message: /no such table.*createTable/ })
    t.same(database.prepare('SELECT name FROM sqlite_master').all(), [])
    t.match(database.prepare('PRAGMA journal_mode').get(), { journal_mode: 'delete' })
  })

  t.test('createTable may run again, keeps what is there and turns on write-ahead logging', async (t) => {
    const database = opened(t, driver)
    await createTable(database)
    await sqliteStore({ database }).create('id', 'payload', later())
    await createTable(database)
    t.equal(await sqliteStore({ database }).load('id'), 'payload')
    t.match(database.prepare('PRAGMA journal_mode').get(), { journal_mode: 'wal' })
  })

  t.test('finds by id, by subject and by deadline with an index', async (t) => {
    const database = opened(t, driver)
    await createTable(database)
    const plans: Array<[sql: string, index: RegExp]> = [
      ['SELECT payload FROM sessions WHERE id = ? AND expires_at > ?', /autoindex/],
      ['SELECT rowid FROM sessions WHERE subject = ? AND expires_at > ? AND rowid > ? ORDER BY rowid LIMIT 100', /sessions_subject/],
      ['SELECT rowid FROM sessions WHERE expires_at <= ? LIMIT 1000', /sessions_expires_at/]
    ]
    for (const [sql, index] of plans) {
      const plan = JSON.stringify(database.prepare(`EXPLAIN QUERY PLAN ${sql.replaceAll('?', '1')}`).all())
      t.match(plan, index)
      t.notMatch(plan, /TEMP B-TREE|SCAN/)
    }
  })

  t.test('what is kept outlives the connection, and the connection is not closed by the store', async (t) => {
    const path = scratch(t)
    const first = driver.open(path)
    await createTable(first)
    const store = sqliteStore({ database: first })
    await store.create('id', 'payload', later(), 'ann')
    t.notOk('close' in store)
    first.close()
    const again = sqliteStore({ database: opened(t, driver, path) })
    t.equal(await again.load('id'), 'payload')
    t.equal((await collect(again, 'ann')).length, 1)
  })

  t.test('what it cannot keep it refuses, and finds nothing by it', async (t) => {
    const database = opened(t, driver)
    await createTable(database)
    const store = sqliteStore({ database })
    await store.create('id', 'payload', later(), 'ann')
    for (const bad of ['a\0b', '\ud800']) {
      await t.rejects(store.create(bad, 'payload', later()), TypeError)
      await t.rejects(store.create('new', bad, later()), TypeError)
      await t.rejects(store.create('new', 'payload', later(), bad), TypeError)
      await t.rejects(store.replace('id', 'payload', bad, later()), TypeError)
      t.equal(await store.replace('id', bad, 'new', later()), 'conflict')
      t.equal(await store.load(bad), null)
      t.equal(await store.touch(bad, later()), false)
      t.same(await collect(store, bad), [])
      await store.delete(bad)
    }
    t.equal(await store.load('new'), null)
    t.equal(await store.load('id'), 'payload')
  })

  t.test('a deadline is kept to the millisecond, and one that is no number is refused', async (t) => {
    const database = opened(t, driver)
    await createTable(database)
    const store = sqliteStore({ database })
    mock.timers.enable({ apis: ['Date'], now: 1000 })
    t.teardown(() => mock.timers.reset())
    await store.create('id', 'payload', 2000.7)
    mock.timers.setTime(1999)
    t.equal(await store.load('id'), 'payload')
    mock.timers.setTime(2000)
    t.equal(await store.load('id'), null)
    for (const deadline of [NaN, Infinity]) await t.rejects(store.create('x', 'payload', deadline), TypeError)
  })
}

function busy (t: Test, driver: Driver): void {
  t.test('R-20 waits for another writer without stopping the process, and not longer than busyTimeout', async (t) => {
    const path = scratch(t)
    const database = opened(t, driver, path)
    const other = opened(t, driver, path)
    await createTable(database)
    const store = sqliteStore({ database, busyTimeout: 0.3 })
    await store.create('id', 'payload', later())
    other.exec('BEGIN IMMEDIATE')
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    await t.rejects(store.touch('id', later()), /locked|busy/i)
    await t.rejects(store.create('new', 'payload', later()))
    await t.rejects(store.replace('id', 'payload', 'new', later()))
    await t.rejects(store.delete('id'))
    await t.rejects(store.sweep())
    clearInterval(timer)
    t.ok(turns > 10, `${turns} turns of other work`)
    t.equal(await store.load('id'), 'payload', 'reading needs no lock')
    setTimeout(() => other.exec('COMMIT'), 20)
    t.equal(await store.touch('id', later()), true, 'and goes on when it may')
  })

  t.test('R-20 two processes that add to one record lose no addition', async (t) => {
    const path = scratch(t)
    const database = opened(t, driver, path)
    await createTable(database)
    const store = sqliteStore({ database })
    await store.create('counter', '0', later())
    const worker = fileURLToPath(new URL('../../support/sqlite-worker.js', import.meta.url))
    const run = () => promisify(execFile)(process.execPath, [...process.execArgv, worker, driver.name, path])
    await Promise.all([run(), run()])
    t.equal(await store.load('counter'), '400')
  })

  t.test('a failure of another kind is told at once', async (t) => {
    const database = opened(t, driver)
    await createTable(database)
    const store = sqliteStore({ database, busyTimeout: 100 })
    database.exec('DROP TABLE sessions')
    await t.rejects(store.load('id'), /no such table/)
    await t.rejects(store.create('id', 'payload', later()), /no such table/)
  })
}

function batches (t: Test, driver: Driver): void {
  t.test('sweeps in batches and lets other work go on between them', async (t) => {
    const database = opened(t, driver)
    await createTable(database)
    const store = sqliteStore({ database })
    database.exec("WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2500) INSERT INTO sessions SELECT 'id' || i, '', i, NULL FROM n")
    await store.create('live', 'payload', later())
    let turns = 0
    let swept = false
    const count = (): void => { turns++; if (!swept) setImmediate(count) }
    setImmediate(count)
    t.equal(await store.sweep(), 2500)
    swept = true
    t.ok(turns >= 50, `${turns} times: more than fifty rows at once are felt`)
    t.equal(await store.load('live'), 'payload')
  })
}

const errors: Array<[error: object, busy: boolean]> = [
  [{ code: 'ERR_SQLITE_ERROR', errcode: 5 }, true],
  [{ code: 'ERR_SQLITE_ERROR', errcode: 517 }, true],
  [{ code: 'ERR_SQLITE_ERROR', errcode: 6 }, true],
  [{ code: 'ERR_SQLITE_ERROR', errcode: 1 }, false],
  [{ code: 'SQLITE_BUSY' }, true],
  [{ code: 'SQLITE_BUSY_SNAPSHOT' }, true],
  [{ code: 'SQLITE_LOCKED' }, true],
  [{ code: 'SQLITE_FULL' }, false],
  [{}, false]
]

for (const [error, busy] of errors) {
  t.test(`${JSON.stringify(error)} is ${busy ? 'tried again' : 'told at once'}`, async (t) => {
    let attempts = 0
    const attempt = () => {
      if (++attempts === 1) throw Object.assign(new Error('first'), error)
      return 'done'
    }
    if (busy) t.equal(await whenFree(attempt, 1000), 'done')
    else await t.rejects(whenFree(attempt, 1000), { message: 'first' })
    t.equal(attempts, busy ? 2 : 1)
  })
}

t.test('anything but a database is refused', async (t) => {
  for (const database of [undefined, null, 'sessions.db', {}, { prepare () {} }]) {
    t.throws(() => sqliteStore({ database: database as never }), invalidOption)
    await t.rejects(createTable(database as never), invalidOption)
  }
})

t.test('a busyTimeout that is no time is refused', async (t) => {
  const database = { exec () {}, prepare: () => ({ run: () => ({ changes: 0 }), get () {}, all: () => [] }) }
  for (const busyTimeout of [-1, NaN, Infinity]) t.throws(() => sqliteStore({ database, busyTimeout }), invalidOption)
  t.ok(sqliteStore({ database, busyTimeout: 0 }))
})

t.test('rows are asked for as objects, where a driver can give arrays', async (t) => {
  const asked: boolean[] = []
  const statement = { run: () => ({ changes: 0 }), get () {}, all: () => [], setReturnArrays: (enabled: boolean) => asked.push(enabled) }
  sqliteStore({ database: { exec () {}, prepare: () => statement } })
  t.same(new Set(asked), new Set([false]))
})

t.test('a driver may say null where there is no row, as bun:sqlite does', async (t) => {
  const statement = { run: () => ({ changes: 0 }), get: () => null, all: () => [] }
  const store = sqliteStore({ database: { exec: () => {}, prepare: () => statement } })
  t.equal(await store.load('a'), null)
  t.equal(await store.replace('a', 'old', 'new', later()), 'missing')
})

t.test('schema/sqlite.sql is what createTable runs', async (t) => {
  const shipped = readText('lib/stores/internal/schema/sqlite.sql')
  t.equal(shipped, sqliteSchema('sessions').map((statement) => `${statement};\n`).join('\n'))
})
