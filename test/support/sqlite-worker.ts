// A process of its own: adds to a record two hundred times, against whoever else does.
import { drivers } from '../stores/sqlite/engine.js'
import { sqliteStore } from '../../lib/stores/sqlite.js'
import { later } from './store-cases.js'

const [, , name = '', path = ''] = process.argv
const driver = drivers[name]
if (driver === undefined || 'missing' in driver) throw new Error(`no ${name}`)
const database = driver.open(path)
const store = sqliteStore({ database, busyTimeout: 30 })
for (let added = 0; added < 200;) {
  const found = await store.load('counter') ?? ''
  if (await store.replace('counter', found, String(Number(found) + 1), later()) === 'replaced') added++
}
database.close()
