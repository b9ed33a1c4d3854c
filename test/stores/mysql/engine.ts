import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { createTable, mysqlStore } from '../../../lib/stores/mysql.js'
import { startDatabase } from '../../support/database-process.js'
import { type Connect, type Engine, single } from '../../support/engine.js'
import { hasBinary, host, type RunningServer } from '../../support/server-process.js'

/** Why the MySQL tests cannot run here, or nothing when they can. */
export const mariadbMissing = () => hasBinary('mariadbd') && hasBinary('mariadb-install-db')
  ? undefined
  : 'mariadbd and mariadb-install-db are not installed (apt-get install mariadb-server)'

/** As a user without password, in the database `test`. */
export const mariadbUrl = (port: number | string) => `mysql://root@${host}:${port}/test`

async function isUp (port: number): Promise<boolean> {
  try {
    const connection = await mysql.createConnection({ host, port, user: 'root', connectTimeout: 2000 })
    await connection.query('CREATE DATABASE IF NOT EXISTS test')
    await connection.end()
    return true
  } catch {
    return false
  }
}

const asRoot = () => process.getuid?.() === 0 ? ['--user=root'] : []

/** All servers of a machine would otherwise share its /tmp, and each removes the temporary tables of the others when it starts. */
function paths (directory: string): string[] {
  const temporary = join(directory, 'tmp')
  mkdirSync(temporary, { recursive: true })
  return ['--no-defaults', `--datadir=${join(directory, 'data')}`, `--tmpdir=${temporary}`]
}

/** Without fsync: what a killed process committed survives it. */
export function startMariadb ({ args = [] }: { args?: string[] } = {}): Promise<RunningServer> {
  return startDatabase({
    name: 'mariadb',
    init: {
      command: 'mariadb-install-db',
      args: directory => [
        ...paths(directory), '--auth-root-authentication-method=normal', '--skip-test-db', ...asRoot()
      ]
    },
    command: 'mariadbd',
    args: (port, directory) => [
      ...paths(directory), `--socket=${join(directory, 's')}`,
      `--port=${port}`, `--bind-address=${host}`, '--skip-name-resolve', '--innodb-buffer-pool-size=32M',
      '--innodb-flush-log-at-trx-commit=2', '--max-connections=60', ...asRoot(), ...args
    ],
    isUp
  })
}

const connect = ({ sqlMode, ...special }: mysql.PoolOptions & { sqlMode?: string } = {}): Connect => (port, { options }) => {
  // Parsers that were made for connections before are kept by the driver, and do not ask what this one wants.
  mysql.clearParserCache()
  const pool = mysql.createPool({ uri: mariadbUrl(port), connectionLimit: 5, ...options.mysql2, ...special })
  if (sqlMode !== undefined) pool.on('connection', (connection) => { connection.query(`SET sql_mode = '${sqlMode}'`) })
  return {
    store: (table = 'sessions') => mysqlStore({ pool, table }),
    prepare: async (table = 'sessions') => await createTable(pool, { table }),
    close: async () => await pool.end()
  }
}

export default {
  MariaDB: {
    missing: mariadbMissing,
    start: async () => await single(startMariadb()),
    clients: { mysql2: connect() },
    // What decides elsewhere how strings compare, what is cut and which rows count as written.
    otherwise: {
      'mysql2 that counts changed rows, not found ones': connect({ flags: ['-FOUND_ROWS'] }),
      'mysql2 in latin1': connect({ charset: 'latin1_swedish_ci' }),
      'mysql2 in three-byte utf8': connect({ charset: 'utf8_general_ci' }),
      'mysql2 without strict mode': connect({ sqlMode: '' }),
      'mysql2 with ANSI quotes and padded strings': connect({ sqlMode: 'ANSI,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES' }),
      'mysql2 that makes NULL of every empty string': connect({ sqlMode: 'EMPTY_STRING_IS_NULL' }),
      'mysql2 that makes an error of that': connect({ sqlMode: 'EMPTY_STRING_IS_NULL,STRICT_ALL_TABLES' }),
      "mysql2 in Oracle's mode": connect({ sqlMode: 'ORACLE,EMPTY_STRING_IS_NULL' }),
      'mysql2 with a typeCast that makes something else of every column': connect({ typeCast: () => 'something else' }),
      'mysql2 with every option of the driver that changes rows': connect({
        namedPlaceholders: true, rowsAsArray: true, nestTables: '_', bigNumberStrings: true, supportBigNumbers: true, dateStrings: true, typeCast: false
      })
    },
    keepsDeadConnections: ['mysql2']
  }
} satisfies Engine
