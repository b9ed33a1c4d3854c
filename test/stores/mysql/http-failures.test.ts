import { createConnection } from 'mysql2/promise'
import { faultSuite } from '../../support/fault-suite.js'
import { mariadbUrl } from '../../support/mariadb.js'
import { tableFaults } from '../../support/table-faults.js'

async function execute (port: number, statement: string) {
  const connection = await createConnection(mariadbUrl(port))
  await connection.query(statement).finally(() => connection.end())
}

await faultSuite('mysql', { keepDeadConnections: ['mysql2'], own: tableFaults(execute) })
