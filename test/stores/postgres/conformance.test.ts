import pg from 'pg'
import postgres from 'postgres'
import t from 'tap'
import { createTable, postgresStore } from '../../../lib/stores/postgres.js'
import * as postgresJs from '../../../lib/stores/postgres-js.js'
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

  const connect = () => postgres(url, { max: 20, onnotice: () => {} })
  const opened = {
    async pg (table: string) {
      await createTable(pool, { table })
      return postgresStore({ pool, table })
    },
    async postgres (table: string) {
      await postgresJs.createTable(connect, { table })
      return postgresJs.postgresJsStore({ connect, table, statementTimeout: 60 })
    }
  }
  for (const [name, open] of Object.entries(opened)) {
    t.test(`A store in PostgreSQL by ${name} keeps the contract`, async (t) => {
      let tables = 0
      conforms(t, async () => await open(`${name}_${tables++}`))
    })
  }
}
