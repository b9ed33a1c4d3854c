import pg from 'pg'
import { tableFaults } from '../../support/table-faults.js'
import { postgresUrl } from './engine.js'

async function execute (port: number, statement: string) {
  const client = new pg.Client({ connectionString: postgresUrl(port) })
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

export const ofServer = tableFaults(execute)
