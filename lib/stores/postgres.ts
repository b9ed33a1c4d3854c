import { InvalidOption } from '../errors.js'
import type { AsyncStore } from '../../types/store.js'
import { assertOptions, hasMethods } from './internal/options.js'
import { tableOf } from './internal/sql/identifier.js'
import { createPostgresTable, postgresStatements, postgresTable, type Query } from './internal/sql/postgres-table.js'

/** A `Pool` of `pg`, or anything else that runs one statement: docs/connections.md. */
export interface PgPool {
  /** Its rows as arrays, or as objects whose keys are in the order of the columns. */
  query (config: { text: string, values: Array<string | number | null>, rowMode: 'array' }): Promise<{ rows: unknown[] }>
}

/** Options of `postgresStore`. */
export interface PostgresStoreOptions {
  /** A `Pool` of `pg`. It stays yours: you bound it, listen to its errors, end it. */
  pool: PgPool
  /** `table` or `schema.table`, case-sensitive. Default `'sessions'`. */
  table?: string | undefined
}

/**
 * Sessions in PostgreSQL 12 and later: one table, one statement per call. The deadline is judged by the clock of the
 * application, not of the database. NUL and lone surrogates, which `text` cannot hold, are refused and never altered.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for another kind of client, a table name that is none, or another option.
 */
export function postgresStore (options: PostgresStoreOptions): AsyncStore {
  assertOptions('postgresStore', options, ['pool', 'table'])
  const { pool, table = 'sessions' } = options
  return postgresTable('postgresStore', postgresStatements(table), queryOf(pool))
}

/**
 * Creates the table and its indexes unless they exist: `schema/postgres.sql`. Needs the right to create. Rejects with
 * `FST_TYPED_SESSION_INVALID_OPTION` if a table of this name is there that is none of ours.
 */
export async function createTable (pool: PgPool, options: { table?: string | undefined } = {}): Promise<void> {
  await createPostgresTable(tableOf(options), queryOf(pool))
}

const valuesOf = (row: unknown): unknown[] => Array.isArray(row) ? row : Object.values(row as object)

function queryOf (pool: PgPool): Query {
  if (typeof pool === 'function') {
    throw new InvalidOption('pool', 'expected a Pool of pg. For postgres.js use postgresJsStore of fastify-typed-session/stores/postgres-js')
  }
  if (hasMethods(pool, 'execute')) throw new InvalidOption('pool', 'expected a Pool of pg, this is one of mysql2')
  if (!hasMethods(pool, 'query')) throw new InvalidOption('pool', 'expected a Pool of pg')
  return async (text, values) => (await pool.query({ text, values, rowMode: 'array' })).rows.map(valuesOf)
}
