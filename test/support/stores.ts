import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { mariadbMissing, startMariadb } from './mariadb.js'
import { ferretdbMissing, givenMongo, givenMongoMissing, javaServerMissing, startFerretdb, startJavaServer } from './mongodb.js'
import { postgresMissing, startPostgres } from './postgres.js'
import type { RunningServer } from './server-process.js'
import {
  memcachedMissing, redisMissing, startMemcached, startRedis, startRedisCluster, startSentinel, startValkey, valkeyMissing
} from './servers.js'
import { skipOrFail } from './skip.js'
import { drivers } from './sqlite.js'
import { type Address, type ClientName, openStore, type OpenedStore, prepareStore } from './store-clients.js'

export type Family = 'file' | 'sqlite' | 'redis' | 'valkey' | 'redis-groups' | 'memcached' | 'postgres' | 'mysql' | 'mongodb'

export interface Capabilities {
  /** `findBySubject`. */
  readonly findsBySubject: boolean
  /** What a killed server had acknowledged is there when it starts again. */
  readonly durable: boolean
  /** And so is what it acknowledged in its last second. mongo-java-server writes to disk in the background. */
  readonly flushes: boolean
  /** Keeps the contract under parallel writes. FerretDB 1 does not: its updates are not atomic. */
  readonly atomic: boolean
}

/** What clients connect to: shared by all tests of a file. */
interface Engine {
  readonly at: string
  /** Where a proxy has to connect to, and what is then to connect to. Clients of a group would go past a proxy. */
  readonly behind?: Reachable
  /** The one process behind it, where there is one over TCP that a test may end. */
  readonly server?: RunningServer
  stop (): Promise<void>
}

export interface Reachable {
  readonly host: string
  readonly port: number
  through (port: number): string
}

interface EngineKind {
  readonly family: Family
  readonly missing: () => string | undefined
  /** Nothing that could be installed: missing, it is skipped in CI too. */
  readonly mayMiss?: boolean
  readonly start: () => Promise<Engine>
  readonly clients: readonly ClientName[]
  readonly capabilities?: Partial<Capabilities>
}

/** A row of the table: a client, and the data it reaches. */
export interface StoreRow {
  readonly name: string
  readonly address: Address
  readonly capabilities: Capabilities
  readonly server: RunningServer | undefined
  readonly behind: Reachable | undefined
  readonly store: OpenedStore['store']
  /** Another client of the same data, as another process would have. */
  another (): Promise<OpenedStore>
}

const single = async (start: Promise<RunningServer>): Promise<Engine> => {
  const server = await start
  return { at: String(server.port), behind: { ...server, through: String }, server, stop: async () => await server.stop() }
}

async function given (): Promise<Engine> {
  const mongo = await givenMongo()
  const isOne = !mongo.at.startsWith('mongodb+srv:') && !mongo.at.includes(',')
  return isOne ? { ...mongo, behind: mongo } : mongo
}

async function inDirectory (path: string): Promise<Engine> {
  const directory = mkdtempSync(join(tmpdir(), 'session-test-stores-'))
  return { at: join(directory, path), stop: async () => rmSync(directory, { recursive: true, force: true }) }
}

const missingDriver = (name: string) => () => {
  const driver = drivers[name]
  return driver === undefined || 'missing' in driver ? driver?.missing ?? name : undefined
}

/** Every store, on every engine, with every client. */
const engines: Record<string, EngineKind> = {
  files: { family: 'file', missing: () => undefined, start: async () => await inDirectory('sessions'), clients: ['file'] },
  'better-sqlite3': {
    family: 'sqlite', missing: missingDriver('better-sqlite3'), start: async () => await inDirectory('a.db'), clients: ['better-sqlite3']
  },
  'node:sqlite': {
    family: 'sqlite',
    missing: missingDriver('node:sqlite'),
    mayMiss: process.versions.node.startsWith('20.'),
    start: async () => await inDirectory('b.db'),
    clients: ['node:sqlite']
  },
  Redis: { family: 'redis', missing: redisMissing, start: async () => await single(startRedis({ durable: true })), clients: ['ioredis', 'node-redis'] },
  Valkey: { family: 'valkey', missing: valkeyMissing, start: async () => await single(startValkey({ durable: true })), clients: ['ioredis', 'node-redis'] },
  'Redis Cluster': {
    family: 'redis-groups',
    missing: redisMissing,
    async start () {
      const cluster = await startRedisCluster()
      return { at: cluster.addresses.map(({ port }) => port).join(), stop: async () => await cluster.stop() }
    },
    clients: ['ioredis on a Cluster', 'node-redis on a Cluster']
  },
  'Redis Sentinel': {
    family: 'redis-groups',
    missing: redisMissing,
    async start () {
      const group = await startSentinel()
      return { at: String(group.sentinel.port), stop: async () => await group.stop() }
    },
    clients: ['ioredis with Sentinel', 'node-redis with Sentinel']
  },
  Memcached: {
    family: 'memcached',
    missing: memcachedMissing,
    start: async () => await single(startMemcached()),
    clients: ['memcache-client'],
    capabilities: { findsBySubject: false, durable: false }
  },
  PostgreSQL: { family: 'postgres', missing: postgresMissing, start: async () => await single(startPostgres()), clients: ['pg', 'postgres.js'] },
  MariaDB: { family: 'mysql', missing: mariadbMissing, start: async () => await single(startMariadb()), clients: ['mysql2'] },
  'mongo-java-server': { family: 'mongodb', missing: javaServerMissing, start: async () => await single(startJavaServer()), clients: ['mongodb'], capabilities: { flushes: false } },
  FerretDB: {
    family: 'mongodb', missing: ferretdbMissing, start: async () => await single(startFerretdb()), clients: ['mongodb'], capabilities: { atomic: false }
  },
  'the MongoDB at MONGODB_URL': { family: 'mongodb', missing: givenMongoMissing, mayMiss: true, start: given, clients: ['mongodb'] }
}

export const families: readonly Family[] = [...new Set(Object.values(engines).map(({ family }) => family))]

/**
 * Runs `tests` for each store of a family, one after the other, on servers of this test file's own that are stopped at
 * the end. Without its server a row is skipped, and fails in CI.
 */
export async function eachStore (family: Family, tests: (t: Test, row: StoreRow) => Promise<unknown>, only: (row: Capabilities) => boolean = () => true): Promise<void> {
  for (const [engineName, { missing, mayMiss, start, clients, capabilities: special, ...kind }] of Object.entries(engines)) {
    const capabilities = { findsBySubject: true, durable: true, flushes: true, atomic: true, ...special }
    if (kind.family !== family || !only(capabilities)) continue
    await t.test(engineName, async t => {
      const reason = missing()
      if (reason !== undefined) return mayMiss ? t.plan(0, reason) : skipOrFail(t, reason)
      const engine = await start()
      t.teardown(() => engine.stop())
      for (const client of clients) {
        await t.test(client, async t => {
          const address = { client, at: engine.at }
          const connections: OpenedStore[] = []
          t.teardown(async () => { await Promise.all(connections.map((connection) => connection.close())) })
          const another = async () => {
            const connection = await openStore(address)
            connections.push(connection)
            return connection
          }
          await prepareStore(address)
          const { store } = await another()
          await tests(t, { name: `${engineName} with ${client}`, address, capabilities, server: engine.server, behind: engine.behind, store, another })
        })
      }
    })
  }
}
