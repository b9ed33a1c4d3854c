import { createRequire } from 'node:module'
import type { Test } from 'tap'
import { createTable, type SqliteDatabase, sqliteStore } from '../../../lib/stores/sqlite.js'
import { type Connect, type Engine, inDirectory, type ServerKind } from '../../support/engine.js'
import { skipOrFail } from '../../support/skip.js'

/** A connection of either driver, which waits for nobody by itself. */
export type Connection = SqliteDatabase & { close (): unknown }

const require = createRequire(import.meta.url)

interface Ways {
  open: (path: string) => Connection
  /** Set up to give integers, and where it can rows, in another shape. */
  openOtherwise: (path: string) => Connection
}

/** The newest that runs here. Version 12, compiled for Node 24.19 or later, aborts at random (nodejs/node#65446). */
const betterSqlite3 = process.versions.node.startsWith('20.') ? 'better-sqlite3' : 'better-sqlite3-13'

/** Each driver with ways to open a file, or with the reason why it is not there. */
export const drivers: Record<string, Ways | { missing: string }> = {
  'better-sqlite3': driver(() => {
    const Database: typeof import('better-sqlite3') = require(betterSqlite3)
    // The addon is loaded with the first database.
    new Database(':memory:').close()
    return {
      open: (path) => new Database(path, { timeout: 0 }),
      openOtherwise: (path) => new Database(path, { timeout: 0 }).defaultSafeIntegers(true)
    }
  }),
  'node:sqlite': driver(() => {
    const { DatabaseSync } = require('node:sqlite')
    return {
      open: (path) => new DatabaseSync(path),
      openOtherwise: (path) => new DatabaseSync(path, { readBigInts: true, returnArrays: true })
    }
  })
}

/** Nothing that could be installed. */
const mayMiss = (name: string) => name === 'node:sqlite' && process.versions.node.startsWith('20.')

/** Whether this is a driver that cannot be had here; then the test has been skipped, or has failed. */
export function isMissing (t: Test, name: string): boolean {
  const driver = drivers[name]
  if (driver === undefined || 'open' in driver) return false
  if (mayMiss(name)) t.plan(0, driver.missing)
  else skipOrFail(t, driver.missing)
  return true
}

function driver (load: () => Ways) {
  try {
    return load()
  } catch (error) {
    return { missing: (error as Error).message.split('\n')[0]! }
  }
}

function connect (name: string, way: keyof Ways): Connect {
  return (path) => {
    const database = (drivers[name] as Ways)[way](path)
    return {
      store: (table = 'sessions') => sqliteStore({ database, table, busyTimeout: 10 }),
      prepare: async (table = 'sessions') => await createTable(database, { table }),
      close: () => database.close()
    }
  }
}

const kindOf = (name: string, found: Ways | { missing: string }): ServerKind => ({
  missing: () => 'missing' in found ? found.missing : undefined,
  mayMiss: mayMiss(name),
  start: async () => await inDirectory('sessions.db'),
  clients: { [name]: connect(name, 'open') },
  otherwise: { [`${name} that is set up to read otherwise`]: connect(name, 'openOtherwise') }
})

const engine: Engine = Object.fromEntries(Object.entries(drivers).map(([name, found]) => [name, kindOf(name, found)]))
export default engine
