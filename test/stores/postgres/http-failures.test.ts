import pg from 'pg'
import { faultSuite } from '../../support/fault-suite.js'
import { postgresUrl } from '../../support/postgres.js'
import { tableFaults } from '../../support/table-faults.js'

async function execute (port: number, statement: string) {
  const client = new pg.Client({ connectionString: postgresUrl(port) })
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

await faultSuite('postgres', { own: tableFaults(execute) })
