import { quoteTable, tableParts } from '../sql/identifier.js'

/** The statements of `schema/sqlite.sql`, for a table of this name. */
export function sqliteSchema (table: string): string[] {
  const name = tableParts(table).at(-1) as string
  // An index lives in the database of its table, and names the table without it.
  const index = (column: string) => quoteTable(table, '"').replace(/"$/, `_${column}"`)
  return [
    'PRAGMA journal_mode = WAL',
    `CREATE TABLE IF NOT EXISTS ${quoteTable(table, '"')} (
  id         TEXT    NOT NULL PRIMARY KEY,
  payload    TEXT    NOT NULL,
  expires_at INTEGER NOT NULL, -- milliseconds since the epoch
  subject    TEXT
) STRICT`,
    `CREATE INDEX IF NOT EXISTS ${index('expires_at')} ON "${name}" (expires_at)`,
    `CREATE INDEX IF NOT EXISTS ${index('subject')} ON "${name}" (subject) WHERE subject IS NOT NULL`
  ]
}
