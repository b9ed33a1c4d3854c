// A process of its own: see race.ts. Says that it is ready and that it has begun, each time goes on with the next line of
// its input, and answers with one line of JSON.
import { createInterface } from 'node:readline'
import type { SessionStore } from '../../types/store.js'
import { openStore } from './engine.js'
import type { RaceResult, RaceTask } from './race.js'
import { later } from './store-cases.js'

async function increment (store: SessionStore, id: string): Promise<void> {
  const found = await store.load(id) ?? ''
  if (await store.replace(id, found, String(Number(found) + 1), later()) !== 'replaced') await increment(store, id)
}

const { address, counter, increments, ids } = JSON.parse(process.argv[2] as string) as RaceTask
const { store, close } = await openStore(address)
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
