import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { startDatabase } from './database-process.js'
import { hasBinary, host, type RunningServer } from './server-process.js'
import { root } from './root.js'

const server = (name: string) => join(root, '.ci/servers', name)
const ferretdb = server('ferretdb-v1.24.2')
const javaServer = server('mongo-java-server-1.47.0')

/** Why the tests against mongo-java-server cannot run here, or nothing when they can. */
export const javaServerMissing = () => hasBinary('java') && existsSync(javaServer)
  ? undefined
  : 'mongo-java-server is not installed (scripts/install-mongo-java-server.sh)'

/** Why the tests against FerretDB cannot run here, or nothing when they can. */
export const ferretdbMissing = () => existsSync(ferretdb) ? undefined : 'FerretDB is not built (scripts/install-ferretdb.sh)'

export const mongoUrl = (port: number) => `mongodb://${host}:${port}/sessions_test`

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

/** A MongoDB that is not ours: its own collection there, which `stop` drops. */
export interface GivenMongo {
  /** The address, and behind a `#` the collection. */
  readonly at: string
  readonly host: string
  readonly port: number
  /** The same collection through another port of this machine. */
  through (port: number): string
  stop (): Promise<void>
}

/** Why no test can reach a real MongoDB, or nothing when one is given. */
export const givenMongoMissing = () => process.env.MONGODB_URL ? undefined : 'MONGODB_URL names no server'

/** The one at MONGODB_URL. The tests that break connections need it to be one server without TLS. */
export async function givenMongo (): Promise<GivenMongo> {
  const url = process.env.MONGODB_URL as string
  const name = `session_test_${randomBytes(6).toString('hex')}`
  const [, before = '', address = '', path = '/test', options = ''] = /^(mongodb(?:\+srv)?:\/\/(?:[^/@]*@)?)([^/?]+)(\/[^?]*)?(?:\?(.*))?$/.exec(url) ?? []
  const [host = '', port = '27017'] = address.split(':')
  return {
    at: `${url}#${name}`,
    host,
    port: Number(port),
    through: port => `${before}127.0.0.1:${port}${path}?${[options, 'directConnection=true'].filter(Boolean).join('&')}#${name}`,
    async stop () {
      const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 })
      await client.db().dropCollection(name).finally(() => client.close())
    }
  }
}
