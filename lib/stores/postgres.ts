import type { AsyncStore, ReplaceOutcome, StoredRecord } from '../../types/store.js'
import { assertOptions } from './internal/options.js'
import { postgresSchema } from './internal/schema/postgres.js'
import { assertColumns, quoteTable, tableOf } from './internal/sql/identifier.js'
import { inPages, sweepInBatches } from './internal/sql/pages.js'
import { runner, type PostgresClient, type Run } from './internal/sql/postgres-client.js'
import { errorField, retry } from './internal/sql/retry.js'
import { assertText, fitsText, wholeMilliseconds } from './internal/values.js'

export type { PgPool, PostgresClient, PostgresSql } from './internal/sql/postgres-client.js'

export interface PostgresStoreOptions {
  /**
   * A `Pool` of `pg`. It stays yours: you bound it, listen to its errors, end it. Or a function that makes a pool of
   * `postgres` for the store alone, `() => postgres(url, { … })`: a statement has a second, another pool is made when a
   * connection was lost, and the last one ends when the application is closed.
   */
  pool: PostgresClient
  /** `table` or `schema.table`, case-sensitive. Default `'sessions'`. */
  table?: string | undefined
}

const sweepBatch = 1000
const subjectPage = 100

const statements = (table: string) => ({
  create: `INSERT INTO ${table} AS kept (id, payload, expires_at, subject) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO UPDATE SET payload = $2, expires_at = $3, subject = $4 WHERE kept.expires_at <= $5
    RETURNING 1`,
  load: `SELECT payload FROM ${table} WHERE id = $1 AND expires_at > $2`,
  // The lock is taken before the payload is compared, so that all three answers are about the same moment. The answer is
  // text, of which pg makes the same in every application.
  replace: `WITH found AS MATERIALIZED (
      SELECT payload = $2 AS same FROM ${table} WHERE id = $1 AND expires_at > $6 FOR NO KEY UPDATE
    ), written AS (
      UPDATE ${table} SET payload = $3, expires_at = $4, subject = $5 FROM found WHERE id = $1 AND found.same
    ) SELECT CASE WHEN same THEN 'replaced' ELSE 'conflict' END FROM found`,
  touch: `UPDATE ${table} SET expires_at = $2 WHERE id = $1 AND expires_at > $3 RETURNING 1`,
  delete: `DELETE FROM ${table} WHERE id = $1`,
  findBySubject: `SELECT id, payload, expires_at FROM ${table}
    WHERE subject = $1 AND expires_at > $2 AND id > $3 ORDER BY id LIMIT ${subjectPage}`,
  // An array is built once; the planner may run a plain IN (… LIMIT …) again for every row.
  sweep: `DELETE FROM ${table} WHERE id = ANY (ARRAY(
      SELECT id FROM ${table} WHERE expires_at <= $1 ORDER BY expires_at LIMIT ${sweepBatch} FOR UPDATE SKIP LOCKED
    )) RETURNING 1`
})

/**
 * Sessions in PostgreSQL 12 and later: one table, one statement per call. The deadline is judged by the clock of the
 * application, not of the database. NUL and lone surrogates, which `text` cannot hold, are refused and never altered.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for another kind of client, a table name that is none, or another option.
 */
export function postgresStore (options: PostgresStoreOptions): AsyncStore {
  assertOptions('postgresStore', options, ['pool', 'table'])
  const { pool, table = 'sessions' } = options
  const sql = statements(quoteTable(table, '"'))
  const { run, close } = runner(pool)

  return {
    name: 'postgresStore',
    close,
    async create (id, payload, expiresAt, subject) {
      assertText(fitsText, { id, payload, subject })
      const rows = await run(sql.create, [id, payload, wholeMilliseconds(expiresAt), subject ?? null, Date.now()])
      return rows.length === 1
    },
    async load (id) {
      if (!fitsText(id)) return null
      const [row] = await run(sql.load, [id, Date.now()])
      return row ? row[0] as string : null
    },
    async replace (id, expected, payload, expiresAt, subject) {
      assertText(fitsText, { payload, subject })
      if (!fitsText(id)) return 'missing'
      // What cannot be kept is equal to nothing that is: compared with null, a live record is a conflict.
      const comparable = fitsText(expected) ? expected : null
      const [row] = await run(sql.replace, [id, comparable, payload, wholeMilliseconds(expiresAt), subject ?? null, Date.now()])
      return row === undefined ? 'missing' : row[0] as ReplaceOutcome
    },
    async touch (id, expiresAt) {
      return fitsText(id) && (await run(sql.touch, [id, wholeMilliseconds(expiresAt), Date.now()])).length === 1
    },
    async delete (id) {
      if (fitsText(id)) await run(sql.delete, [id])
    },
    findBySubject: (subject) => bySubject(run, sql.findBySubject, subject),
    async sweep () {
      const now = Date.now()
      return await sweepInBatches(sweepBatch, async () => (await run(sql.sweep, [now])).length)
    }
  }
}

const columnTypes = `SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
  WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`

/**
 * Creates the table and its indexes unless they exist: `schema/postgres.sql`. Needs the right to create. Rejects with
 * `FST_TYPED_SESSION_INVALID_OPTION` if a table of this name is there that is none of ours.
 */
export async function createTable (pool: PostgresClient, options: { table?: string | undefined } = {}): Promise<void> {
  const table = tableOf(options)
  const [create = '', ...indexes] = postgresSchema(table)
  const { run, close } = runner(pool)
  try {
    await retry(() => run(create), createdMeanwhile)
    const text = /^(?:text|character varying)$/
    assertColumns(table, await run(columnTypes, [quoteTable(table, '"')]), { id: text, payload: text, expires_at: /^bigint$/, subject: text })
    for (const statement of indexes) await retry(() => run(statement), createdMeanwhile)
  } finally {
    await close()
  }
}

// Two processes that start together: IF NOT EXISTS is no lock, the slower one meets a unique or duplicate name.
const createdMeanwhile = (error: unknown) => ['23505', '42P07', '42710'].includes(errorField(error, 'code') as string)

async function * bySubject (run: Run, text: string, subject: string): AsyncGenerator<StoredRecord> {
  if (!fitsText(subject)) return
  const rows = inPages(subjectPage, '', (last) => run(text, [subject, Date.now(), last]), ([id]) => id as string)
  for await (const [id, payload, expiresAt] of rows) {
    yield { id: id as string, payload: payload as string, expiresAt: Number(expiresAt) }
  }
}
