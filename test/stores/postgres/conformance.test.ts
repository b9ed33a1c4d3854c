import pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import { createTable, postgresStore, type PostgresClient } from '../../../lib/stores/postgres.js'
import { conforms } from '../../support/conformance.js'
import { postgresMissing, postgresUrl, startPostgres } from '../../support/postgres.js'
import { skipOrFail } from '../../support/skip.js'

const missing = postgresMissing()

if (missing) skipOrFail(t, missing)
else {
  const server = await startPostgres()
  const url = postgresUrl(server.port)
  const pool = new pg.Pool({ connectionString: url, max: 20 })
  t.teardown(async () => {
    await pool.end()
    await server.stop()
  })

  const clients: Array<[string, PostgresClient]> = [['pg', pool], ['postgres', () => postgres(url, { max: 20, onnotice: () => {} })]]
  for (const [name, client] of clients) {
    t.test(`A store in PostgreSQL by ${name} keeps the contract`, async (t) => {
      let tables = 0
      conforms(t, async () => {
        const table = `${name}_${tables++}`
        await createTable(client, { table })
        return postgresStore({ pool: client, table })
      })
    })
  }
}
