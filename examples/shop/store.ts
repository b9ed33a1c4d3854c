import { fileURLToPath } from 'node:url'
import type { SessionStore } from 'fastify-typed-session'

export interface OpenStore { readonly store: SessionStore, close (): unknown }

type Open = (address: string) => Promise<OpenStore>

// STORE=… npm run shop. Each opens the client of its own; the session plugin never does. That tables and indexes are
// created when the shop starts is the shop's decision, too: elsewhere a migration does it.
const stores: Readonly<Record<string, Open>> = {
  async memory () {
    const { memoryStore } = await import('fastify-typed-session/stores/memory')
    return { store: memoryStore(), close () {} }
  },

  async file (address) {
    const { fileStore } = await import('fastify-typed-session/stores/file')
    return { store: fileStore({ directory: pathOf(address) }), close () {} }
  },

  async sqlite (address) {
    const { createTable, sqliteStore } = await import('fastify-typed-session/stores/sqlite')
    const database = await openSqlite(pathOf(address))
    await createTable(database)
    return { store: sqliteStore({ database }), close: () => database.close() }
  },

  async redis (address) {
    const { Redis } = await import('ioredis')
    const { redisStore } = await import('fastify-typed-session/stores/redis')
    const client = new Redis(address, {
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

  async memcached (address) {
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

  async postgres (address) {
    const { default: { Pool } } = await import('pg')
    const { createTable, postgresStore } = await import('fastify-typed-session/stores/postgres')
    const pool = new Pool({ connectionString: address, max: 10, connectionTimeoutMillis: 1000, query_timeout: 1000 })
    pool.on('error', report)
    await createTable(pool)
    return { store: postgresStore({ pool }), close: () => pool.end() }
  },

  async mysql (address) {
    const { createPool } = await import('mysql2/promise')
    const { createTable, mysqlStore } = await import('fastify-typed-session/stores/mysql')
    const pool = createPool({ uri: address, connectionLimit: 10, connectTimeout: 1000 })
    await createTable(pool)
    return { store: mysqlStore({ pool }), close: () => pool.end() }
  },

  async mongodb (address) {
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
  }
}

/** The store that `STORE` names; `null`: the session lives in the cookie. */
export async function openStore (address: string | undefined): Promise<OpenStore | null> {
  if (address === undefined || address === '' || address === 'cookie') return null
  const kind = address.split(':', 1).join()
  const open = stores[kind]
  if (open === undefined) throw new Error(`STORE=${kind} is none of: cookie, ${Object.keys(stores).join(', ')}`)
  return open(address)
}

export function pathOf (address: string): string {
  return address.startsWith('file://') ? fileURLToPath(address) : address.slice(address.indexOf(':') + 1)
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
