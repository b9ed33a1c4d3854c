import { InvalidOption } from '../../../errors.js'
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
  /** `timeout`: seconds that statements still have. */
  end (options: { timeout: number }): PromiseLike<unknown>
}

export type PostgresClient = PgPool | (() => PostgresSql)

/** One statement; its rows as arrays, so that no transform of column names can reach them. */
export type Run = (text: string, values?: Value[]) => Promise<unknown[][]>

// serialization_failure, deadlock_detected: nothing was written, under any isolation level.
const didNothing = (error: unknown) => ['40001', '40P01'].includes(errorField(error, 'code') as string)

export interface Runner {
  readonly run: Run
  /** Ends what was made here; a pool that was handed in stays open. */
  close (): Promise<void>
}

/** Throws `InvalidOption` unless `pool` is one of the two. */
export function runner (pool: PostgresClient): Runner {
  const { once, close } = hasMethods(pool, 'query') ? ofPool(pool as PgPool) : ofMaker(pool)
  return { run: (text, values = []) => retry(() => once(text, values), didNothing), close }
}

interface Connection {
  readonly once: (text: string, values: Value[]) => Promise<unknown[][]>
  readonly close: () => Promise<void>
}

function ofPool (pool: PgPool): Connection {
  if (hasMethods(pool, 'execute')) throw new InvalidOption('pool', 'expected a Pool of pg, this is one of mysql2')
  return { once: async (text, values) => (await pool.query({ text, values, rowMode: 'array' })).rows, close: async () => {} }
}

function ofMaker (make: unknown): Connection {
  if (typeof make !== 'function' || isSql(make)) throw new InvalidOption('pool', EXPECTED)
  const renewed = new RenewedSql(() => {
    const made: unknown = make()
    if (!isSql(made)) throw new InvalidOption('pool()', EXPECTED)
    return made
  })
  return {
    // prepare: postgres.js then needs one round trip, not two. It is ignored where the connection says prepare: false.
    once: (text, values) => renewed.run(async (sql) => await sql.unsafe(text, values, { prepare: true }).values()),
    close: () => renewed.close()
  }
}

const isSql = (made: unknown): made is PostgresSql => hasMethods(made, 'unsafe', 'end')
const EXPECTED = 'expected a Pool of pg, or a function that makes one of postgres.js for the store alone: () => postgres(url, { … })'
