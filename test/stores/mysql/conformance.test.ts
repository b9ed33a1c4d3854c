import mysql from 'mysql2/promise'
import t from 'tap'
import { createTable, mysqlStore } from '../../../lib/stores/mysql.js'
import { conforms } from '../../support/conformance.js'
import { mariadbMissing, mariadbUrl, startMariadb } from '../../support/mariadb.js'
import { skipOrFail } from '../../support/skip.js'

const missing = mariadbMissing()

/** What decides elsewhere how strings compare, what is cut and which rows count as written. */
const connections: Record<string, mysql.PoolOptions & { sqlMode?: string }> = {
  'by default': {},
  'that counts changed rows, not found ones': { flags: ['-FOUND_ROWS'] },
  'in latin1': { charset: 'latin1_swedish_ci' },
  'in three-byte utf8': { charset: 'utf8_general_ci' },
  'without strict mode': { sqlMode: '' },
  'with ANSI quotes and padded strings': { sqlMode: 'ANSI,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES' },
  'that makes NULL of every empty string': { sqlMode: 'EMPTY_STRING_IS_NULL' },
  'that makes an error of that': { sqlMode: 'EMPTY_STRING_IS_NULL,STRICT_ALL_TABLES' },
  "in Oracle's mode": { sqlMode: 'ORACLE,EMPTY_STRING_IS_NULL' },
  'with a typeCast that makes something else of every column': { typeCast: () => 'something else' },
  'with every option of the driver that changes rows': {
    namedPlaceholders: true, rowsAsArray: true, nestTables: '_', bigNumberStrings: true, supportBigNumbers: true, dateStrings: true, typeCast: false
  }
}

if (missing) skipOrFail(t, missing)
else {
  const server = await startMariadb()
  t.teardown(() => server.stop())

  for (const [index, [name, { sqlMode, ...options }]] of Object.entries(connections).entries()) {
    t.test(`A store in MariaDB by mysql2, on a connection ${name}, keeps the contract`, async (t) => {
      // Parsers that were made for the connections before are kept by the driver, and do not ask what this one wants.
      mysql.clearParserCache()
      const pool = mysql.createPool({ uri: mariadbUrl(server.port), connectionLimit: 10, ...options })
      if (sqlMode !== undefined) pool.on('connection', (connection) => { connection.query(`SET sql_mode = '${sqlMode}'`) })
      t.teardown(() => pool.end())
      let tables = 0
      conforms(t, async () => {
        const table = `t${index}_${tables++}`
        await createTable(pool, { table })
        return mysqlStore({ pool, table })
      })
    })
  }
}
