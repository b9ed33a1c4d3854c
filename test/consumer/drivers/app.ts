import { DynamoDB, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import Database from 'better-sqlite3'
import { Cluster, Redis } from 'ioredis'
import { MemcacheClient } from 'memcache-client'
import { MongoClient } from 'mongodb'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import type { SessionStore } from 'fastify-typed-session'
import { createTable as createDynamodbTable, dynamodbStore } from 'fastify-typed-session/stores/dynamodb'
import { memcachedStore } from 'fastify-typed-session/stores/memcached'
import { createIndexes, mongoStore } from 'fastify-typed-session/stores/mongodb'
import { createTable as createMysqlTable, mysqlStore } from 'fastify-typed-session/stores/mysql'
import { createTable as createPostgresTable, postgresStore } from 'fastify-typed-session/stores/postgres'
import { createTable as createPostgresJsTable, postgresJsStore } from 'fastify-typed-session/stores/postgres-js'
import { redisStore } from 'fastify-typed-session/stores/redis'
import { createTable as createSqliteTable, sqliteStore } from 'fastify-typed-session/stores/sqlite'

const pool = new pg.Pool({ max: 5 })
const connect = () => postgres('postgres://localhost/sessions', { max: 5 })
const mysqlPool = mysql.createPool({ uri: 'mysql://localhost/sessions' })
const database = new Database(':memory:', { timeout: 0 })
const collection = new MongoClient('mongodb://localhost').db().collection('sessions')
interface Session { _id: string, payload: string, expiresAt: Date, subject?: string }
const typedCollection = new MongoClient('mongodb://localhost').db().collection<Session>('sessions')
const nodes = [{ host: 'localhost', port: 6379 }]

/** Each driver's own client, as its documentation makes it. */
export const stores: SessionStore[] = [
  redisStore({ client: new Redis() }),
  redisStore({ client: new Redis({ sentinels: nodes, name: 'sessions' }) }),
  redisStore({ client: new Cluster(nodes), prefix: 'sess:' }),
  redisStore({ client: createClient() }),
  redisStore({ client: await createClient({ url: 'redis://localhost' }).connect() }),
  redisStore({ client: createCluster({ rootNodes: [{ url: 'redis://localhost' }] }) }),
  redisStore({ client: createSentinel({ name: 'sessions', sentinelRootNodes: nodes }) }),
  redisStore({ client: createClientPool() }),
  memcachedStore({ client: new MemcacheClient({ server: { server: 'localhost:11211' } }) }),
  postgresStore({ pool }),
  postgresJsStore({ connect, table: 'app.sessions' }),
  mysqlStore({ pool: mysqlPool }),
  mongoStore({ collection }),
  mongoStore({ collection: typedCollection }),
  sqliteStore({ database }),
  dynamodbStore({ client: new DynamoDB() })
]

await createPostgresTable(pool)
await createPostgresJsTable(connect, { table: 'app.sessions' })
await createMysqlTable(mysqlPool)
await createSqliteTable(database)
await createIndexes(collection)
await createDynamodbTable(new DynamoDB())
await createIndexes(typedCollection, { ttl: false })

// @ts-expect-error a pool of pg is none of mysql2
mysqlStore({ pool })
// @ts-expect-error a pool of postgres.js is made by the store
postgresJsStore({ connect: postgres('postgres://localhost/sessions') })
// @ts-expect-error a pool of postgres.js is none of pg
postgresStore({ pool: postgres('postgres://localhost/sessions') })
// @ts-expect-error a pool of pg is handed in, not made
postgresStore({ pool: () => pool })
// @ts-expect-error a pool of mysql2 is none of pg
postgresStore({ pool: mysqlPool })
// @ts-expect-error the client, not its address
redisStore({ client: 'redis://localhost' })
// @ts-expect-error the collection, not its database
mongoStore({ collection: new MongoClient('mongodb://localhost').db() })
// @ts-expect-error the database, not its path
sqliteStore({ database: 'sessions.db' })
// @ts-expect-error a client without a method for each call
dynamodbStore({ client: new DynamoDBClient() })
// @ts-expect-error a client of Redis is none of Memcached
memcachedStore({ client: new Redis() })
