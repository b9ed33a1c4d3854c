import { createRequire } from 'node:module'
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

function driver (load: () => (path: string) => Connection) {
  try {
    return { open: load() }
  } catch (error) {
    return { missing: (error as Error).message.split('\n')[0]! }
  }
}
