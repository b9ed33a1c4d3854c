import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Cluster } from 'ioredis'
import { connectIoredis } from '../src/subjects/clients.mjs'

/**
 * What `scale/server.mjs` is to be, as JSON on its command line.
 *
 * @typedef {object} Plan
 * @property {'memory' | 'redis' | 'cluster' | 'sqlite' | 'postgres'} store
 * @property {string} root
 * @property {string} secret
 * @property {string} [url]
 * @property {number[]} [ports]
 * @property {string} [directory] for the file of SQLite; the parent removes it, because it ends its children hard
 * @property {number} [maxEntries]
 */

/** @param {Plan} plan @returns {Promise<any>} */
export async function openStore ({ store, root, url, ports, directory, maxEntries }) {
  const load = (/** @type {string} */ path) => import(pathToFileURL(join(root, path)).href)
  const module = (/** @type {string} */ name) => load(`dist/lib/stores/${name}.js`)
  switch (store) {
    case 'memory': return (await module('memory')).memoryStore(maxEntries === undefined ? {} : { maxEntries, maxBytes: 2 ** 40 })
    case 'redis': return (await module('redis')).redisStore({ client: await connectIoredis(url) })
    case 'cluster': return (await module('redis')).redisStore({ client: new Cluster((ports ?? []).map((port) => ({ host: '127.0.0.1', port })), { enableAutoPipelining: true }) })
    case 'sqlite': return sqlite(load, module, directory)
    case 'postgres': return postgres(load, module, url)
  }
}

/** @param {(path: string) => Promise<any>} load @param {(name: string) => Promise<any>} module @param {string} [directory] */
async function sqlite (load, module, directory = '.') {
  const { createTable, sqliteStore } = await module('sqlite')
  const { default: Database } = await load('node_modules/better-sqlite3/lib/index.js')
  const database = new Database(join(directory, 'sessions.db'))
  await createTable(database)
  return sqliteStore({ database })
}

/** @param {(path: string) => Promise<any>} load @param {(name: string) => Promise<any>} module @param {string | undefined} url */
async function postgres (load, module, url) {
  const { createTable, postgresStore } = await module('postgres')
  const { default: pg } = await load('node_modules/pg/lib/index.js')
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  await createTable(pool)
  return postgresStore({ pool })
}
