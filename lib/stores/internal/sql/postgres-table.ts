import type { AsyncStore, ReplaceOutcome, StoredRecord } from '../../../../types/store.js'
import { postgresSchema } from '../schema/postgres.js'
import { assertText, fitsText, wholeMilliseconds } from '../values.js'
import { assertColumns, quoteTable } from './identifier.js'
import { inPages, sweepInBatches } from './pages.js'
import { errorField, retry } from './retry.js'

type Value = string | number | null

/** One statement by a driver; its rows as arrays, so that no transform of column names can reach them. */
export type Query = (text: string, values: Value[]) => Promise<unknown[][]>

type Run = (text: string, values?: Value[]) => Promise<unknown[][]>
type Statements = ReturnType<typeof postgresStatements>

// serialization_failure, deadlock_detected: nothing was written, under any isolation level.
const didNothing = (error: unknown) => ['40001', '40P01'].includes(errorField(error, 'code') as string)
const running = (query: Query): Run => (text, values = []) => retry(() => query(text, values), didNothing)

const sweepBatch = 1000
const subjectPage = 100

/** Every statement of a store in this table. Throws `InvalidOption` for a table name that is none. */
export function postgresStatements (name: string) {
  const table = quoteTable(name, '"')
  return {
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
  }
}

/** A store in one table, whatever the driver. */
export function postgresTable (name: string, sql: Statements, query: Query): AsyncStore {
  const run = running(query)
  return {
    name,
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
      // A text that cannot be kept equals no record: compared with null, a live record is a conflict.
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

/** The table and its indexes, unless they exist: `schema/postgres.sql`. */
export async function createPostgresTable (table: string, query: Query): Promise<void> {
  const [create = '', ...indexes] = postgresSchema(table)
  const run = running(query)
  await retry(() => run(create), createdMeanwhile)
  const text = /^(?:text|character varying)$/
  assertColumns(table, await run(columnTypes, [quoteTable(table, '"')]), { id: text, payload: text, expires_at: /^bigint$/, subject: text })
  for (const statement of indexes) await retry(() => run(statement), createdMeanwhile)
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
