// The contract of a store, on a SQLite that this runtime has: named by SQLITE. Run by the runtime's own test runner.
import { test } from 'node:test'
import { storeConformance } from 'fastify-typed-session/conformance'
import { createTable, sqliteStore } from 'fastify-typed-session/stores/sqlite'

const { DatabaseSync, Database = DatabaseSync } = await import(process.env.SQLITE)

storeConformance(test, async () => {
  const database = new Database(':memory:')
  await createTable(database)
  return sqliteStore({ database })
})
