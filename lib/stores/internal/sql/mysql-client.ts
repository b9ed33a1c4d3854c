import { InvalidOption } from '../../../errors.js'
import { errorField, retry } from './retry.js'

type Value = Buffer | number | null

/** A pool of `mysql2/promise`. */
export interface MysqlPool {
  execute (statement: {
    sql: string, values: Value[], rowsAsArray: boolean, nestTables: boolean, typeCast (field: unknown, next: () => unknown): unknown
  }): Promise<[unknown, unknown]>
}

export interface MysqlClient {
  /** How many rows the statement wrote. */
  write (sql: string, values: Value[]): Promise<number>
  /** The rows of the statement, as arrays. */
  read (sql: string, values: Value[]): Promise<unknown[][]>
}

// ER_LOCK_DEADLOCK, ER_CHECKREAD: nothing was written.
const didNothing = (error: unknown) => [1213, 1020].includes(errorField(error, 'errno') as number)

/** Every column as the driver reads it. Anything but a function would not win over one of the pool. */
const typeCast = (_field: unknown, next: () => unknown) => next()

/** Throws `InvalidOption` unless `pool` is one with promises. */
export function mysqlClient (pool: MysqlPool): MysqlClient {
  if (typeof pool?.execute !== 'function' || 'promise' in pool) {
    throw new InvalidOption('pool', 'expected a pool of mysql2/promise')
  }
  // The options of one statement win over those of the pool, whatever it is configured to make of rows and columns.
  const once = async (sql: string, values: Value[]) =>
    (await pool.execute({ sql, values, rowsAsArray: true, nestTables: false, typeCast }))[0]
  const execute = (sql: string, values: Value[]) => retry(() => once(sql, values), didNothing)
  return {
    write: async (sql, values) => (await execute(sql, values) as { affectedRows: number }).affectedRows,
    read: async (sql, values) => await execute(sql, values) as unknown[][]
  }
}
