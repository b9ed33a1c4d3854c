import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster, createSentinel } from 'redis'
import { redisStore } from '../../lib/stores/redis.js'
import type { AsyncStore } from '../../types/store.js'
import { clientOptions } from './client-options.js'
import type { Connect, OpenOptions } from './engine.js'
import type { RunningCluster, RunningSentinel } from './redis-servers.js'
import { host } from './server-process.js'

/** A store over a client with the options that the documentation recommends, and how to end that client. */
export interface OpenedRedis {
  open (prefix?: string): AsyncStore
  close (): Promise<void>
}

interface SentinelAddress { readonly sentinel: Pick<RunningSentinel['sentinel'], 'host' | 'port'>, readonly name: string }

const store = (client: Parameters<typeof redisStore>[0]['client']) => (prefix?: string) =>
  redisStore(prefix === undefined ? { client } : { client, prefix })

/** Where the server is down nobody waits for it: the client goes on trying by itself. */
async function connect (client: { connect (): Promise<unknown> }, down: boolean): Promise<void> {
  if (down) client.connect().catch(() => {})
  else await client.connect()
}

export async function openIoredis (port: number, { down = false, options = clientOptions }: OpenOptions = {}): Promise<OpenedRedis> {
  const client = new Redis({ port, host, ...options.ioredis, lazyConnect: true })
  client.on('error', () => {})
  await connect(client, down)
  return { open: store(client), close: async () => { client.disconnect() } }
}

export async function openNodeRedis (port: number, { down = false, options = clientOptions }: OpenOptions = {}): Promise<OpenedRedis> {
  const client = createClient({ ...options.redis, socket: { ...options.redis.socket, port, host } })
  client.on('error', () => {})
  await connect(client, down)
  return { open: store(client), close: async () => { client.destroy() } }
}

export async function openIoredisCluster ({ addresses }: Pick<RunningCluster, 'addresses'>, { options = clientOptions }: OpenOptions = {}): Promise<OpenedRedis> {
  const { maxRetriesPerRequest, commandTimeout, connectTimeout, socketTimeout } = options.ioredis
  const client = new Cluster(addresses, {
    redisOptions: { maxRetriesPerRequest, commandTimeout, connectTimeout, socketTimeout },
    lazyConnect: true
  })
  client.on('error', () => {})
  await client.connect()
  return { open: store(client), close: async () => { client.disconnect() } }
}

export async function openNodeRedisCluster ({ addresses }: Pick<RunningCluster, 'addresses'>, { options = clientOptions }: OpenOptions = {}): Promise<OpenedRedis> {
  const rootNodes = addresses.map(({ host, port }) => ({ socket: { host, port } }))
  const client = createCluster({ rootNodes, defaults: options.redis })
  client.on('error', () => {})
  await client.connect()
  return { open: store(client), close: async () => { client.destroy() } }
}

export async function openIoredisSentinel ({ sentinel, name }: SentinelAddress, { options = clientOptions }: OpenOptions = {}): Promise<OpenedRedis> {
  const client = new Redis({ ...options.ioredis, sentinels: [{ host: sentinel.host, port: sentinel.port }], name, lazyConnect: true })
  client.on('error', () => {})
  await client.connect()
  return { open: store(client), close: async () => { client.disconnect() } }
}

export async function openNodeRedisSentinel ({ sentinel, name }: SentinelAddress, { options = clientOptions }: OpenOptions = {}): Promise<OpenedRedis> {
  const client = createSentinel({
    name,
    sentinelRootNodes: [{ host: sentinel.host, port: sentinel.port }],
    nodeClientOptions: options.redis,
    scanInterval: 200
  })
  client.on('error', () => {})
  await client.connect()
  return { open: store(client), close: async () => { client.destroy() } }
}

/** As engines have them: at a port, or at several. */
const connected = <T>(open: (where: T, options: OpenOptions) => Promise<OpenedRedis>, where: (at: string) => T): Connect => async (at, options) => {
  const { open: store, close } = await open(where(at), options)
  return { store, close }
}

const addresses = (ports: string) => ({ addresses: ports.split(',').map((port) => ({ host, port: Number(port) })) })
const sentinel = (port: string) => ({ sentinel: { host, port: Number(port) }, name: 'sessions' })

export const redisClients = { ioredis: connected(openIoredis, Number), 'node-redis': connected(openNodeRedis, Number) }
export const clusterClients = { 'ioredis on a Cluster': connected(openIoredisCluster, addresses), 'node-redis on a Cluster': connected(openNodeRedisCluster, addresses) }
export const sentinelClients = { 'ioredis with Sentinel': connected(openIoredisSentinel, sentinel), 'node-redis with Sentinel': connected(openNodeRedisSentinel, sentinel) }
