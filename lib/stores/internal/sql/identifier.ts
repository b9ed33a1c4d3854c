import { InvalidOption } from '../../../errors.js'
import { assertOptions } from '../options.js'

const identifier = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/

/** The parts of `table` or `schema.table`. Throws `InvalidOption` unless each is a plain SQL name of at most 63 characters. */
export function tableParts (table: unknown): string[] {
  const parts = typeof table === 'string' ? table.split('.') : []
  if (parts.length < 1 || parts.length > 2 || !parts.every((part) => identifier.test(part))) {
    throw new InvalidOption('table', 'expected a name, or schema.name, of letters, digits and underscores, each at most 63 characters')
  }
  return parts
}

/** `table` or `schema.table`, validated and quoted. */
export const quoteTable = (table: unknown, quote: '"' | '`') =>
  tableParts(table).map((part) => quote + part + quote).join('.')

/** Throws `InvalidOption` unless the columns that were found, each with its type, are those of a table of ours. */
export function assertColumns (table: string, found: ReadonlyArray<readonly unknown[]>, expected: Readonly<Record<string, RegExp>>): void {
  const types = new Map(found.map(([column, type]) => [String(column), String(type).toLowerCase()]))
  for (const [column, pattern] of Object.entries(expected)) {
    const type = types.get(column) ?? 'missing'
    if (!pattern.test(type)) throw new InvalidOption('table', `the table ${table} is there already and is somebody else's: its column ${column} is ${type}. Name another: createTable(pool, { table })`)
  }
}

/** The name of the table that `createTable` is to make. Throws `InvalidOption` for another option. */
export function tableOf (options: { table?: string | undefined }): string {
  assertOptions('createTable', options, ['table'])
  const { table = 'sessions' } = options
  return table
}
