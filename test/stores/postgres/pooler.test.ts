import pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import { createTable, postgresStore } from '../../../lib/stores/postgres.js'
import * as postgresJs from '../../../lib/stores/postgres-js.js'
import { pgbouncerMissing, startPgbouncer } from '../../support/pgbouncer.js'
import { postgresUrl, startPostgres } from './engine.js'
import { skipOrFail } from '../../support/skip.js'
import { collect, later, past } from '../../support/store-cases.js'

const missing = pgbouncerMissing()

if (missing) skipOrFail(t, missing)
else {
  const server = await startPostgres()
  const pooler = await startPgbouncer({ port: server.port, connections: 2 })
  const url = postgresUrl(pooler.port)
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  const connect = () => postgres(url, { max: 10, prepare: false, onnotice: () => {} })
  t.teardown(async () => {
    await pool.end()
    await pooler.stop()
    await server.stop()
  })
  const [byPg, byPostgresJs] = [{ table: 'by_pg' }, { table: 'by_postgres_js' }]
  await createTable(pool, byPg)
  await postgresJs.createTable(connect, byPostgresJs)
  const stores = [
    ['pg', postgresStore({ pool, ...byPg })],
    ['postgres.js with prepare: false', postgresJs.postgresJsStore({ connect, ...byPostgresJs })]
  ] as const

  for (const [name, store] of stores) {
    t.test(`Behind PgBouncer in transaction mode ${name} is answered on whatever connection each statement gets`, async (t) => {
      t.teardown(() => store.close?.())
      const ids = Array.from({ length: 30 }, (_, index) => `id${index}`)
      const each = async <T>(call: (id: string) => Promise<T>) => [...new Set(await Promise.all(ids.map(call)))]
      for (let round = 0; round < 3; round++) {
        t.strictSame(await each((id) => store.create(id, 'p', later(), 's')), [true])
        t.strictSame(await each((id) => store.load(id)), ['p'])
        t.strictSame(await each((id) => store.replace(id, 'p', 'q', later(), 's')), ['replaced'])
        t.strictSame(await each((id) => store.touch(id, later())), [true])
        t.equal((await collect(store, 's')).length, ids.length)
        t.strictSame(await each((id) => store.delete(id)), [undefined])
      }
      await store.create('over', 'p', past())
      t.equal(await store.sweep!(), 1)
    })
  }

  t.test('Twenty connections of the clients were two of the server', async (t) => {
    const direct = new pg.Client({ connectionString: postgresUrl(server.port) })
    await direct.connect()
    t.teardown(() => direct.end())
    const { rowCount } = await direct.query('SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = \'client backend\'')
    t.equal(rowCount, 2)
    t.equal(pool.totalCount, 10)
  })
}
