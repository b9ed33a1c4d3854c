import { createRequire } from 'node:module'
import type { Test } from 'tap'
import { skipOrFail } from './skip.js'
import type { SqliteDatabase } from '../../lib/stores/sqlite.js'

/** A connection of either driver, which waits for nobody by itself. */
export type Connection = SqliteDatabase & { close (): unknown }

const require = createRequire(import.meta.url)

/** Each driver with a way to open a file, or with the reason why it is not there. */
export const drivers: Record<string, { open: (path: string) => Connection } | { missing: string }> = {
  'better-sqlite3': driver(() => {
    const Database: typeof import('better-sqlite3') = require('better-sqlite3')
    // The addon is loaded with the first database.
    new Database(':memory:').close()
    return (path) => new Database(path, { timeout: 0 })
  }),
  'node:sqlite': driver(() => {
    const { DatabaseSync } = require('node:sqlite')
    return (path) => new DatabaseSync(path)
  })
}

/** Whether this is a driver that cannot be had here; then the test has been skipped, or has failed. */
export function isMissing (t: Test, name: string): boolean {
  const driver = drivers[name]
  if (driver === undefined || 'open' in driver) return false
  // Nothing that could be installed.
  if (name === 'node:sqlite' && process.versions.node.startsWith('20.')) t.plan(0, driver.missing)
  else skipOrFail(t, driver.missing)
  return true
}

function driver (load: () => (path: string) => Connection) {
  try {
    return { open: load() }
  } catch (error) {
    return { missing: (error as Error).message.split('\n')[0]! }
  }
}
