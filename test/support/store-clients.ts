import type { SessionStore } from '../../types/store.js'
import { patientOptions } from './client-options.js'
import type { OpenOptions } from './redis-clients.js'
import { host } from './server-process.js'

/** Where a store's data is, as text: another process can be told. `at` is a port, several, a path, a URL. */
export interface Address {
  readonly client: ClientName
  readonly at: string
}

export interface OpenedStore {
  readonly store: SessionStore
  close (): Promise<unknown>
}

export type ClientName = keyof typeof clients

/**
 * One connection to the data for each client. The drivers are loaded when they are asked for, so that a process of its own starts
 * soon.
 */
const clients = {
  async file (directory: string) {
    const { fileStore } = await import('../../lib/stores/file.js')
    return { store: fileStore({ directory, lockTimeout: 10 }), close: async () => {} }
  },
  'better-sqlite3': async (path: string) => await openSqlite('better-sqlite3', path),
  'node:sqlite': async (path: string) => await openSqlite('node:sqlite', path),
  async ioredis (port: string, options: OpenOptions) {
    const { openIoredis } = await import('./redis-clients.js')
    return opened(await openIoredis(Number(port), options))
  },
  async 'node-redis' (port: string, options: OpenOptions) {
    const { openNodeRedis } = await import('./redis-clients.js')
    return opened(await openNodeRedis(Number(port), options))
  },
  async 'ioredis on a Cluster' (ports: string, options: OpenOptions) {
    const { openIoredisCluster } = await import('./redis-clients.js')
    return opened(await openIoredisCluster({ addresses: addressesOf(ports) }, options))
  },
  async 'node-redis on a Cluster' (ports: string, options: OpenOptions) {
    const { openNodeRedisCluster } = await import('./redis-clients.js')
    return opened(await openNodeRedisCluster({ addresses: addressesOf(ports) }, options))
  },
  async 'ioredis with Sentinel' (port: string, options: OpenOptions) {
    const { openIoredisSentinel } = await import('./redis-clients.js')
    return opened(await openIoredisSentinel({ sentinel: { host, port: Number(port) }, name: 'sessions' }, options))
  },
  async 'node-redis with Sentinel' (port: string, options: OpenOptions) {
    const { openNodeRedisSentinel } = await import('./redis-clients.js')
    return opened(await openNodeRedisSentinel({ sentinel: { host, port: Number(port) }, name: 'sessions' }, options))
  },
  async 'memcache-client' (port: string, { options }: OpenOptions) {
    const { openMemcached } = await import('./memcached-client.js')
    const { open, close } = openMemcached(Number(port), options)
    return { store: open(), close: async () => close() }
  },
  async pg (port: string, { options = patientOptions }: OpenOptions) {
    const { Pool } = (await import('pg')).default
    const { createTable, postgresStore } = await import('../../lib/stores/postgres.js')
    const pool = new Pool({ connectionString: `postgres://postgres@${host}:${port}/postgres`, max: 5, ...options.pg })
    pool.on('error', () => {})
    return { store: postgresStore({ pool }), prepare: async () => await createTable(pool), close: async () => await pool.end() }
  },
  async 'postgres.js' (port: string, { options = patientOptions }: OpenOptions) {
    const { default: postgres } = await import('postgres')
    const { createTable, postgresJsStore } = await import('../../lib/stores/postgres-js.js')
    const connect = () => postgres(`postgres://postgres@${host}:${port}/postgres`, { max: 5, ...options.postgres, onnotice: () => {} })
    // One store serves many applications of a test; each would end its pool.
    const { close, ...store } = postgresJsStore({ connect })
    return { store, prepare: async () => await createTable(connect), close: async () => await close!() }
  },
  async mysql2 (port: string, { options = patientOptions }: OpenOptions) {
    const { createPool } = (await import('mysql2/promise')).default
    const { createTable, mysqlStore } = await import('../../lib/stores/mysql.js')
    const pool = createPool({ uri: `mysql://root@${host}:${port}/test`, connectionLimit: 5, ...options.mysql2 })
    return { store: mysqlStore({ pool }), prepare: async () => await createTable(pool), close: async () => await pool.end() }
  },
  async mongodb (at: string, { down = false, options = patientOptions }: OpenOptions) {
    const { MongoClient } = await import('mongodb')
    const { createIndexes, mongoStore } = await import('../../lib/stores/mongodb.js')
    const [url = '', name = 'sessions'] = at.includes('://') ? at.split('#') : [`mongodb://${host}:${at}/sessions_test`]
    const client = new MongoClient(url, { maxPoolSize: 5, ...options.mongodb })
    // A client whose first connection fails is closed for good, unless somebody connects it again.
    const connect = () => { client.connect().catch(() => setTimeout(connect, 200).unref()) }
    if (down) connect()
    const collection = client.db().collection(name)
    return { store: mongoStore({ collection }), prepare: async () => await createIndexes(collection, { ttl: at.includes('://') }), close: async () => await client.close() }
  }
}

async function openSqlite (driver: string, path: string) {
  const { drivers } = await import('./sqlite.js')
  const { createTable, sqliteStore } = await import('../../lib/stores/sqlite.js')
  const found = drivers[driver]
  if (found === undefined || 'missing' in found) throw new Error(`no ${driver}`)
  const database = found.open(path)
  await createTable(database)
  return { store: sqliteStore({ database, busyTimeout: 10 }), close: async () => { database.close() } }
}

const opened = ({ open, close }: { open (): SessionStore, close (): Promise<void> }) => ({ store: open(), close })
const addressesOf = (ports: string) => ports.split(',').map((port) => ({ host, port: Number(port) }))

/** A connection of its own, patient unless it is given other options. `down`: the server is, and the client shall wait for it by itself. */
export async function openStore ({ client, at }: Address, options: OpenOptions = {}): Promise<OpenedStore> {
  const open: (at: string, options: OpenOptions) => Promise<OpenedStore> = clients[client]
  return await open(at, { options: patientOptions, ...options })
}

/** Creates what the store needs to be there: tables, indexes. */
export async function prepareStore ({ client, at }: Address): Promise<void> {
  const connection: OpenedStore & { prepare?: () => Promise<unknown> } = await clients[client](at, { options: patientOptions })
  await connection.prepare?.()
  await connection.close()
}
