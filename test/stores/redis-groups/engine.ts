import type { Engine } from '../../support/engine.js'
import { clusterClients, sentinelClients } from '../../support/redis-clients.js'
import { redisMissing, startRedisCluster, startSentinel } from '../../support/redis-servers.js'

const abilities = { sweeps: false }

export default {
  'Redis Cluster': {
    missing: redisMissing,
    async start () {
      const { addresses, fullestMaster, stop } = await startRedisCluster()
      return { at: addresses.map(({ port }) => port).join(), master: fullestMaster, stop }
    },
    clients: clusterClients,
    abilities
  },
  'Redis Sentinel': {
    missing: redisMissing,
    async start () {
      const { sentinel, master, stop } = await startSentinel()
      return { at: String(sentinel.port), master: async () => master, stop }
    },
    clients: sentinelClients,
    abilities
  }
} satisfies Engine
