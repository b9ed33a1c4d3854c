import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDatabase } from './database-process.js'
import { answersQueries, postgresMissing } from '../stores/postgres/engine.js'
import { hasBinary, host, type RunningServer } from './server-process.js'

/** Why the tests with PgBouncer cannot run here, or nothing when they can. */
export const pgbouncerMissing = () => postgresMissing() ?? (hasBinary('pgbouncer') ? undefined : 'pgbouncer is not installed (apt-get install pgbouncer)')

/** Before the PostgreSQL on `port`, in transaction mode: all clients share `connections`, and each transaction gets any of them. */
export function startPgbouncer ({ port: behind, connections }: { port: number, connections: number }): Promise<RunningServer> {
  return startDatabase({
    name: 'pgbouncer',
    user: 'postgres',
    command: 'pgbouncer',
    args (port, directory) {
      const config = join(directory, 'pgbouncer.ini')
      writeFileSync(config, [
        '[databases]', `postgres = host=${host} port=${behind} user=postgres`,
        '[pgbouncer]', `listen_addr = ${host}`, `listen_port = ${port}`, 'unix_socket_dir =', 'auth_type = any',
        'pool_mode = transaction', `default_pool_size = ${connections}`, ''
      ].join('\n'))
      return [config]
    },
    isUp: answersQueries
  })
}
