import mysql from 'mysql2/promise'
import callbackMysql from 'mysql2'
import t from 'tap'
import { createTable, mysqlStore, type MysqlPool } from '../../../lib/stores/mysql.js'
import { mysqlSchema } from '../../../lib/stores/internal/schema/mysql.js'
import { mariadbMissing, mariadbUrl, startMariadb } from './engine.js'
import { skipOrFail } from '../../support/skip.js'
import { collect, hostileTables, later, nearlyA, past } from '../../support/store-cases.js'
import { readText } from '../../support/documents.js'

const missing = mariadbMissing()
const invalid = { code: 'FST_TYPED_SESSION_INVALID_OPTION' }

t.test('K-43 a table name that is not a plain identifier is refused, by the store and by createTable', async (t) => {
  const pool = mysql.createPool({ port: 1 })
  t.teardown(() => pool.end())
  for (const table of hostileTables) {
    t.throws(() => mysqlStore({ pool, table }), invalid, JSON.stringify(table))
    await t.rejects(createTable(pool, { table }), invalid, JSON.stringify(table))
  }
  mysqlStore({ pool, table: 'x'.repeat(63) })
})

t.test('A client that is no pool of mysql2/promise is refused at construction', async (t) => {
  const withCallbacks = callbackMysql.createPool({ port: 1 })
  t.teardown(() => new Promise<void>((resolve) => { withCallbacks.end(() => resolve()) }))
  for (const pool of [undefined, null, {}, { execute: 1 }, withCallbacks] as unknown as MysqlPool[]) {
    t.throws(() => mysqlStore({ pool }), invalid)
  }
})

t.test('schema/mysql.sql is the text that createTable runs', async (t) => {
  const file = readText('lib/stores/internal/schema/mysql.sql')
  t.equal(`${mysqlSchema('sessions')};\n`, file)
})

