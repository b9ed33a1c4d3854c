import { type Engine, single } from '../../support/engine.js'
import { startValkey, valkeyMissing } from '../../support/redis-servers.js'
import redis from '../redis/engine.js'

export default { Valkey: { ...redis.Redis, missing: valkeyMissing, start: async () => await single(startValkey({ durable: true })) } } satisfies Engine
