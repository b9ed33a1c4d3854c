import { MemcacheClient } from 'memcache-client'
import { memcachedStore } from '../../lib/stores/memcached.js'
import type { SessionStore } from '../../types/store.js'

/** What the documentation tells users to set: an answer or an error within a second, connection included. */
export const memcachedOptions = { cmdTimeout: 1000, connectTimeout: 1000, keepDangleSocket: false }

/** A store over a client with the options that the documentation recommends, and how to end that client. */
export function openMemcached (port: number): { client: MemcacheClient, open (prefix?: string): SessionStore, close (): void } {
  const client = new MemcacheClient({ server: { server: `127.0.0.1:${port}`, maxConnections: 4 }, ...memcachedOptions })
  return {
    client,
    open: prefix => memcachedStore(prefix === undefined ? { client } : { client, prefix }),
    close: () => client.shutdown()
  }
}
