import type { AsyncStore, ReplaceOutcome, StoredRecord } from '../../types/store.js'
import { assertOptions } from './internal/options.js'
import { longestId, longestSubject, mysqlSchema } from './internal/schema/mysql.js'
import { assertColumns, quoteTable, tableOf } from './internal/sql/identifier.js'
import { mysqlClient, type MysqlClient, type MysqlPool } from './internal/sql/mysql-client.js'
import { inPages, sweepInBatches } from './internal/sql/pages.js'
import { errorField } from './internal/sql/retry.js'
import { assertText, fitsUtf8, unstorable, wholeMilliseconds } from './internal/values.js'

export type { MysqlPool } from './internal/sql/mysql-client.js'

/** Options of `mysqlStore`. */
export interface MysqlStoreOptions {
  /** A pool of `mysql2/promise`. It stays yours: you bound it and end it. */
  pool: MysqlPool
  /** `table` or `database.table`. Default `'sessions'`. */
  table?: string | undefined
}

const sweepBatch = 500
const subjectPage = 100
const createAttempts = 5
const duplicateEntry = 1062

/** Bytes that may be none: the EMPTY_STRING_IS_NULL of MariaDB would make NULL of those. Only MariaDB reads the comments. */
const bytes = "/*M! COALESCE( */ ? /*M! , X'') */"

type Statements = ReturnType<typeof statements>
type Row = ReturnType<typeof columns>

// Every UPDATE counts the revision up. Otherwise a row that is found and has the values already is counted as written
// or not, depending on a flag of the connection.
const statements = (table: string) => ({
  insert: `INSERT INTO ${table} (payload, expires_at, subject, id) VALUES (${bytes}, ?, ?, ?)`,
  takeOver: `UPDATE ${table} SET payload = ${bytes}, expires_at = ?, subject = ?, revision = revision + 1
    WHERE id = ? AND expires_at <= ?`,
  load: `SELECT payload FROM ${table} WHERE id = ? AND expires_at > ?`,
  isLive: `SELECT 1 FROM ${table} WHERE id = ? AND expires_at > ?`,
  replace: `UPDATE ${table} SET payload = ${bytes}, expires_at = ?, subject = ?, revision = revision + 1
    WHERE id = ? AND expires_at > ? AND payload = ${bytes}`,
  touch: `UPDATE ${table} SET expires_at = ?, revision = revision + 1 WHERE id = ? AND expires_at > ?`,
  delete: `DELETE FROM ${table} WHERE id = ?`,
  findBySubject: `SELECT id, payload, expires_at FROM ${table}
    WHERE subject = ? AND expires_at > ? AND id > ${bytes} ORDER BY id LIMIT ${subjectPage}`,
  // The one index picks the rows, the other removes them, one by one. Any other plan scans the table, and locks
  // and waits for rows that are none of a sweep's business. The picked rows are scanned, which sql_safe_updates
  // refuses. So it is off for this statement, by a comment that MariaDB reads and by one that MySQL reads.
  sweep: `/*M! SET STATEMENT sql_safe_updates = 0 FOR */ DELETE /*+ SET_VAR(sql_safe_updates = 0) */ gone FROM (
      SELECT id FROM ${table} FORCE INDEX (expires_at)
      WHERE expires_at <= ? ORDER BY expires_at LIMIT ${sweepBatch} FOR UPDATE SKIP LOCKED
    ) AS picked STRAIGHT_JOIN ${table} AS gone ON gone.id = picked.id AND gone.expires_at <= ?`
})

/**
 * Sessions in MySQL 8.0 and later or MariaDB 10.6 and later, in one InnoDB table. Texts are compared as bytes, under any charset,
 * collation, flags and `sql_mode` of the connection. Autocommit has to be on, as it is by default. The deadline is
 * judged by the clock of the application. Ids of 1 to 255 and subjects of 1 to 1024 bytes are kept, others are refused.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for another kind of client, a table name that is none, or another option.
 */
export function mysqlStore (options: MysqlStoreOptions): AsyncStore {
  assertOptions('mysqlStore', options, ['pool', 'table'])
  const { pool, table = 'sessions' } = options
  const sql = statements(quoteTable(table, '`'))
  return new MysqlStore(mysqlClient(pool), sql)
}

