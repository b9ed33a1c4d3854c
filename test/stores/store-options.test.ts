import t from 'tap'
import { connectStore } from '../../lib/stores/adapters/connect.js'
import * as dynamodb from '../../lib/stores/dynamodb.js'
import { fileStore } from '../../lib/stores/file.js'
import { memcachedStore } from '../../lib/stores/memcached.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { migratingStore } from '../../lib/stores/adapters/migrating.js'
import { mongoStore } from '../../lib/stores/mongodb.js'
import * as mysql from '../../lib/stores/mysql.js'
import * as postgres from '../../lib/stores/postgres.js'
import * as postgresJs from '../../lib/stores/postgres-js.js'
import { redisStore } from '../../lib/stores/redis.js'
import * as sqlite from '../../lib/stores/sqlite.js'
import { tieredStore } from '../../lib/stores/adapters/tiered.js'
import { scratch } from '../support/file-scene.js'

type Make = (options?: unknown) => unknown

const code = 'FST_TYPED_SESSION_INVALID_OPTION'
const able = (...methods: string[]) => Object.fromEntries(methods.map((name) => [name, async () => {}]))
const database = { prepare: () => ({}) as never, exec: () => {} }
const address = 'tcp://localhost:1'

/** Each store with options that it takes, and values of them that it does not: text for numbers, addresses for clients. */
const stores: Record<string, { make: Make, takes: () => object, refuses: Record<string, readonly unknown[]> }> = {
  memoryStore: { make: memoryStore as Make, takes: () => ({ maxEntries: 10, maxBytes: 10_000 }), refuses: { maxEntries: ['10', null, 0], maxBytes: ['10', null] } },
  fileStore: {
    make: fileStore as Make,
    takes: () => ({ directory: scratch(t), lockTimeout: 1 }),
    refuses: { directory: [undefined, null, '', 5, new URL('file:///tmp/x')], lockTimeout: ['1', null, -1, NaN, [1]] }
  },
  sqliteStore: {
    make: sqlite.sqliteStore as Make,
    takes: () => ({ database, table: 'sessions', busyTimeout: 1 }),
    refuses: { database: [undefined, null, './sessions.db'], table: [null, 5], busyTimeout: ['1', null, -1] }
  },
  memcachedStore: {
    make: memcachedStore as Make, takes: () => ({ client: able('gets', 'add', 'cas', 'delete'), prefix: 'a:' }), refuses: { client: [undefined, null, address], prefix: [null, 5, ''] }
  },
  redisStore: {
    make: redisStore as Make,
    takes: () => ({ client: able('get', 'set', 'eval', 'evalsha', 'duplicate'), prefix: 'a:' }),
    refuses: { client: [undefined, null, address, able('get', 'set', 'eval')], prefix: [null, 5, '', 'a b'] }
  },
  postgresStore: {
    make: postgres.postgresStore as Make,
    takes: () => ({ pool: able('query'), table: 'sessions' }),
    refuses: { pool: [undefined, null, address, able('query', 'execute')], table: [null, 5, ''] }
  },
  postgresJsStore: {
    make: postgresJs.postgresJsStore as Make,
    takes: () => ({ connect: () => able('unsafe', 'end'), statementTimeout: 1, table: 'sessions' }),
    refuses: { statementTimeout: ['1', null, 0, NaN, Infinity], connect: [undefined, null, address, able('query'), able('unsafe', 'end')], table: [null, 5, ''] }
  },
  mysqlStore: {
    make: mysql.mysqlStore as Make, takes: () => ({ pool: able('execute'), table: 'sessions' }), refuses: { pool: [undefined, null, address, able('query')], table: [null, 5] }
  },
  mongoStore: { make: mongoStore as Make, takes: () => ({ collection: able('updateOne') }), refuses: { collection: [undefined, null, address, able('collection')] } },
  dynamodbStore: {
    make: dynamodb.dynamodbStore as Make,
    takes: () => ({ client: able('getItem', 'putItem', 'updateItem', 'deleteItem', 'query'), table: 'sessions' }),
    refuses: { client: [undefined, null, address, able('send')], table: [null, 5, '', 'ab', 'a b', 'x'.repeat(256)] }
  },
  tieredStore: {
    make: tieredStore as Make,
    takes: () => ({ cache: memoryStore(), store: memoryStore(), staleness: 1, cacheTimeout: 1 }),
    refuses: { cache: [undefined, null, address], store: [undefined, null, address], staleness: ['1', null, 0, NaN], cacheTimeout: ['1', null, 0, Infinity] }
  },
  migratingStore: {
    make: migratingStore as Make,
    takes: () => ({ from: memoryStore(), to: memoryStore(), prepare: true }),
    refuses: { from: [undefined, null, address], to: [undefined, null, address], prepare: [null, 'false', 0] }
  }
}

