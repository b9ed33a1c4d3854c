import { InvalidOption } from '../../../errors.js'
import { quoteTable, tableParts } from '../sql/identifier.js'

// PostgreSQL cuts names at 63 bytes: two indexes of one long table name would become one.
const longestIndexed = 50

/** The statements of `schema/postgres.sql`, for a table of this name. */
export function postgresSchema (table: string): string[] {
  const name = tableParts(table).at(-1) as string
  if (name.length > longestIndexed) {
    throw new InvalidOption('table', `createTable names the indexes after it and takes at most ${longestIndexed} characters. Create the table yourself`)
  }
  const quoted = quoteTable(table, '"')
  return [
    `CREATE TABLE IF NOT EXISTS ${quoted} (
  id         text COLLATE "C" PRIMARY KEY,
  payload    text COLLATE "C" NOT NULL,
  expires_at bigint           NOT NULL, -- milliseconds since the epoch, by the application's clock
  subject    text COLLATE "C"
)`,
    `CREATE INDEX IF NOT EXISTS "${name}_expires_at" ON ${quoted} (expires_at)`,
    `CREATE INDEX IF NOT EXISTS "${name}_subject" ON ${quoted} (subject, id) WHERE subject IS NOT NULL`
  ]
}
