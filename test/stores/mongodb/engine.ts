import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { createIndexes, mongoStore } from '../../../lib/stores/mongodb.js'
import { startDatabase } from '../../support/database-process.js'
import { type Connect, type Engine, type Running, single } from '../../support/engine.js'
import { root } from '../../support/root.js'
import { hasBinary, host, type RunningServer } from '../../support/server-process.js'

const server = (name: string) => join(root, '.ci/servers', name)
const ferretdb = server('ferretdb-v1.24.2')
const javaServer = server('mongo-java-server-1.47.0')

/** Why the tests against mongo-java-server cannot run here, or nothing when they can. */
export const javaServerMissing = () => hasBinary('java') && existsSync(javaServer)
  ? undefined
  : 'mongo-java-server is not installed (scripts/install-mongo-java-server.sh)'

/** Why the tests against FerretDB cannot run here, or nothing when they can. */
export const ferretdbMissing = () => existsSync(ferretdb) ? undefined : 'FerretDB is not built (scripts/install-ferretdb.sh)'

export const mongoUrl = (port: number | string) => `mongodb://${host}:${port}/sessions_test`

async function isUp (port: number): Promise<boolean> {
  const client = new MongoClient(mongoUrl(port), { serverSelectionTimeoutMS: 1000 })
  return await client.db().command({ ping: 1 }).then(() => true, () => false).finally(() => client.close())
}

/** Speaks MongoDB's protocol, updates atomically, keeps its data in a file; has no TTL index. */
export function startJavaServer (): Promise<RunningServer> {
  return startDatabase({
    name: 'mongo-java-server',
    command: 'java',
    args: (port, directory) => ['-cp', `${javaServer}:${javaServer}/*`, 'StartMongoServer', String(port), join(directory, 'data')],
    isUp
  })
}

/** Speaks MongoDB's protocol over SQLite. Version 1 reads and then writes: its updates are not atomic. */
export function startFerretdb (): Promise<RunningServer> {
  return startDatabase({
    name: 'ferretdb',
    command: ferretdb,
    args: (port, directory) => [
      '--handler=sqlite', `--sqlite-url=file:${directory}/`, `--state-dir=${directory}`,
      `--listen-addr=${host}:${port}`, '--debug-addr=-', '--telemetry=disable', '--log-level=ERROR'
    ],
    isUp
  })
}

/** The one at MONGODB_URL: collections of our own there, which `stop` drops. Only one server without TLS can stand behind a proxy. */
async function givenMongo (): Promise<Running> {
  const url = process.env.MONGODB_URL as string
  const name = `session_test_${randomBytes(6).toString('hex')}`
  const [, before = '', address = '', path = '/test', options = ''] = /^(mongodb(?:\+srv)?:\/\/(?:[^/@]*@)?)([^/?]+)(\/[^?]*)?(?:\?(.*))?$/.exec(url) ?? []
  const [host = '', port = '27017'] = address.split(':')
  const through = (port: number) => `${before}127.0.0.1:${port}${path}?${[options, 'directConnection=true'].filter(Boolean).join('&')}#${name}`
  const isOne = !before.includes('+srv') && !address.includes(',')
  return {
    at: `${url}#${name}`,
    ...(isOne && { behind: { host, port: Number(port), through } }),
    async stop () {
      const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 })
      const ours = (await client.db().collections()).filter(({ collectionName }) => collectionName.startsWith(name))
      await Promise.all(ours.map((collection) => collection.drop())).finally(() => client.close())
    }
  }
}

/** At a port, or at an address behind which, after a `#`, stands how the collections' names begin. */
const connect: Connect = (at, { down, options }) => {
  const [url = '', name = 'sessions'] = at.includes('://') ? at.split('#') : [mongoUrl(at)]
  const client = new MongoClient(url, { maxPoolSize: 5, ...options.mongodb })
  // A client whose first connection fails is closed for good, unless somebody connects it again.
  const keepConnecting = () => { client.connect().catch(() => setTimeout(keepConnecting, 200).unref()) }
  if (down) keepConnecting()
  const collection = (space?: string) => client.db().collection(space === undefined ? name : `${name}_${space}`)
  return {
    store: (space) => mongoStore({ collection: collection(space) }),
    prepare: async (space) => await createIndexes(collection(space), { ttl: at.includes('://') }),
    drop: async (space) => await collection(space).drop(),
    close: async () => await client.close()
  }
}

/** FerretDB 1 reads a document, then writes or deletes it: what needs one atomic step, no store can promise on it. */
const needsAtomicUpdates = [
  'of a hundred parallel creates over an expired record exactly one succeeds, and its payload stays',
  'of a hundred parallel replaces exactly one succeeds in each round, the others are conflicts',
  'ten counters that each retry on conflict lose no count',
  'a record deleted while it is being replaced does not come back',
  'a record deleted while it is being touched does not come back',
  'a touch that crosses a replace never brings the old payload back',
  'parallel sweeps count each record once, and do not fail',
  'a sweep lets records be created meanwhile, and leaves them'
]

const clients = { mongodb: connect }

export default {
  'mongo-java-server': { missing: javaServerMissing, start: async () => await single(startJavaServer()), clients, abilities: { flushes: false } },
  FerretDB: { missing: ferretdbMissing, start: async () => await single(startFerretdb()), clients, breaks: needsAtomicUpdates },
  'the MongoDB at MONGODB_URL': {
    missing: () => process.env.MONGODB_URL ? undefined : 'MONGODB_URL names no server', mayMiss: true, start: givenMongo, clients
  }
} satisfies Engine
