// A process of its own: see race.ts. Says that it is ready and that it has begun, each time goes on with the next line of
// its input, and answers with one line of JSON.
import { createInterface } from 'node:readline'
import type { SessionStore } from '../../types/store.js'
import type { RaceResult, RaceStore, RaceTask } from './race.js'
import { later } from './store-cases.js'

interface Opened { store: SessionStore, close (): Promise<unknown> }

const open: Record<RaceStore, (url: string) => Promise<Opened>> = {
  async pg (url) {
    const { Pool } = (await import('pg')).default
    const { postgresStore } = await import('../../lib/stores/postgres.js')
    const pool = new Pool({ connectionString: url })
    return { store: postgresStore({ pool }), close: () => pool.end() }
  },
  async postgres (url) {
    const { default: sql } = await import('postgres')
    const { postgresJsStore } = await import('../../lib/stores/postgres-js.js')
    const store = postgresJsStore({ connect: () => sql(url) })
    return { store, close: () => store.close!() }
  },
  async mysql2 (url) {
    const pool = (await import('mysql2/promise')).createPool(url)
    const { mysqlStore } = await import('../../lib/stores/mysql.js')
    return { store: mysqlStore({ pool }), close: () => pool.end() }
  },
  async mongodb (url) {
    const client = new (await import('mongodb')).MongoClient(url)
    const { mongoStore } = await import('../../lib/stores/mongodb.js')
    return { store: mongoStore({ collection: client.db().collection('sessions') }), close: () => client.close() }
  }
}

async function increment (store: SessionStore, id: string): Promise<void> {
  const found = await store.load(id) ?? ''
  if (await store.replace(id, found, String(Number(found) + 1), later()) !== 'replaced') await increment(store, id)
}

const { store: name, url, counter, increments, ids } = JSON.parse(process.argv[2] as string) as RaceTask
const { store, close } = await open[name](url)
const input = createInterface(process.stdin)
const lines = input[Symbol.asyncIterator]()
await store.load(counter)
console.log('ready')
await lines.next()

const began = Date.now()
let created = 0
await increment(store, counter)
console.log('begun')
await lines.next()
input.close()
for (let i = 1; i < increments; i++) await increment(store, counter)
for (const id of ids) if (await store.create(id, String(process.pid), later())) created++
const result: RaceResult = { created, began, ended: Date.now() }
await close()
console.log(JSON.stringify(result))
