import { InvalidOption } from '../errors.js'
import type { AsyncStore } from '../../types/store.js'
import { assertOptions, assertPositiveSeconds, hasMethods } from './internal/options.js'
import { tableOf } from './internal/sql/identifier.js'
import { createPostgresTable, postgresStatements, postgresTable, type Query } from './internal/sql/postgres-table.js'
import { RenewedSql } from './internal/sql/renewed-sql.js'

/** Seconds for one statement: postgres.js has no limit of its own, and waits on a dead connection for ever. */
const PATIENCE = 1
/** Seconds for a statement that creates, and may have to wait for others. */
const PATIENCE_TO_CREATE = 60

/** The `sql` function of `postgres` (postgres.js). */
export interface PostgresSql {
  unsafe (text: string, values: Array<string | number | null>, options: { prepare: boolean }): { values (): PromiseLike<unknown[][]> }
  /** `timeout`: seconds that statements still have. */
  end (options: { timeout: number }): PromiseLike<unknown>
}

/** Options of `postgresJsStore`. */
export interface PostgresJsStoreOptions {
  /**
   * `() => postgres(url, { … })`. The store makes a pool of its own with it, at once and again when a connection was lost.
   * The last pool ends when the application is closed.
   */
  connect: () => PostgresSql
  /**
   * Seconds that a statement may take, its wait for a connection counted. After that the connection counts as lost. Default 1.
   */
  statementTimeout?: number | undefined
  /** `table` or `schema.table`, case-sensitive. Default `'sessions'`. */
  table?: string | undefined
}

/**
 * Sessions in PostgreSQL 12 and later by `postgres` (postgres.js), in the same table and by the same statements as
 * `postgresStore`. Throws `FST_TYPED_SESSION_INVALID_OPTION` for anything but a function that makes a `sql`, for a bad table
 * name, for a timeout that is no positive number, and for another option. Throws what `connect` throws.
 */
export function postgresJsStore (options: PostgresJsStoreOptions): AsyncStore {
  assertOptions('postgresJsStore', options, ['connect', 'statementTimeout', 'table'])
  const { connect, statementTimeout = PATIENCE, table = 'sessions' } = options
  assertPositiveSeconds('statementTimeout', statementTimeout)
  const statements = postgresStatements(table)
  const sql = renewed(connect, statementTimeout)
  return { ...postgresTable('postgresJsStore', statements, queryOf(sql)), close: () => sql.close() }
}

/**
 * Creates the table and its indexes unless they exist, by a pool that is ended afterwards: `schema/postgres.sql`. Needs the
 * right to create. Rejects with `FST_TYPED_SESSION_INVALID_OPTION` if a table of this name is there that is none of ours.
 */
export async function createTable (connect: () => PostgresSql, options: { table?: string | undefined } = {}): Promise<void> {
  const table = tableOf(options)
  const sql = renewed(connect, PATIENCE_TO_CREATE)
  await createPostgresTable(table, queryOf(sql)).finally(() => sql.close())
}

// prepare: postgres.js then needs one round trip, not two. It is ignored where the connection says prepare: false.
const queryOf = (renewedSql: RenewedSql<PostgresSql>): Query => (text, values) =>
  renewedSql.run(async (sql) => await sql.unsafe(text, values, { prepare: true }).values())

function renewed (connect: () => PostgresSql, seconds: number): RenewedSql<PostgresSql> {
  if (isSql(connect)) {
    throw new InvalidOption('connect', 'this is a pool, and the store replaces its own when a connection is lost. Write a function that makes one: () => postgres(url, { … })')
  }
  if (hasMethods(connect, 'query')) {
    throw new InvalidOption('connect', 'this is a Pool of pg. Write postgresStore({ pool }), of fastify-typed-session/stores/postgres')
  }
  if (typeof connect !== 'function') throw new InvalidOption('connect', EXPECTED)
  return new RenewedSql(() => {
    const made: unknown = connect()
    if (!isSql(made)) throw new InvalidOption('connect()', EXPECTED)
    return made
  }, seconds * 1000)
}

const isSql = (made: unknown): made is PostgresSql => hasMethods(made, 'unsafe', 'end')
const EXPECTED = 'expected a function that makes a pool of postgres.js: () => postgres(url, { … })'
