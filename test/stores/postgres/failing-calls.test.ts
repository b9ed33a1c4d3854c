import pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import { withDeadline } from '../../../lib/async/timeout.js'
import { createTable, postgresStore } from '../../../lib/stores/postgres.js'
import { postgresJsStore } from '../../../lib/stores/postgres-js.js'
import { busy } from '../../support/busy.js'
import { postgresMissing, postgresUrl, startPostgres } from './engine.js'
import { waitUntil } from '../../support/server-process.js'
import { skipOrFail } from '../../support/skip.js'
import { later } from '../../support/store-cases.js'

const missing = postgresMissing()

if (missing) skipOrFail(t, missing)
else {
  const server = await startPostgres()
  const url = postgresUrl(server.port)
  const newPool = (options: pg.PoolConfig = {}) => {
    const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 1000, query_timeout: 1000, ...options })
    pool.on('error', () => {})
    return pool
  }
  const pool = newPool()
  t.teardown(async () => {
    await pool.end()
    await server.stop()
  })
  await createTable(pool)

  // postgres.js often reports the end of the connection in place of the database's own code.
  const connect = () => postgres(url, { connect_timeout: 1, max: 5, backoff: () => 0.05, fetch_types: false })
  const stores = [
    ['pg', postgresStore({ pool }), /^57P01$/],
    ['postgres', postgresJsStore({ connect }), /^(57P01|CONNECTION_CLOSED|ECONNRESET)$/]
  ] as const

  for (const [name, store, ended] of stores) {
    t.teardown(() => store.close?.())
    const recovered = () => store.load(name).then((payload) => payload === 'kept', () => false)

    t.test(`R-16 ${name}: a connection ended by the server (57P01) fails one call, and the next is answered`, async (t) => {
      await store.create(name, 'kept', later())
      const locker = new pg.Client({ connectionString: url })
      await locker.connect()
      await locker.query('BEGIN')
      await locker.query('LOCK TABLE sessions')
      const refused = t.rejects(store.load(name), { code: ended })
      await waitUntil('the load waits for the lock', async () => (await locker.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 1)
      await locker.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()')
      await refused
      await locker.end()
      await waitUntil('the store answers', recovered, 1000 + busy())
    })

    t.test(`R-15 ${name}: a killed server rejects, and within a second of its return every kept session is back`, async (t) => {
      await server.signal('SIGKILL')
      await t.rejects(store.load(name))
      await t.rejects(store.create(`${name}-down`, 'p', later()))
      await t.rejects(store.replace(name, 'kept', 'p', later()))
      await t.rejects(store.touch(name, later()))
      await server.restart()
      await waitUntil('the store answers', recovered, 1000 + busy())
      t.equal(await store.load(`${name}-down`), null)
    })

    t.test(`R-12 ${name}: a server that hangs (SIGSTOP) is given up by the deadline of a call, and answers when it wakes`, async (t) => {
      await server.signal('SIGSTOP')
      const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => withDeadline({ timeout: 200, store: 'postgres' }, 'load', () => store.load(name))))
      t.ok(outcomes.every(({ status }) => status === 'rejected'))
      await server.signal('SIGCONT')
      await waitUntil('the store answers', recovered, 1000 + busy())
    })
  }

  t.test('R-20 an exhausted pool rejects after its own bounded wait, and serves again when a connection is free', async (t) => {
    const small = newPool({ max: 1, connectionTimeoutMillis: 1000 })
    t.teardown(() => small.end())
    const store = postgresStore({ pool: small })
    const held = await small.connect()
    await t.rejects(store.load('pg'), /timeout/)
    held.release()
    t.equal(await store.load('pg'), 'kept')
  })

  t.test('R-20 too many connections for the server is a rejection with its code', async (t) => {
    const clients = await fillServer()
    await t.rejects(postgresStore({ pool: newPool() }).load('pg'), { code: '53300' })
    await Promise.all(clients.map((client) => client.end()))
  })

  t.test('R-16 on a read-only server reading goes on and every write is a rejection with its code', async (t) => {
    const readOnly = newPool({ options: '-c default_transaction_read_only=on' })
    t.teardown(() => readOnly.end())
    const store = postgresStore({ pool: readOnly })
    t.equal(await store.load('pg'), 'kept')
    const refusal = { code: '25006' }
    await t.rejects(store.create('new', 'p', later()), refusal)
    await t.rejects(store.replace('pg', 'kept', 'p', later()), refusal)
    await t.rejects(store.touch('pg', later()), refusal)
    await t.rejects(store.delete('pg'), refusal)
    await t.rejects(store.sweep!(), refusal)
    t.equal(await store.load('pg'), 'kept')
  })

  async function fillServer () {
    const clients: pg.Client[] = []
    for (;;) {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      try {
        await client.connect()
      } catch {
        return clients
      }
      clients.push(client)
    }
  }
}
