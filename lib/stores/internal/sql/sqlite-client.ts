import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidOption } from '../../../errors.js'

/** The values that the store writes. */
export type SqliteValue = string | number | null

/** A `Database` of `better-sqlite3` or `bun:sqlite`, or a `DatabaseSync` of `node:sqlite`. */
export interface SqliteDatabase {
  exec (sql: string): unknown
  prepare (sql: string): SqliteStatement
}

/** A prepared statement of either. */
export interface SqliteStatement {
  run (...values: unknown[]): { changes: number | bigint }
  get (...values: unknown[]): unknown
  all (...values: unknown[]): unknown[]
  setReturnArrays? (enabled: boolean): unknown
}

/** @throws {SessionError} `FST_TYPED_SESSION_INVALID_OPTION` for anything else */
export function assertDatabase (database: SqliteDatabase): void {
  if (typeof database?.prepare !== 'function' || typeof database.exec !== 'function') {
    throw new InvalidOption('database', 'expected a DatabaseSync of node:sqlite or a Database of better-sqlite3')
  }
}

/** Rows as objects, also on a connection of `node:sqlite` that was opened to give arrays. */
export function givingObjects (statement: SqliteStatement): SqliteStatement {
  statement.setReturnArrays?.(false)
  return statement
}

/**
 * Again while another process is writing, in turns that leave this one free, until `timeout` milliseconds have passed.
 * SQLite's own busy timeout would wait as well, but with the whole process.
 */
export async function whenFree <T> (attempt: () => T, timeout: number, pause = 1): Promise<T> {
  const begun = performance.now()
  try {
    return attempt()
  } catch (error) {
    if (!isBusy(error) || timeout <= 0) throw error
    await sleep(pause * (0.5 + Math.random()))
    return whenFree(attempt, timeout - (performance.now() - begun), Math.min(2 * pause, 20))
  }
}

/** `SQLITE_BUSY` and `SQLITE_LOCKED` with their extended codes: by number in `node:sqlite`, by name in `better-sqlite3`. */
function isBusy (error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown, errcode?: unknown }
  const primary = typeof errcode === 'number' ? errcode & 0xff : 0
  return primary === 5 || primary === 6 || /^SQLITE_(?:BUSY|LOCKED)/.test(String(code))
}
