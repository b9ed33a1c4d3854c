import { createConnection } from 'mysql2/promise'
import { tableFaults } from '../../support/table-faults.js'
import { mariadbUrl } from './engine.js'

async function execute (port: number, statement: string) {
  const connection = await createConnection(mariadbUrl(port))
  await connection.query(statement).finally(() => connection.end())
}

export const ofServer = tableFaults(execute)
