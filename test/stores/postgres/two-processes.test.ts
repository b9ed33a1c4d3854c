import pg from 'pg'
import t from 'tap'
import { createTable, postgresStore } from '../../../lib/stores/postgres.js'
import { postgresMissing, postgresUrl, startPostgres } from '../../support/postgres.js'
import { met, race } from '../../support/race.js'
import { skipOrFail } from '../../support/skip.js'
import { later } from '../../support/store-cases.js'

const missing = postgresMissing()

if (missing) skipOrFail(t, missing)
else {
  const server = await startPostgres()
  const url = postgresUrl(server.port)
  const pool = new pg.Pool({ connectionString: url })
  t.teardown(async () => {
    await pool.end()
    await server.stop()
  })
  await createTable(pool)
  const store = postgresStore({ pool })

  for (const client of ['pg', 'postgres'] as const) {
    t.test(`Two processes with ${client} lose no write, and never both create one id`, async (t) => {
      const ids = Array.from({ length: 300 }, (_, index) => `${client}-${index}`)
      await store.create(client, '0', later())
      const results = await race(t, { store: client, url, counter: client, increments: 300, ids })
      t.equal(await store.load(client), '600')
      t.equal(results.reduce((sum, { created }) => sum + created, 0), 300)
      t.ok(met(results), 'they met')
    })
  }
}
