import pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import { InvalidOption } from '../../../lib/errors.js'
import { createTable, postgresStore, type PgPool } from '../../../lib/stores/postgres.js'
import { postgresJsStore } from '../../../lib/stores/postgres-js.js'
import { postgresSchema } from '../../../lib/stores/internal/schema/postgres.js'
import { collect, hostileTables, later, nearlyA, past } from '../../support/store-cases.js'
import { postgresMissing, postgresUrl, startPostgres } from './engine.js'
import { waitUntil } from '../../support/server-process.js'
import { skipOrFail } from '../../support/skip.js'
import { readText } from '../../support/documents.js'

const missing = postgresMissing()

t.test('K-43 a table name that is not a plain identifier is refused, by the store and by createTable', async (t) => {
  const pool = { query: async () => { throw new Error('reached the database') } }
  for (const table of hostileTables) {
    t.throws(() => postgresStore({ pool, table }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, JSON.stringify(table))
    await t.rejects(createTable(pool, { table }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, JSON.stringify(table))
  }
  postgresStore({ pool, table: 'x'.repeat(63) })
  await t.rejects(createTable(pool, { table: 'x'.repeat(51) }), InvalidOption, 'its indexes would share one name')
})

t.test('What is no Pool of pg is refused at construction, and by createTable, with what to write', async (t) => {
  const sql = postgres('postgres://localhost:1/none')
  const refused: Array<[unknown[], RegExp]> = [
    [[undefined, null, {}, { query: 1 }, { unsafe () {}, end () {} }], /option pool: expected a Pool of pg$/],
    [[{ query () {}, execute () {} }], /this is one of mysql2/],
    [[sql, () => sql, () => {}], /For postgres.js use postgresJsStore of fastify-typed-session\/stores\/postgres-js$/]
  ]
  for (const [pools, message] of refused) {
    for (const pool of pools as PgPool[]) {
      t.throws(() => postgresStore({ pool }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message })
      await t.rejects(createTable(pool), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message })
    }
  }
})

t.test('schema/postgres.sql is the text that createTable runs', async (t) => {
  const file = readText('lib/stores/internal/schema/postgres.sql')
  t.equal(postgresSchema('sessions').map((statement) => `${statement};\n`).join('\n'), file)
})

if (missing) t.test('On a real server', async (t) => skipOrFail(t, missing))
else {
  const server = await startPostgres()
  const pool = new pg.Pool({ connectionString: postgresUrl(server.port), max: 50 })
  t.teardown(async () => {
    await pool.end()
    await server.stop()
  })
  await createTable(pool)
  const store = postgresStore({ pool })
  const countRows = async () => Number((await pool.query('SELECT count(*) FROM sessions')).rows[0].count)
  t.beforeEach(async () => { await pool.query('DELETE FROM sessions') })

  t.test('The store creates nothing unasked', async (t) => {
    const other = postgresStore({ pool, table: 'absent' })
    await t.rejects(other.load('a'), { code: '42P01' })
    await t.rejects(other.create('a', 'p', later()), { code: '42P01' })
  })

  t.test('What the application has pg make of booleans and numbers changes no answer', async (t) => {
    const odd: Record<number, (text: string) => unknown> = { 16: (text) => text === 't' ? 1 : 0, 20: BigInt, 23: String }
    const getTypeParser = (oid: number) => odd[oid] ?? ((text: string) => text)
    const own = new pg.Pool({ connectionString: postgresUrl(server.port), types: { getTypeParser: getTypeParser as typeof pg.types.getTypeParser } })
    t.teardown(() => own.end())
    const other = postgresStore({ pool: own })
    t.equal(await other.create('a', 'p', later(), 's'), true)
    t.equal(await other.create('a', 'p', later()), false)
    t.equal(await other.replace('a', 'x', 'q', later(), 's'), 'conflict')
    t.equal(await other.replace('a', 'p', 'q', later(), 's'), 'replaced')
    t.equal(await other.touch('a', later()), true)
    t.match(await collect(other, 's'), [{ id: 'a', payload: 'q', expiresAt: Number }])
    t.equal(await other.replace('b', 'p', 'q', later()), 'missing')
  })

  t.test('Reserved, capital and schema-qualified names are quoted, and tables do not see each other', async (t) => {
    await pool.query('CREATE SCHEMA "Select"')
    for (const table of ['user', 'User', 'Select.table', 'x'.repeat(50)]) {
      await createTable(pool, { table })
      const other = postgresStore({ pool, table })
      t.equal(await other.create('a', table, later(), 's'), true)
      t.equal(await other.load('a'), table)
      t.equal((await collect(other, 's')).length, 1)
    }
    t.equal(await store.load('a'), null)
    const indexes = await pool.query("SELECT indexname FROM pg_indexes WHERE tablename = 'table' AND schemaname = 'Select'")
    t.equal(indexes.rows.length, 3, 'the primary key, the deadline and the subject have an index each')
  })

  t.test('createTable may run twice, and in twenty processes at once', async (t) => {
    for (let round = 0; round < 20; round++) {
      const table = `together_${round}`
      await Promise.all(Array.from({ length: 20 }, () => createTable(pool, { table })))
      await createTable(pool, { table })
      t.equal(await postgresStore({ pool, table }).load('a'), null)
    }
  })

  t.test('An id, a payload and a subject are compared exactly: trailing blanks, case, normal forms', async (t) => {
    await store.create('a', 'p', later(), 's')
    for (const other of nearlyA) {
      t.equal(await store.load(other), null, JSON.stringify(other))
      t.equal(await store.touch(other, later()), false)
      t.equal(await store.create(other, other, later()), true)
    }
    t.equal(await store.replace('a', 'p ', 'q', later()), 'conflict')
    t.same(await collect(store, 's '), [])
    t.equal(await store.load('a'), 'p')
  })

  t.test('What a text column cannot hold is refused and never altered', async (t) => {
    for (const bad of ['a\0b', 'a\ud800b', '\udc00', '\0']) {
      const refusal = { name: 'TypeError', message: /cannot keep this (id|payload|subject) exactly/ }
      await t.rejects(store.create(bad, 'p', later()), refusal)
      await t.rejects(store.create('a', bad, later()), refusal)
      await t.rejects(store.create('a', 'p', later(), bad), refusal)
      t.equal(await store.load(bad), null)
      t.equal(await store.touch(bad, later()), false)
      t.equal(await store.replace(bad, 'p', 'q', later()), 'missing')
      await store.delete(bad)
      t.same(await collect(store, bad), [])
      t.equal(await store.replace('a', bad, 'q', later()), 'missing')
    }
    t.equal(await countRows(), 0)
    await store.create('a', '\ufffd', later())
    t.equal(await store.replace('a', '\ud800', 'q', later()), 'conflict', 'U+FFFD is not what a lone surrogate is stored as')
    await t.rejects(store.replace('a', '\ufffd', '\0', later()), TypeError)
    t.equal(await store.load('a'), '\ufffd')
  })

  t.test('A deadline with a fraction is kept as the millisecond it is in', async (t) => {
    const deadline = later()
    await store.create('a', 'p', deadline + 0.9, 's')
    t.same(await collect(store, 's'), [{ id: 'a', payload: 'p', expiresAt: deadline }])
    t.equal(await store.touch('a', deadline + 10.5), true)
    t.equal((await collect(store, 's'))[0]?.expiresAt, deadline + 10)
    await t.rejects(store.touch('a', NaN))
    await t.rejects(store.create('b', 'p', Infinity))
  })

  t.test('The subject index hands out more than one page, each live record once', async (t) => {
    const ids = Array.from({ length: 250 }, (_, index) => `id${String(index).padStart(4, '0')}`)
    await Promise.all(ids.map((id) => store.create(id, 'p', later(), 'many')))
    await store.create('over', 'p', past(), 'many')
    t.same((await collect(store, 'many')).map(({ id }) => id).sort(), ids)
  })

  t.test('Sweep removes what is over in batches, passes by rows that are locked, and returns how many', async (t) => {
    await pool.query('INSERT INTO sessions SELECT \'old\' || i, \'p\', i FROM generate_series(1, 2500) AS i')
    await store.create('live', 'p', later())
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query("SELECT 1 FROM sessions WHERE id IN ('old1', 'old2000') FOR UPDATE")
    t.equal(await store.sweep?.(), 2498)
    t.equal(await countRows(), 3)
    await client.query('COMMIT')
    client.release()
    t.equal(await store.sweep?.(), 2)
    t.equal(await store.load('live'), 'p')
  })

  t.test('Two sweepers at once remove each row once', async (t) => {
    await pool.query('INSERT INTO sessions SELECT \'old\' || i, \'p\', i FROM generate_series(1, 5000) AS i')
    const counts = await Promise.all([store.sweep?.(), store.sweep?.(), store.sweep?.()])
    const rest = await store.sweep?.()
    t.equal([...counts, rest].reduce<number>((sum, count) => sum + (count ?? 0), 0), 5000)
    t.equal(await countRows(), 0)
  })

  t.test('A replace that waited for a delete says missing, and for another replace says conflict', async (t) => {
    for (const [statement, expected] of [['DELETE FROM sessions', 'missing'], ["UPDATE sessions SET payload = 'other'", 'conflict']] as const) {
      await store.create('a', 'p', later())
      const client = await pool.connect()
      await client.query('BEGIN')
      await client.query(statement)
      const waiting = store.replace('a', 'p', 'q', later())
      await waitUntil('the replace waits', async () => (await pool.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 1)
      await client.query('COMMIT')
      client.release()
      t.equal(await waiting, expected)
    }
  })

  for (const isolation of ['repeatable read', 'serializable']) {
    t.test(`Under ${isolation} a serialization failure is tried again, and of a hundred writers one wins each round`, async (t) => {
      const strict = new pg.Pool({ connectionString: postgresUrl(server.port), max: 50, options: `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}` })
      t.teardown(() => strict.end())
      const strictStore = postgresStore({ pool: strict })
      await strictStore.create('a', '0', later())
      for (let round = 0; round < 5; round++) {
        const outcomes = await Promise.all(Array.from({ length: 100 }, () => strictStore.replace('a', String(round), String(round + 1), later())))
        t.equal(outcomes.filter((outcome) => outcome === 'replaced').length, 1)
        t.equal(outcomes.filter((outcome) => outcome === 'conflict').length, 99)
      }
    })
  }

  t.test('postgres.js with a transform of column names and bigint as BigInt reads the same', async (t) => {
    const connect = () => postgres(postgresUrl(server.port), { transform: postgres.camel, types: { bigint: postgres.BigInt }, prepare: false })
    const other = postgresJsStore({ connect })
    t.teardown(() => other.close!())
    const deadline = later()
    t.equal(await other.create('a', 'p', deadline, 's'), true)
    t.same(await collect(other, 's'), [{ id: 'a', payload: 'p', expiresAt: deadline }])
    t.equal(await other.load('a'), 'p')
  })

  t.test('createTable takes no table of somebody else for its own', async (t) => {
    const foreign = {
      accounts: ['id %s PRIMARY KEY, account BIGINT, seen INT NOT NULL', /accounts is there already.*column payload is missing/],
      other_types: ['id %s PRIMARY KEY, payload %s, expires_at TIMESTAMP NULL, subject %s, revision BIGINT', /column expires_at is timestamp/]
    } as const
    for (const [table, [columns, message]] of Object.entries(foreign)) {
      await pool.query(`CREATE TABLE ${table} (${columns.replaceAll('%s', 'TEXT')})`)
      await t.rejects(createTable(pool, { table }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message })
    }
    await createTable(pool)
  })

  t.test('A schema in the name of the table holds whatever the connection\'s search_path says; without it search_path decides', async (t) => {
    const one = new pg.Pool({ connectionString: postgresUrl(server.port), max: 1 })
    t.teardown(() => one.end())
    await one.query('CREATE SCHEMA tenant')
    for (const table of ['public.kept', 'tenant.kept']) await createTable(one, { table })
    const [named, unnamed] = [postgresStore({ pool: one, table: 'public.kept' }), postgresStore({ pool: one, table: 'kept' })]
    await named.create('id', 'payload', later())
    t.equal(await unnamed.load('id'), 'payload')
    await one.query('SET search_path TO tenant')
    t.equal(await named.load('id'), 'payload')
    t.equal(await unnamed.load('id'), null)
  })
}
