import { MemcacheClient } from 'memcache-client'
import { memcachedStore } from '../../../lib/stores/memcached.js'
import type { AsyncStore } from '../../../types/store.js'
import { clientOptions } from '../../support/client-options.js'
import { type Engine, single } from '../../support/engine.js'
import { hasBinary, host, type RunningServer, startServer } from '../../support/server-process.js'

/** Why the Memcached tests cannot run here, or nothing when they can. */
export const memcachedMissing = () => hasBinary('memcached')
  ? undefined
  : 'memcached is not installed (apt-get install memcached)'

export function startMemcached ({ args = [] }: { args?: string[] } = {}): Promise<RunningServer> {
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
  return startServer({
    command: 'memcached',
    args: port => ['-l', host, '-p', String(port), '-U', '0', '-m', '64', ...user, ...args],
    probe: 'version',
    answer: 'VERSION'
  })
}

/** A store over a client with the options that the documentation recommends, and how to end that client. */
export function openMemcached (port: number, options = clientOptions): { client: MemcacheClient, open (prefix?: string): AsyncStore, close (): void } {
  const client = new MemcacheClient({ server: { server: `${host}:${port}`, maxConnections: 4 }, ...options['memcache-client'] })
  return {
    client,
    open: prefix => memcachedStore(prefix === undefined ? { client } : { client, prefix }),
    close: () => client.shutdown()
  }
}

export default {
  Memcached: {
    missing: memcachedMissing,
    start: async () => await single(startMemcached()),
    clients: {
      'memcache-client' (port, { options }) {
        const { open, close } = openMemcached(Number(port), options)
        return { store: open, close }
      }
    },
    abilities: { findsBySubject: false, sweeps: false, durable: false }
  }
} satisfies Engine