for (const [name, { make, takes, refuses }] of Object.entries(stores)) {
  t.test(`${name} says of options that are missing, of another name or of another kind what to write instead`, async (t) => {
    const usage = `${name}({ ${Object.keys(takes()).join(', ')} })`
    t.ok(make(takes()))
    for (const options of [null, address, 5]) t.throws(() => make(options), { code, message: `must be an object: ${usage}` }, String(options))
    const typo = { ...takes(), lockTimout: 5 }
    t.throws(() => make(typo), { code, message: `${name}({ lockTimout }): there is no such option, it takes ${Object.keys(takes()).join(', ')}` })
    for (const [option, values] of Object.entries(refuses)) {
      for (const value of values) t.throws(() => make({ ...takes(), [option]: value }), { code, message: option }, `${option}: ${String(value)}`)
    }
  })
}

t.test('a client in the place of the options is told where it belongs', async (t) => {
  class Client { get () {} }
  t.throws(() => (redisStore as Make)(new Client()), { code, message: 'redisStore(options): must be a plain object, and this may be what belongs into it: write redisStore({ client })' })
  t.throws(() => (postgres.postgresStore as Make)(new Client()), { code, message: 'write postgresStore({ pool })' })
})

t.test('memoryStore needs no options, every other store does', async (t) => {
  t.ok(memoryStore())
  const { memoryStore: _, ...others } = stores
  for (const [name, { make }] of Object.entries(others)) t.throws(() => make(), { code, message: `must be an object: ${name}({ ` }, name)
  t.throws(() => (connectStore as Make)(), { code, message: 'connectStore(store): needs a store with the methods get, set and destroy' })
})

t.test('createTable says the same of its options', async (t) => {
  const columns = (...types: string[]) => ['id', 'payload', 'expires_at', 'subject', 'revision'].map((name, at) => [name, types[at] ?? ''])
  const postgresColumns = columns('text', 'text', 'bigint', 'text')
  const mysqlColumns = columns('varbinary(255)', 'longblob', 'bigint', 'varbinary(1024)', 'bigint')
  const calls = [
    async (options: object) => await sqlite.createTable(database, options),
    async (options: object) => await postgres.createTable({ query: async () => ({ rows: postgresColumns }) }, options),
    async (options: object) => await postgresJs.createTable(() => ({ unsafe: () => ({ values: async () => postgresColumns }), end: async () => {} }), options),
    async (options: object) => await mysql.createTable({ execute: async () => [mysqlColumns, []] }, options)
  ]
  for (const call of calls) {
    await t.resolves(call({ table: 'a_table' }))
    await t.rejects(call({ tabel: 'a_table' }), { code, message: 'createTable({ tabel }): there is no such option, it takes table' })
    await t.rejects(call({ table: null }), { code, message: 'table' })
    await t.rejects(call(null as never), { code, message: 'must be an object: createTable({ table })' })
  }
})

t.test('postgresStore takes rows as lists and as objects, as other packages hand them on', async (t) => {
  for (const row of [['kept'], { payload: 'kept' }]) {
    t.equal(await postgres.postgresStore({ pool: { query: async () => ({ rows: [row] }) } as never }).load('an id'), 'kept')
  }
})