class MysqlStore implements AsyncStore {
  readonly name = 'mysqlStore'
  readonly #client: MysqlClient
  readonly #sql: Statements

  constructor (client: MysqlClient, sql: Statements) {
    this.#client = client
    this.#sql = sql
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    const key = toKey(id, longestId)
    if (!key) throw unstorable('id')
    const row = [...columns(payload, expiresAt, subject), key]
    for (let attempt = 0; attempt < createAttempts; attempt++) {
      if (await this.#insert(row) || await this.#wrote(this.#sql.takeOver, [...row, Date.now()])) return true
      // Neither free nor over: it is taken, unless a sweep has just removed it.
      if (await this.#isLive(key)) return false
    }
    return false
  }

  async load (id: string): Promise<string | null> {
    const key = toKey(id, longestId)
    if (!key) return null
    const [row] = await this.#client.read(this.#sql.load, [key, Date.now()])
    return row ? toText(row[0]) : null
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    const written = columns(payload, expiresAt, subject)
    const key = toKey(id, longestId)
    if (!key) return 'missing'
    const isReplaced = fitsUtf8(expected) &&
      await this.#wrote(this.#sql.replace, [...written, key, Date.now(), Buffer.from(expected)])
    if (isReplaced) return 'replaced'
    return await this.#isLive(key) ? 'conflict' : 'missing'
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    const key = toKey(id, longestId)
    return key !== null && await this.#wrote(this.#sql.touch, [wholeMilliseconds(expiresAt), key, Date.now()])
  }

  async delete (id: string): Promise<void> {
    const key = toKey(id, longestId)
    if (key) await this.#client.write(this.#sql.delete, [key])
  }

  async * findBySubject (subject: string): AsyncGenerator<StoredRecord> {
    const owner = toKey(subject, longestSubject)
    if (!owner) return
    const page = (last: Buffer) => this.#client.read(this.#sql.findBySubject, [owner, Date.now(), last])
    for await (const [id, payload, expiresAt] of inPages(subjectPage, Buffer.alloc(0), page, ([id]) => id as Buffer<ArrayBuffer>)) {
      yield { id: toText(id), payload: toText(payload), expiresAt: Number(expiresAt) }
    }
  }

  async sweep (): Promise<number> {
    const now = Date.now()
    return await sweepInBatches(sweepBatch, () => this.#client.write(this.#sql.sweep, [now, now]))
  }

  async #insert (row: Row): Promise<boolean> {
    try {
      return await this.#wrote(this.#sql.insert, row)
    } catch (error) {
      if (errorField(error, 'errno') === duplicateEntry) return false
      throw error
    }
  }

  async #isLive (key: Buffer): Promise<boolean> {
    return (await this.#client.read(this.#sql.isLive, [key, Date.now()])).length === 1
  }

  async #wrote (statement: string, row: Row): Promise<boolean> {
    return await this.#client.write(statement, row) === 1
  }
}

/**
 * Creates the table unless it exists: `schema/mysql.sql`. Needs the right to create. Rejects with
 * `FST_TYPED_SESSION_INVALID_OPTION` if a table of this name is there that is none of ours.
 */
export async function createTable (pool: MysqlPool, options: { table?: string | undefined } = {}): Promise<void> {
  const table = tableOf(options)
  const client = mysqlClient(pool)
  await client.write(mysqlSchema(table), [])
  const found = await client.read(`SHOW COLUMNS FROM ${quoteTable(table, '`')}`, [])
  const [bytes, whole] = [/^varbinary/, /^bigint/]
  assertColumns(table, found, { id: bytes, payload: /blob$/, expires_at: whole, subject: bytes, revision: whole })
}

/** The bytes of an id or a subject, or null if the database cannot hold them as they are. */
function toKey (text: string, longest: number): Buffer | null {
  const encoded = Buffer.from(fitsUtf8(text) ? text : '')
  return encoded.length > 0 && encoded.length <= longest ? encoded : null
}

const toText = (column: unknown) => (column as Buffer).toString('utf8')

function columns (payload: string, expiresAt: number, subject: string | undefined) {
  assertText(fitsUtf8, { payload })
  const owner = subject === undefined ? null : toKey(subject, longestSubject)
  if (subject !== undefined && !owner) throw unstorable('subject')
  return [Buffer.from(payload), wholeMilliseconds(expiresAt), owner]
}
