import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DynamoDB } from '@aws-sdk/client-dynamodb'
import Database from 'better-sqlite3'
import { Redis } from 'ioredis'
import { MemcacheClient } from 'memcache-client'
import { MongoClient } from 'mongodb'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import { dynamodbStore } from '../../lib/stores/dynamodb.js'
import { fileStore } from '../../lib/stores/file.js'
import { memcachedStore } from '../../lib/stores/memcached.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { mongoStore } from '../../lib/stores/mongodb.js'
import { mysqlStore } from '../../lib/stores/mysql.js'
import { postgresStore } from '../../lib/stores/postgres.js'
import { postgresJsStore } from '../../lib/stores/postgres-js.js'
import { redisStore } from '../../lib/stores/redis.js'
import { createTable, sqliteStore } from '../../lib/stores/sqlite.js'
import type { SessionStore } from '../../types/index.js'
import { clientOptions } from '../support/client-options.js'
import { codeIn, documents, readText, tableOf } from '../support/documents.js'
import { entries as exported } from '../support/entries.js'
import { root } from '../support/root.js'

const manifest = JSON.parse(readText('package.json')) as {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
  peerDependencies: Record<string, string>
}
const entries = Object.keys(exported).map((entry) => `fastify-typed-session${entry.slice(1)}`)
const tables = [tableOf('README.md', 'Stores', 'store'), tableOf('README.md', 'Stores', 'import'), tableOf('docs/stores.md', 'Stores', 'store')]
const [mainRows = [], otherRows = [], details = []] = tables.map((table) => table.rows.map((row) => Object.fromEntries(table.header.map((name, at) => [name, row[at] ?? '']))))
const rows = [...mainRows, ...otherRows]

t.test('the stores are those that are exported, each once', async (t) => {
  const shown = rows.map((row) => codeIn(row.import ?? '').join())
  t.strictSame([...shown].sort(), entries.filter((entry) => entry.includes('/stores/')).sort())
})

t.test('every store is made with what its row says', async (t) => {
  for (const row of rows) {
    const [, name = '', members = ''] = /^`(\w+)\((.*)\)`$/.exec(row['made with'] ?? '') ?? []
    const file = fileOf(codeIn(row.import ?? '').join())
    const module = await import(new URL(`../../${file}.js`, import.meta.url).href) as Record<string, unknown>
    t.type(module[name], 'function', `${name} of ${file}`)
    for (const member of members.match(/(?<=[{,] ?)\w+/g) ?? []) t.match(readText(`${file}.ts`), new RegExp(`\\b${member}: `), `${name} takes ${member}`)
  }
})

t.test('what docs/stores.md says of a store, it does', async (t) => {
  const stores = await makeAll(t.testdir(), (end) => t.teardown(end))
  const shown = mainRows.map((row, at) => [codeIn(row.import ?? '').join().split('/').at(-1), details[at]?.['expires by itself'], details[at]?.['finds by subject']])
  t.strictSame(shown, Object.entries(stores).map(([name, store]) => [name, expires(name, store), store.findBySubject === undefined ? 'no' : 'yes']))
})

t.test('what a store needs are the drivers that it is tested with, and all of them', async (t) => {
  const needed = mainRows.flatMap((row) => codeIn(row.needs ?? ''))
  t.strictSame([...needed].sort(), [...Object.keys(clientOptions), 'better-sqlite3', 'node:sqlite'].sort())
  for (const name of needed.filter((name) => !name.startsWith('node:'))) t.ok(Object.hasOwn(manifest.devDependencies, name), name)
})

t.test('docs/stores.md says the same of every store, in the same order', async (t) => {
  for (const [index, { store = '', needs = '' }] of mainRows.entries()) {
    const { store: versions = '', needs: drivers = '' } = details[index] ?? {}
    t.equal(versions.replace(/ [\d.]+/g, ''), store)
    t.strictSame(codeIn(drivers), codeIn(needs), store)
  }
  t.equal(details.length, mainRows.length)
})

t.test('every entry that a document or a comment names is exported, and the README names every one', async (t) => {
  const texts = [...documents, ...['handle', 'session', 'store', 'options'].map((name) => `types/${name}.ts`)].map((path) => [path, entriesIn(readText(path))] as const)
  for (const [path, named] of texts) t.strictSame(named.filter((entry) => !entries.includes(entry)), [], path)
  t.strictSame(entries.filter((entry) => !entry.endsWith('package.json') && !entriesIn(readText('README.md')).includes(entry)), [])
})

t.test('every entry stands for a file of lib, and has types', async (t) => {
  for (const [entry, target] of Object.entries(exported)) {
    if (entry.endsWith('.json')) continue
    t.equal(target.types, target.default.replace(/\.js$/, '.d.ts'), entry)
    t.ok(existsSync(join(root, target.default.replace('./dist/', '').replace(/\.js$/, '.ts'))), entry)
  }
})

t.test('the dependencies are those of package.json', async (t) => {
  const [, section = ''] = /^## Dependencies\n(.*?)^## /ms.exec(readText('README.md')) ?? []
  t.strictSame(codeIn(section).sort(), Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).sort())
})

/** Of an entry, in lib, without its extension. */
function fileOf (entry: string): string {
  return exported[entry.replace('fastify-typed-session', '.')]?.default.replace(/^\.\/dist\/|\.js$/g, '') ?? ''
}

/** In the words of the table. */
function expires (name: string, store: SessionStore): string {
  if (store.sweep === undefined) return 'yes'
  return readText(`lib/stores/${name}.ts`).includes('expireAfterSeconds') ? 'TTL index, and swept' : 'no, swept'
}

function entriesIn (text: string): string[] {
  return [...text.matchAll(/(?<![\w/.@-])fastify-typed-session\/[a-z][\w/.-]*\w|['`]fastify-typed-session['`]/g)].map(([entry]) => entry.replace(/['`]/g, ''))
}

/** Of real clients that connect to nothing: what a store has does not depend on its server. In the order of the table. */
async function makeAll (folder: string, atEnd: (end: () => unknown) => void): Promise<Record<string, SessionStore>> {
  const database = new Database(':memory:')
  await createTable(database)
  const redis = new Redis({ lazyConnect: true })
  const memcached = new MemcacheClient({ server: 'localhost:1' })
  const pgPool = new pg.Pool()
  const pool = mysql.createPool({})
  const mongo = new MongoClient('mongodb://localhost:1')
  const dynamodb = new DynamoDB({ region: 'none' })
  atEnd(async () => {
    database.close()
    redis.disconnect()
    memcached.shutdown()
    dynamodb.destroy()
    await Promise.all([pgPool.end(), pool.end(), mongo.close()])
  })
  return {
    memory: memoryStore(),
    file: fileStore({ directory: join(folder, 'sessions') }),
    sqlite: sqliteStore({ database }),
    redis: redisStore({ client: redis }),
    memcached: memcachedStore({ client: memcached }),
    postgres: postgresStore({ pool: pgPool }),
    'postgres-js': postgresJsStore({ connect: () => postgres('postgres://localhost:1/none') }),
    mysql: mysqlStore({ pool }),
    mongodb: mongoStore({ collection: mongo.db('test').collection('sessions') }),
    dynamodb: dynamodbStore({ client: dynamodb })
  }
}
