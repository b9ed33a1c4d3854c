import { DatabaseSync } from 'node:sqlite'
import { createTable, sqliteStore } from 'fastify-typed-session/stores/sqlite'

const database = new DatabaseSync(':memory:', { timeout: 0 })
await createTable(database)
export const store = sqliteStore({ database, table: 'sessions', busyTimeout: 1 })

// @ts-expect-error the path is not the database
sqliteStore({ database: ':memory:' })
