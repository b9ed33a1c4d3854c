import { InvalidOption } from '../../errors.js'
import { hasMethods } from '../options.js'
import { RenewedSql } from './renewed-sql.js'
import { errorField, retry } from './retry.js'

type Value = string | number | null

/** A `Pool` of `pg`. */
export interface PgPool {
  query (config: { text: string, values: Value[], rowMode: 'array' }): Promise<{ rows: unknown[][] }>
}

/** The `sql` function of `postgres` (postgres.js). */
export interface PostgresSql {
  unsafe (text: string, values: Value[], options: { prepare: boolean }): { values (): PromiseLike<unknown[][]> }
}

/** One that the store made itself. */
export interface OwnSql extends PostgresSql {
  /** `timeout`: seconds that statements still have. */
  end (options: { timeout: number }): PromiseLike<unknown>
}

export type PostgresClient = PgPool | PostgresSql | (() => OwnSql)

/** One statement; its rows as arrays, so that no transform of column names can reach them. */
export type Run = (text: string, values?: Value[]) => Promise<unknown[][]>

// serialization_failure, deadlock_detected: nothing was written, under any isolation level.
const didNothing = (error: unknown) => ['40001', '40P01'].includes(errorField(error, 'code') as string)

export interface Runner {
  readonly run: Run
  /** Ends what the store made itself; a pool that was handed in stays open. */
  close (): Promise<void>
}

/** Throws `InvalidOption` unless `pool` is one of the three. */
export function runner (pool: PostgresClient): Runner {
  const { once, close } = connection(pool)
  return { run: (text, values = []) => retry(() => once(text, values), didNothing), close }
}

interface Connection {
  readonly once: (text: string, values: Value[]) => Promise<unknown[][]>
  readonly close: () => Promise<void>
}

function connection (pool: PostgresClient): Connection {
  if (isSql(pool)) return { once: (text, values) => rowsOf(pool, text, values), close: noop }
  if (typeof pool === 'function') {
    const renewed = new RenewedSql(() => assertOwn(pool()))
    return { once: (text, values) => renewed.run((sql) => rowsOf(sql, text, values)), close: () => renewed.close() }
  }
  // A pool of mysql2 has both.
  if (hasMethods(pool, 'query') && !hasMethods(pool, 'execute')) {
    return { once: async (text, values) => (await pool.query({ text, values, rowMode: 'array' })).rows, close: noop }
  }
  throw new InvalidOption('pool', 'expected a Pool of pg, the sql function of postgres, or a function that makes one of postgres')
}

// prepare: postgres.js then needs one round trip, not two. It is ignored where the connection says prepare: false.
const rowsOf = async (sql: PostgresSql, text: string, values: Value[]) => await sql.unsafe(text, values, { prepare: true }).values()

const isSql = (pool: PostgresClient): pool is PostgresSql => hasMethods(pool, 'unsafe')

function assertOwn (made: OwnSql): OwnSql {
  if (hasMethods(made, 'unsafe', 'end')) return made
  throw new InvalidOption('pool()', 'expected the function to return the sql function of postgres: () => postgres(url, { … })')
}

const noop = async () => {}
