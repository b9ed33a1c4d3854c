import { type Engine, single } from '../../support/engine.js'
import { redisClients } from '../../support/redis-clients.js'
import { redisMissing, startRedis } from '../../support/redis-servers.js'

export default {
  Redis: {
    missing: redisMissing,
    start: async () => await single(startRedis({ durable: true })),
    clients: redisClients,
    abilities: { sweeps: false },
    keepsDeadConnections: ['node-redis']
  }
} satisfies Engine
