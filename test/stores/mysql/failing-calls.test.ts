import mysql from 'mysql2/promise'
import t from 'tap'
import { withDeadline } from '../../../lib/async/timeout.js'
import { createTable, mysqlStore } from '../../../lib/stores/mysql.js'
import { busy } from '../../support/busy.js'
import { mariadbMissing, mariadbUrl, startMariadb } from './engine.js'
import { waitUntil } from '../../support/server-process.js'
import { skipOrFail } from '../../support/skip.js'
import { later } from '../../support/store-cases.js'

const missing = mariadbMissing()

if (missing) skipOrFail(t, missing)
else {
  const server = await startMariadb()
  const newPool = (options: mysql.PoolOptions = {}, setup?: string) => {
    const pool = mysql.createPool({ uri: mariadbUrl(server.port), connectionLimit: 5, connectTimeout: 1000, ...options })
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
  await store.create('a', 'kept', later())
  const recovered = () => store.load('a').then((payload) => payload === 'kept', () => false)

  t.test('R-16 a connection ended by the server fails one call, and the next is answered', async (t) => {
    const locker = await mysql.createConnection(mariadbUrl(server.port))
    await locker.query('LOCK TABLES sessions WRITE')
    const refused = t.rejects(store.load('a'))
    const waiting = async () => {
      const [rows] = await locker.query<mysql.RowDataPacket[]>("SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'")
      return rows[0]?.id as number | undefined
    }
    await waitUntil('the load waits for the lock', async () => await waiting() !== undefined)
    await locker.query(`KILL ${await waiting()}`)
    await refused
    await locker.end()
    await waitUntil('the store answers', recovered, 1000 + busy())
  })

  t.test('R-15 a killed server rejects, and within a second of its return every kept session is back', async (t) => {
    await server.signal('SIGKILL')
    await t.rejects(store.load('a'))
    await t.rejects(store.create('down', 'p', later()))
    await t.rejects(store.replace('a', 'kept', 'p', later()))
    await t.rejects(store.touch('a', later()))
    await server.restart()
    await waitUntil('the store answers', recovered, 1000 + busy())
    t.equal(await store.load('down'), null)
  })

  t.test('R-12 a server that hangs (SIGSTOP) is given up by the deadline of a call, and answers when it wakes', async (t) => {
    await server.signal('SIGSTOP')
    const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => withDeadline({ timeout: 200, store: 'mysql' }, 'load', () => store.load('a'))))
    t.ok(outcomes.every(({ status }) => status === 'rejected'))
    await server.signal('SIGCONT')
    await waitUntil('the store answers', recovered, 1000 + busy())
  })

  t.test('R-20 an exhausted pool waits within the deadline of a call, and a full queue rejects', async (t) => {
    const small = newPool({ connectionLimit: 1, queueLimit: 1 })
    t.teardown(() => small.end())
    const other = mysqlStore({ pool: small })
    const held = await small.getConnection()
    const queued = t.rejects(async () => await withDeadline({ timeout: 100, store: 'mysql' }, 'load', () => other.load('a')), { code: 'FST_TYPED_SESSION_STORE_FAILED' })
    await t.rejects(other.load('a'), /Queue limit/)
    await queued
    held.release()
    t.equal(await other.load('a'), 'kept')
  })

  t.test('R-20 too many connections for the server is a rejection with its code', async (t) => {
    const connections: mysql.Connection[] = []
    for (let full = false; !full;) {
      await mysql.createConnection(mariadbUrl(server.port)).then((connection) => connections.push(connection), () => { full = true })
    }
    const late = newPool()
    t.teardown(() => late.end())
    await t.rejects(mysqlStore({ pool: late }).load('a'), { code: 'ER_CON_COUNT_ERROR' })
    await Promise.all(connections.map((connection) => connection.end()))
  })

  t.test('R-16 where only reading is allowed, every write is a rejection with its code', async (t) => {
    const readOnly = newPool({}, 'SET SESSION TRANSACTION READ ONLY')
    t.teardown(() => readOnly.end())
    const other = mysqlStore({ pool: readOnly })
    t.equal(await other.load('a'), 'kept')
    const refusal = { code: 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION' }
    await t.rejects(other.create('new', 'p', later()), refusal)
    await t.rejects(other.replace('a', 'kept', 'p', later()), refusal)
    await t.rejects(other.touch('a', later()), refusal)
    await t.rejects(other.delete('a'), refusal)
    await t.rejects(other.sweep!(), refusal)
    t.equal(await other.load('a'), 'kept')
  })
}
