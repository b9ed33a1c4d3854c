import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import postgres from 'postgres'
import { createTable, postgresStore } from '../../../lib/stores/postgres.js'
import * as postgresJs from '../../../lib/stores/postgres-js.js'
import { startDatabase } from '../../support/database-process.js'
import { type Connect, type Engine, single } from '../../support/engine.js'
import { hasBinary, host, type RunningServer } from '../../support/server-process.js'

const debian = '/usr/lib/postgresql'

/** Debian keeps the server's programs off the PATH, one directory per major version. */
function binary (name: string): string | undefined {
  if (hasBinary(name)) return name
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map(version => join(debian, version, 'bin', name)).find(path => existsSync(path))
}

/** Why the PostgreSQL tests cannot run here, or nothing when they can. */
export const postgresMissing = () => binary('postgres') && binary('initdb')
  ? undefined
  : 'postgres and initdb are not installed (apt-get install postgresql)'

export const postgresUrl = (port: number | string) => `postgres://postgres@${host}:${port}/postgres`

/** Whether a server, or a pooler before it, answers on this port. */
export async function answersQueries (port: number): Promise<boolean> {
  const client = new pg.Client({ connectionString: postgresUrl(port), connectionTimeoutMillis: 2000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

/** Without fsync: what a killed process wrote survives it, a power failure is not what these tests are about. */
export function startPostgres (): Promise<RunningServer> {
  return startDatabase({
    name: 'postgres',
    user: 'postgres',
    init: {
      command: binary('initdb') as string,
      args: directory => ['-D', join(directory, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
    },
    command: binary('postgres') as string,
    args: (port, directory) => [
      '-D', join(directory, 'data'), '-p', String(port), '-h', host, '-k', '', '-c', 'fsync=off',
      '-c', 'max_connections=120', '-c', 'shared_buffers=16MB'
    ],
    isUp: answersQueries
  })
}

const withPg: Connect = (port, { options }) => {
  const pool = new pg.Pool({ connectionString: postgresUrl(port), max: 5, ...options.pg })
  pool.on('error', () => {})
  return {
    store: (table = 'sessions') => postgresStore({ pool, table }),
    prepare: async (table = 'sessions') => await createTable(pool, { table }),
    close: async () => await pool.end()
  }
}

const withPostgresJs: Connect = (port, { options }) => {
  const connect = () => postgres(postgresUrl(port), { max: 5, ...options.postgres, onnotice: () => {} })
  // As patient as the client.
  const statementTimeout = options.postgres.connect_timeout
  return {
    store: (table = 'sessions') => postgresJs.postgresJsStore({ connect, table, statementTimeout }),
    prepare: async (table = 'sessions') => await postgresJs.createTable(connect, { table }),
    close () {}
  }
}

export default {
  PostgreSQL: { missing: postgresMissing, start: async () => await single(startPostgres()), clients: { pg: withPg, 'postgres.js': withPostgresJs } }
} satisfies Engine
