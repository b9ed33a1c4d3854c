import t from 'tap'
import { redisStore, type IoredisClient, type NodeRedisClient } from '../../../lib/stores/redis.js'
import { watchProcess } from '../../support/process-events.js'
import { inAnHour } from '../../support/redis-scene.js'

const REPLACED = ['replaced', 'the tag that it had']
const away = () => { throw new Error('no node has this slot') }

/** As ioredis does for a Cluster with `enableAutoPipelining`, while no node has a slot. `isAway`: is it that of this key? */
function clients (isAway: (key: string) => boolean): Record<string, IoredisClient | NodeRedisClient> {
  const run = (key: string) => isAway(key) ? away() : Promise.resolve(REPLACED)
  const ioredis = { get: away, set: away, evalsha: (_sha: string, _keys: number, key: string) => run(key), eval: away, duplicate: away }
  const nodeRedis = { get: away, set: away, evalSha: (_sha: string, { keys }: { keys: string[] }) => run(String(keys[0])), eval: away }
  return { ioredis, 'node-redis': nodeRedis }
}

for (const [name, client] of Object.entries(clients(() => true))) {
  t.test(`where ${name} throws at once, a write of a subject's session is refused, and no other promise is left behind`, async t => {
    const { uncaught } = watchProcess(t)
    await t.rejects(redisStore({ client }).replace('id', 'payload', 'second', inAnHour(), 'ann'), /no node has this slot/)
    await new Promise(setImmediate)
    t.strictSame(uncaught, [])
  })
}

for (const [name, client] of Object.entries(clients((key) => key.includes('subject:')))) {
  t.test(`where ${name} throws at once, an index that cannot be cleaned up does not stop a session from leaving its subject`, async t => {
    t.equal(await redisStore({ client }).replace('id', 'payload', 'second', inAnHour()), 'replaced')
  })
}
