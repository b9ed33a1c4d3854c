import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { storeConformance } from '../../../lib/conformance.js'
import {
  openIoredis, openIoredisCluster, openIoredisSentinel, openNodeRedis, openNodeRedisCluster, openNodeRedisSentinel,
  type OpenedRedis
} from '../../support/redis-clients.js'
import { redisMissing, startRedis, startRedisCluster, startSentinel, startValkey, valkeyMissing } from '../../support/servers.js'
import { skipOrFail } from '../../support/skip.js'

const topologies = {
  'a single server': async () => {
    const server = await startRedis()
    return { server, clients: { ioredis: () => openIoredis(server.port), 'node-redis': () => openNodeRedis(server.port) } }
  },
  'a single Valkey server': async () => {
    const server = await startValkey()
    return { server, clients: { ioredis: () => openIoredis(server.port), 'node-redis': () => openNodeRedis(server.port) } }
  },
  Sentinel: async () => {
    const server = await startSentinel()
    return { server, clients: { ioredis: () => openIoredisSentinel(server), 'node-redis': () => openNodeRedisSentinel(server) } }
  },
  Cluster: async () => {
    const server = await startRedisCluster()
    return { server, clients: { ioredis: () => openIoredisCluster(server), 'node-redis': () => openNodeRedisCluster(server) } }
  }
}

for (const [topology, start] of Object.entries(topologies)) {
  t.test(`redisStore on ${topology}`, async t => {
    const missing = start === topologies['a single Valkey server'] ? valkeyMissing() : redisMissing()
    if (missing) return skipOrFail(t, missing)
    const { server, clients } = await start()
    t.teardown(() => server.stop())
    for (const [name, open] of Object.entries(clients)) {
      await t.test(`with ${name} keeps the contract`, t => conform(t, open))
    }
  })
}

async function conform (t: Test, open: () => Promise<OpenedRedis>) {
  const redis = await open()
  t.teardown(() => redis.close())
  const test = (name: string, fn: () => Promise<void>) => t.test(name, async t => { await fn(); t.pass() })
  storeConformance(test, () => redis.open(`${randomUUID()}:`), { without: ['sweep'] })
}
