import mysql from 'mysql2/promise'
import t from 'tap'
import { createTable, mysqlStore } from '../../../lib/stores/mysql.js'
import { mariadbMissing, mariadbUrl, startMariadb } from '../../support/mariadb.js'
import { met, race } from '../../support/race.js'
import { skipOrFail } from '../../support/skip.js'
import { later } from '../../support/store-cases.js'

const missing = mariadbMissing()

if (missing) skipOrFail(t, missing)
else {
  const server = await startMariadb()
  const url = mariadbUrl(server.port)
  const pool = mysql.createPool(url)
  t.teardown(async () => {
    await pool.end()
    await server.stop()
  })
  await createTable(pool)
  const store = mysqlStore({ pool })

  t.test('Two processes lose no write, and never both create one id', async (t) => {
    const ids = Array.from({ length: 300 }, (_, index) => `id-${index}`)
    await store.create('counter', '0', later())
    const results = await race(t, { store: 'mysql2', url, counter: 'counter', increments: 300, ids })
    t.equal(await store.load('counter'), '600')
    t.equal(results.reduce((sum, { created }) => sum + created, 0), 300)
    t.ok(met(results), 'they met')
  })
}
