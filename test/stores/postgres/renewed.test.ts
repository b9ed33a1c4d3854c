import pg from 'pg'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { createTable, postgresJsStore, type PostgresJsStoreOptions } from '../../../lib/stores/postgres-js.js'
import { onFreePort } from '../../support/ports.js'
import { postgresMissing, postgresUrl, startPostgres } from './engine.js'
import { waitUntil } from '../../support/server-process.js'
import { skipOrFail } from '../../support/skip.js'
import { later } from '../../support/store-cases.js'

type Connect = PostgresJsStoreOptions['connect']

const missing = postgresMissing()

t.test('A function that makes no sql of postgres.js is refused at construction, and what it throws goes to the caller', async (t) => {
  for (const made of [undefined, {}, { unsafe () {} }, { query () {}, end () {} }]) {
    const connect = (() => made) as unknown as Connect
    t.throws(() => postgresJsStore({ connect }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /option connect\(\): expected a function that makes a pool of postgres.js: \(\) => postgres\(url/ })
    await t.rejects(createTable(connect), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
  }
  t.throws(() => postgresJsStore({ connect: () => { throw new Error('no DATABASE_URL') } }), /no DATABASE_URL/)
})

t.test('What makes no pool is refused with what to write: a sql that is shared, a Pool of pg, anything else', async (t) => {
  const refused: Array<[unknown, RegExp]> = [
    [postgres('postgres://localhost:1/none'), /option connect: this is a pool, .* Write a function that makes one: \(\) => postgres\(url/],
    [new pg.Pool(), /option connect: this is a Pool of pg. Write postgresStore\({ pool }\), of fastify-typed-session\/stores\/postgres$/],
    [undefined, /option connect: expected a function/],
    ['postgres://localhost/none', /option connect: expected a function/]
  ]
  for (const [connect, message] of refused) {
    t.throws(() => postgresJsStore({ connect: connect as Connect }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message })
    await t.rejects(createTable(connect as Connect), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message })
  }
})

t.test('A table name that is none is refused before a pool is made', async (t) => {
  const connect = () => { throw new Error('a pool was made') }
  t.throws(() => postgresJsStore({ connect, table: 'a b' }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: 'table' })
})

if (missing) t.test('On a real server', async (t) => skipOrFail(t, missing))
else {
  const server = await startPostgres()
  const admin = new pg.Client({ connectionString: postgresUrl(server.port) })
  await admin.connect()
  t.teardown(async () => {
    await admin.end()
    await server.stop()
  })

  /** A store with a pool of its own, by the name of which the server tells its connections. */
  const open = (t: Test, port = server.port) => {
    const state = { made: 0 }
    const name = `made for ${t.name}`.slice(0, 60)
    const connect = () => {
      state.made++
      return postgres(postgresUrl(port), { max: 3, connect_timeout: 1, backoff: () => 0.05, connection: { application_name: name }, onnotice: () => {} })
    }
    const store = postgresJsStore({ connect })
    t.teardown(() => store.close!())
    const connections = async () => (await admin.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [name])).rows.map(({ pid }) => Number(pid))
    const gone = async (...pids: number[]) => await waitUntil('its connections are gone', async () => !(await connections()).some((pid) => pids.includes(pid)))
    return { store, connect, state, connections, gone }
  }
  const terminate = async (pids: number[]) => await admin.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [pids])

  t.test('The table is created by a pool that is ended', async (t) => {
    const { connect, state, gone, connections } = open(t)
    await createTable(connect)
    t.equal(state.made, 2)
    await gone(...await connections())
  })

  t.test('While nothing is lost there is one pool, which ends with the store, twice or not', async (t) => {
    const { store, state, connections, gone } = open(t)
    await store.create('one', 'kept', later())
    await Promise.all(Array.from({ length: 20 }, () => store.load('one')))
    const pids = await connections()
    t.ok(pids.length > 0)
    await store.close!()
    await store.close!()
    await gone(...pids)
    await t.rejects(store.load('one'))
    await t.rejects(store.load('one'))
    t.equal(state.made, 1, 'and none is made after the end')
  })

  t.test('R-16 a connection that the server ends is one lost statement: the next has a new pool, and the old one is ended', async (t) => {
    const { store, state, connections, gone } = open(t)
    await store.create('lost', 'kept', later())
    for (let round = 1; round <= 2; round++) {
      const pids = await connections()
      await admin.query('BEGIN; LOCK TABLE sessions')
      const waiting = t.rejects(store.load('lost'))
      await waitUntil('it waits for the lock', async () => (await admin.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 1)
      await terminate(await connections())
      await waiting
      await admin.query('ROLLBACK')
      await waitUntil('the pool is old enough to be replaced', async () => await store.load('lost') === 'kept' && state.made === round + 1)
      await gone(...pids)
    }
  })

  t.test('R-12 a statement is given up after a second, and statements that were under way on the old pool are answered', async (t) => {
    const { store, state } = open(t)
    await store.create('slow', 'kept', later())
    await admin.query('BEGIN; LOCK TABLE sessions')
    const early = t.rejects(store.load('slow'), { message: 'no answer within 1000 ms' })
    await admin.query('SELECT pg_sleep(0.5)')
    const late = store.load('slow')
    await early
    await waitUntil('another pool is made', async () => state.made === 2)
    const next = store.load('slow')
    await admin.query('ROLLBACK')
    t.strictSame(await Promise.all([late, next]), ['kept', 'kept'])
  })

  t.test('What the server refuses is no loss: the pool stays', async (t) => {
    const { store, state, connect } = open(t)
    const absent = postgresJsStore({ connect, table: 'absent' })
    t.teardown(() => absent.close!())
    for (let attempt = 0; attempt < 3; attempt++) {
      await t.rejects(absent.load('a'), { code: '42P01' })
      // Older than the shortest life of a pool.
      await admin.query('SELECT pg_sleep(0.06)')
    }
    t.equal(await store.load('a'), null)
    t.equal(state.made, 2, 'one for each store')
  })

  t.test('R-11 a function that fails later leaves the pool that there is, and is asked again after the next loss', async (t) => {
    const { connect, connections } = open(t)
    const calls: string[] = []
    const store = postgresJsStore({
      connect () {
        calls.push(calls.length === 1 ? 'fails' : 'makes')
        if (calls.length === 2) throw new Error('no DATABASE_URL any more')
        return connect()
      }
    })
    t.teardown(() => store.close!())
    await store.create('later', 'kept', later())
    for (const made of [2, 3]) {
      await admin.query('BEGIN; LOCK TABLE sessions')
      const lost = t.rejects(store.load('later'))
      await waitUntil('it waits for the lock', async () => (await admin.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 1)
      await terminate(await connections())
      await lost
      await admin.query('ROLLBACK')
      await waitUntil('the function was called', async () => calls.length === made)
      await waitUntil('the store answers', async () => await store.load('later').catch(() => null) === 'kept')
    }
    t.strictSame(calls, ['makes', 'fails', 'makes'])
  })

  t.test('R-11 a server that is away gets no new pool for every request', async (t) => {
    const start = performance.now()
    const { store, state } = open(t, await onFreePort(async (port) => port))
    for (let attempt = 0; attempt < 100; attempt++) await t.rejects(store.load('a'))
    t.ok(state.made <= 1 + (performance.now() - start) / 100, `${state.made} pools`)
  })

  t.test('A pool that was replaced just before the store is closed is ended as well', async (t) => {
    const { store, state, connections, gone } = open(t)
    await store.create('end', 'kept', later())
    await admin.query('BEGIN; LOCK TABLE sessions')
    await t.rejects(store.load('end'))
    await waitUntil('another pool is made', async () => state.made === 2)
    const held = t.rejects(store.load('end'))
    const pids = await connections()
    await store.close!()
    await held
    await admin.query('ROLLBACK')
    await gone(...pids)
    await t.rejects(store.load('end'))
    await t.rejects(store.load('end'))
    t.equal(state.made, 2, 'what was lost is not replaced after the end')
  })
}
