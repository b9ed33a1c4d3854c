import { MemcacheClient } from 'memcache-client'
import { memcachedStore } from '../../lib/stores/memcached.js'
import type { AsyncStore } from '../../types/store.js'
import { clientOptions } from './client-options.js'

/** A store over a client with the options that the documentation recommends, and how to end that client. */
export function openMemcached (port: number, options = clientOptions): { client: MemcacheClient, open (prefix?: string): AsyncStore, close (): void } {
  const client = new MemcacheClient({ server: { server: `127.0.0.1:${port}`, maxConnections: 4 }, ...options['memcache-client'] })
  return {
    client,
    open: prefix => memcachedStore(prefix === undefined ? { client } : { client, prefix }),
    close: () => client.shutdown()
  }
}