if (missing) t.test('On a real server', async (t) => skipOrFail(t, missing))
else {
  const server = await startMariadb()
  const uri = mariadbUrl(server.port)
  const newPool = (options: mysql.PoolOptions = {}, setup?: string) => {
    const pool = mysql.createPool({ uri, connectionLimit: 20, ...options })
    if (setup) pool.on('connection', (connection) => { connection.query(setup) })
    return pool
  }
  const pool = newPool()
  t.teardown(async () => {
    await pool.end()
    await server.stop()
  })
  await createTable(pool)
  const store = mysqlStore({ pool })
  const countRows = async () => {
    const [rows] = await pool.query<mysql.RowDataPacket[]>('SELECT COUNT(*) AS count FROM sessions')
    return rows[0]?.count
  }
  const insertOld = (count: number) =>
    pool.query('INSERT INTO sessions (id, payload, expires_at) VALUES ?', [Array.from({ length: count }, (_, index) => [`old${index + 1}`, 'p', index + 1])])
  t.beforeEach(async () => { await pool.query('DELETE FROM sessions') })

  t.test('The store creates nothing unasked', async (t) => {
    const other = mysqlStore({ pool, table: 'absent' })
    await t.rejects(other.load('a'), { code: 'ER_NO_SUCH_TABLE' })
    await t.rejects(other.create('a', 'p', later()), { code: 'ER_NO_SUCH_TABLE' })
  })

  t.test('Reserved and database-qualified names are quoted, and createTable may run twice and at once', async (t) => {
    await pool.query('CREATE DATABASE `select`')
    for (const table of ['user', 'select.table', 'x'.repeat(63)]) {
      await Promise.all(Array.from({ length: 10 }, () => createTable(pool, { table })))
      await createTable(pool, { table })
      const other = mysqlStore({ pool, table })
      t.equal(await other.create('a', table, later(), 's'), true)
      t.equal(await other.load('a'), table)
      t.equal((await collect(other, 's')).length, 1)
    }
    t.equal(await store.load('a'), null)
  })

  t.test('An id, a payload and a subject are compared exactly: trailing blanks, case, accents, normal forms', async (t) => {
    await store.create('a', 'a', later(), 'a')
    for (const other of nearlyA.filter(Boolean)) {
      t.equal(await store.load(other), null, JSON.stringify(other))
      t.equal(await store.touch(other, later()), false)
      t.equal(await store.replace('a', other, 'q', later()), 'conflict')
      t.same(await collect(store, other), [])
      t.equal(await store.create(other, other, later()), true)
    }
    t.equal(await store.load('a'), 'a')
  })

  for (const [name, flags] of [['found', ['FOUND_ROWS']], ['changed', ['-FOUND_ROWS']]] as const) {
    t.test(`On a connection that counts ${name} rows, a write of equal values is a write`, async (t) => {
      const flagged = newPool({ flags: [...flags] })
      t.teardown(() => flagged.end())
      const other = mysqlStore({ pool: flagged })
      const deadline = later()
      t.equal(await other.create('a', 'p', deadline, 's'), true)
      t.equal(await other.create('a', 'p', deadline, 's'), false)
      t.equal(await other.replace('a', 'p', 'p', deadline, 's'), 'replaced')
      t.equal(await other.touch('a', deadline), true)
      const over = past()
      t.equal(await other.create('b', 'p', over), true)
      t.equal(await other.create('b', 'p', over), true, 'what is over may be taken over by its equal')
    })
  }

  t.test('What is too long for its column is refused, also without strict mode, and nothing is cut', async (t) => {
    const lax = newPool({}, "SET sql_mode = ''")
    t.teardown(() => lax.end())
    const other = mysqlStore({ pool: lax })
    const refusal = { name: 'TypeError', message: /cannot keep this (id|payload|subject) exactly/ }
    for (const id of ['x'.repeat(256), 'é'.repeat(128), '\ud800']) {
      await t.rejects(other.create(id, 'p', later()), refusal)
      t.equal(await other.load(id), null)
      t.equal(await other.touch(id, later()), false)
      t.equal(await other.replace(id, 'p', 'q', later()), 'missing')
      await other.delete(id)
    }
    for (const subject of ['x'.repeat(1025), '\udc00']) {
      await t.rejects(other.create('a', 'p', later(), subject), refusal)
      t.same(await collect(other, subject), [])
    }
    await t.rejects(other.create('a', '\ud800', later()), refusal)
    t.equal(await countRows(), 0)

    const [id, subject, payload] = ['é'.repeat(127) + 'x', 'x'.repeat(1024), '💥'.repeat(100_000)]
    t.equal(await other.create(id, payload, later(), subject), true)
    t.equal(await other.load(id), payload)
    t.equal((await collect(other, subject)).length, 1)
    t.equal(await other.replace(id, '\ud800', 'q', later()), 'conflict')
  })

  for (const mode of ['', 'EMPTY_STRING_IS_NULL', 'EMPTY_STRING_IS_NULL,STRICT_ALL_TABLES']) {
    t.test(`An empty payload is kept, an empty id or subject refused, with sql_mode '${mode}'`, async (t) => {
      const moded = newPool({}, `SET sql_mode = '${mode}'`)
      t.teardown(() => moded.end())
      const other = mysqlStore({ pool: moded })
      await t.rejects(other.create('', 'p', later()), /cannot keep this id/)
      t.equal(await other.replace('', 'p', 'q', later()), 'missing')
      await t.rejects(other.create('a', 'p', later(), ''), /cannot keep this subject/)
      t.equal(await other.create('a', 'p', later(), 's'), true)
      await t.rejects(other.replace('a', 'p', 'q', later(), ''), /cannot keep this subject/)
      t.equal(await other.replace('a', 'p', '', later(), 's'), 'replaced')
      t.equal(await other.replace('a', 'p', 'q', later(), 's'), 'conflict')
      t.match(await collect(other, 's'), [{ id: 'a', payload: '' }])
      t.same(await collect(other, ''), [])
      t.equal(await other.replace('a', '', 'q', past(), 's'), 'replaced')
      t.equal(await other.create('a', '', later()), true, 'over what is over')
      t.equal(await store.load('a'), '', 'so it is for a connection without the mode')
    })
  }

  t.test('A deadline with a fraction is kept as the millisecond it is in, and one that is none is refused', async (t) => {
    const deadline = later()
    await store.create('a', 'p', deadline + 0.9, 's')
    t.same(await collect(store, 's'), [{ id: 'a', payload: 'p', expiresAt: deadline }])
    for (const bad of [NaN, Infinity, 2 ** 60]) {
      await t.rejects(store.touch('a', bad), TypeError)
      await t.rejects(store.create('b', 'p', bad), TypeError)
    }
  })

  t.test('The subject index hands out more than one page, each live record once', async (t) => {
    const ids = Array.from({ length: 250 }, (_, index) => `id${String(index).padStart(4, '0')}`)
    await Promise.all(ids.map((id) => store.create(id, 'p', later(), 'many')))
    await store.create('over', 'p', past(), 'many')
    t.same((await collect(store, 'many')).map(({ id }) => id).sort(), ids)
  })

  t.test('Sweep removes what is over in batches, passes by rows that are locked, and returns how many', async (t) => {
    await insertOld(1700)
    await store.create('live', 'p', later())
    const connection = await pool.getConnection()
    await connection.beginTransaction()
    await connection.query("SELECT 1 FROM sessions WHERE id IN ('old1', 'old1200') FOR UPDATE")
    t.equal(await store.sweep?.(), 1698)
    t.equal(await countRows(), 3)
    await connection.commit()
    connection.release()
    t.equal(await store.sweep?.(), 2)
    t.equal(await store.load('live'), 'p')
  })

  t.test('Sweep removes what is over where the connection refuses a DELETE that scans (sql_safe_updates)', async (t) => {
    const careful = newPool({}, 'SET sql_safe_updates = 1')
    t.teardown(() => careful.end())
    await insertOld(501)
    await store.create('a', 'p', later())
    await t.rejects(careful.query('DELETE FROM sessions'), { code: 'ER_UPDATE_WITHOUT_KEY_IN_SAFE_MODE' })
    t.equal(await mysqlStore({ pool: careful }).sweep?.(), 501)
    t.equal(await countRows(), 1)
    await t.rejects(careful.query('DELETE FROM sessions'), { code: 'ER_UPDATE_WITHOUT_KEY_IN_SAFE_MODE' })
  })

  t.test('Sweeps, touches, replaces and creates at once meet no deadlock that a caller sees', async (t) => {
    for (let round = 0; round < 5; round++) {
      await insertOld(1000)
      const ids = Array.from({ length: 50 }, (_, index) => `old${index + 1}`)
      const counts = await Promise.all([
        store.sweep?.(), store.sweep?.(), store.sweep?.(),
        ...ids.map(async (id) => { t.equal(await store.create(id, 'new', later()), true) }),
        ...ids.map(async (id) => { await store.touch(id, later()) })
      ])
      const swept = counts.slice(0, 3).reduce<number>((sum, count) => sum + (count ?? 0), 0)
      t.ok(swept >= 950 && swept <= 1000, `${swept} were swept`)
      t.equal(await countRows(), 50)
      await pool.query('DELETE FROM sessions')
    }
  })

  t.test('Under serializable, where readers lock, of a hundred writers one wins each round', async (t) => {
    const strict = newPool({}, 'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE')
    t.teardown(() => strict.end())
    const other = mysqlStore({ pool: strict })
    await other.create('a', '0', later())
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.all(Array.from({ length: 100 }, async () => {
        await other.load('a')
        return await other.replace('a', String(round), String(round + 1), later())
      }))
      t.equal(outcomes.filter((outcome) => outcome === 'replaced').length, 1)
      t.equal(outcomes.filter((outcome) => outcome === 'conflict').length, 99)
    }
  })

  t.test('A sweep that may not delete is undone and leaves no lock', async (t) => {
    await insertOld(3)
    await pool.query("CREATE USER clerk@'%'")
    await pool.query("GRANT SELECT, UPDATE ON test.sessions TO clerk@'%'")
    const one = newPool({ uri: uri.replace('root@', 'clerk@'), connectionLimit: 1 })
    t.teardown(() => one.end())
    const other = mysqlStore({ pool: one })
    await t.rejects(other.sweep!(), { code: 'ER_TABLEACCESS_DENIED_ERROR' })
    t.equal(await other.load('old1'), null)
    t.equal(await store.sweep?.(), 3, 'no lock is left')
  })

  t.test('With a unique key of somebody else in the way nothing is kept, and create comes to an end', async (t) => {
    await createTable(pool, { table: 'extended' })
    await pool.query('ALTER TABLE extended ADD UNIQUE KEY mine (subject)')
    const other = mysqlStore({ pool, table: 'extended' })
    t.equal(await other.create('a', 'p', later(), 's'), true)
    t.equal(await other.create('b', 'p', later(), 's'), false)
    t.equal(await other.load('b'), null)
  })

  t.test('createTable takes no table of somebody else for its own', async (t) => {
    const foreign = {
      accounts: ['id %s PRIMARY KEY, account BIGINT, seen INT NOT NULL', /accounts is there already.*column payload is missing/],
      other_types: ['id %s PRIMARY KEY, payload BLOB, expires_at TIMESTAMP NULL, subject %s, revision BIGINT', /column expires_at is timestamp/]
    } as const
    for (const [table, [columns, message]] of Object.entries(foreign)) {
      await pool.query(`CREATE TABLE ${table} (${columns.replaceAll('%s', 'VARBINARY(255)')})`)
      await t.rejects(createTable(pool, { table }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message })
    }
    await createTable(pool)
  })
}
