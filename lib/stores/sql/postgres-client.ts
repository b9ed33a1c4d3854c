import { InvalidOption } from '../../errors.js'
import { hasMethods } from '../options.js'
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

export type PostgresClient = PgPool | PostgresSql

/** One statement; its rows as arrays, so that no transform of column names can reach them. */
export type Run = (text: string, values?: Value[]) => Promise<unknown[][]>

// serialization_failure, deadlock_detected: nothing was written, under any isolation level.
const didNothing = (error: unknown) => ['40001', '40P01'].includes(errorField(error, 'code') as string)

/** Throws `InvalidOption` unless `pool` is one of the two. */
export function runner (pool: PostgresClient): Run {
  const once = runOnce(pool)
  return (text, values = []) => retry(() => once(text, values), didNothing)
}

function runOnce (pool: PostgresClient): (text: string, values: Value[]) => Promise<unknown[][]> {
  if (isSql(pool)) {
    // prepare: postgres.js then needs one round trip, not two. It is ignored where the connection says prepare: false.
    return async (text, values) => await pool.unsafe(text, values, { prepare: true }).values()
  }
  // A pool of mysql2 has both.
  if (hasMethods(pool, 'query') && !hasMethods(pool, 'execute')) {
    return async (text, values) => (await pool.query({ text, values, rowMode: 'array' })).rows
  }
  throw new InvalidOption('pool', 'expected a Pool of pg or the sql function of postgres')
}

const isSql = (pool: PostgresClient): pool is PostgresSql => hasMethods(pool, 'unsafe')
