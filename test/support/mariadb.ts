import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { startDatabase } from './database-process.js'
import { hasBinary, host, type RunningServer } from './server-process.js'

/** Why the MySQL tests cannot run here, or nothing when they can. */
export const mariadbMissing = () => hasBinary('mariadbd') && hasBinary('mariadb-install-db')
  ? undefined
  : 'mariadbd and mariadb-install-db are not installed (apt-get install mariadb-server)'

/** As a user without password, in the database `test`. */
export const mariadbUrl = (port: number) => `mysql://root@${host}:${port}/test`

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
