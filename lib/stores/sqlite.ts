import { InvalidOption } from '../errors.js'
import { assertOptions, assertSeconds } from './internal/options.js'
import { sqliteSchema } from './internal/schema/sqlite.js'
import { quoteTable, tableOf } from './internal/sql/identifier.js'
import { inPages, sweepInBatches } from './internal/sql/pages.js'
import { assertDatabase, givingObjects, whenFree } from './internal/sql/sqlite-client.js'
import { assertText, fitsText, wholeMilliseconds } from './internal/values.js'
import type { SqliteDatabase, SqliteStatement, SqliteValue } from './internal/sql/sqlite-client.js'
import type { AsyncStore, ReplaceOutcome, StoredRecord } from '../../types/store.js'

export type { SqliteDatabase, SqliteStatement, SqliteValue } from './internal/sql/sqlite-client.js'

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /**
   * A `DatabaseSync` of `node:sqlite` (Node 22.5 and later) or a `Database` of `better-sqlite3` or `bun:sqlite`. It stays yours to
   * close. Give the store a connection of its own: its writes would become part of a transaction that is open on this
   * one. Open it with `timeout: 0`, or SQLite's own wait for another writer stops the whole process.
   */
  readonly database: SqliteDatabase
  /** Default `'sessions'`. */
  readonly table?: string | undefined
  /** How long to wait for another process that is writing, in seconds. Default 1. */
  readonly busyTimeout?: number | undefined
}

/** Each is one statement, during which this process does nothing else. */
const sweepBatch = 25
const subjectPage = 100

const statements = (table: string) => ({
  create: `INSERT INTO ${table} (id, payload, expires_at, subject) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at, subject = excluded.subject
    WHERE expires_at <= ?`,
  load: `SELECT payload FROM ${table} WHERE id = ? AND expires_at > ?`,
  replace: `UPDATE ${table} SET payload = ?, expires_at = ?, subject = ? WHERE id = ? AND payload = ? AND expires_at > ?`,
  touch: `UPDATE ${table} SET expires_at = ? WHERE id = ? AND expires_at > ?`,
  delete: `DELETE FROM ${table} WHERE id = ?`,
  bySubject: `SELECT rowid AS place, id, payload, expires_at FROM ${table}
    WHERE subject = ? AND expires_at > ? AND rowid > ? ORDER BY rowid LIMIT ${subjectPage}`,
  sweep: `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE expires_at <= ? LIMIT ${sweepBatch})`
})

type Prepared = Record<keyof ReturnType<typeof statements>, SqliteStatement>
/** A connection can be set up to give every integer as a `bigint`. */
type Row = { place: number | bigint, id: string, payload: string, expires_at: number | bigint }

/**
 * Sessions in SQLite: one table, one statement per call, any number of processes on one host. NUL and lone surrogates,
 * which not every driver gives back, are refused. Nothing is removed by itself: call `sweep` from time to time.
 *
 * @throws {SessionError} `FST_TYPED_SESSION_INVALID_OPTION` for another kind of database, a name that is none, a
 * table that is not there (`createTable` makes it), or another option
 */
export function sqliteStore (options: SqliteStoreOptions): SqliteStore {
  assertOptions('sqliteStore', options, ['database', 'table', 'busyTimeout'])
  const { database, table = 'sessions', busyTimeout = 1 } = options
  assertDatabase(database)
  assertSeconds('busyTimeout', busyTimeout)
  return new SqliteStore(prepare(database, quoteTable(table, '"')), busyTimeout * 1000)
}

/**
 * Creates the table and its indexes unless they exist: `schema/sqlite.sql`. Turns on write-ahead logging for the whole
 * database, which lets processes read while another one writes.
 */
export async function createTable (database: SqliteDatabase, options: { table?: string | undefined } = {}): Promise<void> {
  assertDatabase(database)
  for (const statement of sqliteSchema(tableOf(options))) await whenFree(() => database.exec(statement), 5000)
}

class SqliteStore implements AsyncStore {
  readonly name = 'sqliteStore'
  readonly #sql: Prepared
  readonly #busyTimeout: number

  constructor (sql: Prepared, busyTimeout: number) {
    this.#sql = sql
    this.#busyTimeout = busyTimeout
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    assertText(fitsText, { id, payload, subject })
    const deadline = wholeMilliseconds(expiresAt)
    return await this.#write('create', id, payload, deadline, subject ?? null, Date.now()) === 1
  }

  async load (id: string): Promise<string | null> {
    const row = fitsText(id) ? await this.#row('load', id, Date.now()) : undefined
    return row?.payload ?? null
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    assertText(fitsText, { id, payload, subject })
    // A text that cannot be kept equals no record.
    const comparable = fitsText(expected) ? expected : null
    const now = Date.now()
    const written = await this.#write('replace', payload, wholeMilliseconds(expiresAt), subject ?? null, id, comparable, now)
    if (written === 1) return 'replaced'
    return await this.#row('load', id, now) === undefined ? 'missing' : 'conflict'
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    return fitsText(id) && await this.#write('touch', wholeMilliseconds(expiresAt), id, Date.now()) === 1
  }

  async delete (id: string): Promise<void> {
    if (fitsText(id)) await this.#write('delete', id)
  }

  async * findBySubject (subject: string): AsyncGenerator<StoredRecord> {
    if (!fitsText(subject)) return
    const page = (last: number) => this.#whenFree(() => this.#sql.bySubject.all(subject, Date.now(), last) as Row[])
    for await (const { id, payload, expires_at: expiresAt } of inPages(subjectPage, 0, page, ({ place }) => Number(place))) {
      yield { id, payload, expiresAt: Number(expiresAt) }
    }
  }

  async sweep (): Promise<number> {
    const now = Date.now()
    return await sweepInBatches(sweepBatch, () => this.#write('sweep', now))
  }

  #write (name: keyof Prepared, ...values: SqliteValue[]): Promise<number> {
    return this.#whenFree(() => Number(this.#sql[name].run(...values).changes))
  }

  #row (name: keyof Prepared, ...values: SqliteValue[]): Promise<Row | undefined> {
    // bun:sqlite says null where there is none.
    return this.#whenFree(() => (this.#sql[name].get(...values) ?? undefined) as Row | undefined)
  }

  #whenFree <T> (attempt: () => T): Promise<T> {
    return whenFree(attempt, this.#busyTimeout)
  }
}

function prepare (database: SqliteDatabase, table: string): Prepared {
  try {
    const prepared = Object.entries(statements(table)).map(([name, sql]) => [name, givingObjects(database.prepare(sql))])
    return Object.fromEntries(prepared)
  } catch (error) {
    throw new InvalidOption('table', `cannot be used (${(error as Error).message}). createTable makes one`)
  }
}
