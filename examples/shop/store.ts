import { fileURLToPath } from 'node:url'
import type { SessionStore } from 'fastify-typed-session'

export interface OpenStore { readonly store: SessionStore, close (): unknown }

export type StoreKind = keyof typeof stores

type Open = (address: string) => Promise<OpenStore>

// STORE=… npm run shop. Each opens the client of its own; the session plugin never does. That tables and indexes are
// created when the shop starts is the shop's decision, too: elsewhere a migration does it.
const stores = {
  async memory () {
    const { memoryStore } = await import('fastify-typed-session/stores/memory')
    return { store: memoryStore(), close () {} }
  },

  async file (address: string) {
    const { fileStore } = await import('fastify-typed-session/stores/file')
    return { store: fileStore({ directory: pathOf(address) }), close () {} }
  },

  async sqlite (address: string) {
    const { createTable, sqliteStore } = await import('fastify-typed-session/stores/sqlite')
    const database = await openSqlite(pathOf(address))
    await createTable(database)
    return { store: sqliteStore({ database }), close: () => database.close() }
  },

  async redis (address: string) {
    const { Redis } = await import('ioredis')
    const { redisStore } = await import('fastify-typed-session/stores/redis')
    const client = new Redis(address.replace(/^valkey/, 'redis'), {
      lazyConnect: true,
      maxRetriesPerRequest: 1,
      commandTimeout: 1000,
      connectTimeout: 1000,
      socketTimeout: 1500,
      enableOfflineQueue: false,
      retryStrategy: (times) => Math.min(times * 50, 500)
    })
    client.on('error', report)
    await client.connect()
    return { store: redisStore({ client }), close: () => client.disconnect() }
  },

  async redisCluster (address: string) {
    const { Cluster } = await import('ioredis')
    const { redisStore } = await import('fastify-typed-session/stores/redis')
    const client = new Cluster(addressesOf(address), {
      lazyConnect: true,
      redisOptions: { maxRetriesPerRequest: 1, commandTimeout: 1000, connectTimeout: 1000, socketTimeout: 1500 }
    })
    client.on('error', report)
    await client.connect()
    return { store: redisStore({ client }), close: () => client.disconnect() }
  },

  async memcached (address: string) {
    const { MemcacheClient } = await import('memcache-client')
    const { memcachedStore } = await import('fastify-typed-session/stores/memcached')
    const client = new MemcacheClient({
      server: { server: new URL(address).host, maxConnections: 10 },
      cmdTimeout: 1000,
      connectTimeout: 1000,
      keepDangleSocket: false
    })
    return { store: memcachedStore({ client }), close: () => client.shutdown() }
  },

  async postgres (address: string) {
    const { default: { Pool } } = await import('pg')
    const { createTable, postgresStore } = await import('fastify-typed-session/stores/postgres')
    const pool = new Pool({ connectionString: address, max: 10, connectionTimeoutMillis: 1000, query_timeout: 1000 })
    pool.on('error', report)
    await createTable(pool)
    return { store: postgresStore({ pool }), close: () => pool.end() }
  },

  async mysql (address: string) {
    const { createPool } = await import('mysql2/promise')
    const { createTable, mysqlStore } = await import('fastify-typed-session/stores/mysql')
    const pool = createPool({ uri: address, connectionLimit: 10, connectTimeout: 1000 })
    await createTable(pool)
    return { store: mysqlStore({ pool }), close: () => pool.end() }
  },

  async mongodb (address: string) {
    const { MongoClient } = await import('mongodb')
    const { createIndexes, mongoStore } = await import('fastify-typed-session/stores/mongodb')
    const client = new MongoClient(address, {
      serverSelectionTimeoutMS: 500,
      heartbeatFrequencyMS: 500,
      connectTimeoutMS: 1000,
      socketTimeoutMS: 1000,
      waitQueueTimeoutMS: 1000
    })
    const collection = client.db().collection<{ _id: string }>('sessions')
    await createIndexes(collection)
    return { store: mongoStore({ collection }), close: () => client.close() }
  },

  // Where it is, and as whom, the SDK reads from the environment: AWS_REGION and others.
  async dynamodb () {
    const { DynamoDB } = await import('@aws-sdk/client-dynamodb')
    const { createTable, dynamodbStore } = await import('fastify-typed-session/stores/dynamodb')
    const client = new DynamoDB({ maxAttempts: 2, requestHandler: { connectionTimeout: 500, requestTimeout: 700, throwOnRequestTimeout: true } })
    await createTable(client, { ttl: process.env.AWS_ENDPOINT_URL_DYNAMODB === undefined })
    return { store: dynamodbStore({ client }), close: () => client.destroy() }
  }
} satisfies Record<string, Open>

const kinds = new Map<string, StoreKind | 'cookie'>([
  ['', 'cookie'], ['cookie', 'cookie'], ['memory', 'memory'], ['file', 'file'], ['sqlite', 'sqlite'],
  ['redis', 'redis'], ['rediss', 'redis'], ['valkey', 'redis'], ['valkeys', 'redis'], ['redis+cluster', 'redisCluster'],
  ['memcached', 'memcached'], ['postgres', 'postgres'], ['postgresql', 'postgres'],
  ['mysql', 'mysql'], ['mariadb', 'mysql'], ['dynamodb', 'dynamodb'], ['mongodb', 'mongodb'], ['mongodb+srv', 'mongodb']
])

/** What `STORE` names. Throws for what it cannot be. */
export function kindOf (address = ''): StoreKind | 'cookie' {
  const scheme = address.split(':', 1).join().toLowerCase()
  const kind = kinds.get(scheme)
  if (kind === undefined) throw new Error(`STORE=${scheme}: is none of ${[...kinds.keys()].filter(Boolean).join(', ')}`)
  if ((kind === 'file' || kind === 'sqlite') && pathOf(address) === '') throw new Error(`STORE=${scheme}: names no path`)
  return kind
}

/** The store that `STORE` names; `null`: the session lives in the cookie. */
export async function openStore (address = ''): Promise<OpenStore | null> {
  const kind = kindOf(address)
  if (kind === 'cookie') return null
  const open: Open = stores[kind]
  return open(address).catch((error: unknown) => { throw new Error(`STORE=${kind}: cannot be used (${reasonOf(error)}). Is it running?`, { cause: error }) })
}

/** Where a name has several addresses, each has an error of its own. */
function reasonOf (error: unknown): string {
  return error instanceof AggregateError ? error.errors.map(reasonOf).join(', ') : error instanceof Error ? error.message : String(error)
}

/** `file:./data`, `file:///var/data`, `sqlite:./a.db`, `sqlite:///var/a.db`. */
export function pathOf (address: string): string {
  return /^file:\/\//i.test(address) ? fileURLToPath(address) : address.slice(address.indexOf(':') + 1).replace(/^\/\//, '')
}

/** `redis+cluster://one:6379,two:6379` */
function addressesOf (address: string) {
  return address.replace(/^.*:\/\//, '').split(',').map((node) => new URL(`redis://${node}`)).map(({ hostname, port }) => ({ host: hostname, port: Number(port || 6379) }))
}

/** Node's own from 22.13 on. */
async function openSqlite (path: string) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 13)) {
    // Before Node 22 there is none, and its types are not there either.
    const name = 'node:sqlite'
    const { DatabaseSync }: { DatabaseSync: new (path: string) => import('better-sqlite3').Database } = await import(name)
    return new DatabaseSync(path)
  }
  const { default: Database } = await import('better-sqlite3')
  return new Database(path, { timeout: 0 })
}

/** Without a listener a lost connection would end the process; the store answers for it by itself. */
function report (error: Error): void {
  console.error(error.message)
}
