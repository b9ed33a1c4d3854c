import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  openIoredisCluster, openIoredisSentinel, openNodeRedisCluster, openNodeRedisSentinel, type OpenedRedis
} from '../../support/redis-clients.js'
import {
  redisMissing, replicated, startRedisCluster, startSentinel, type RunningCluster, type RunningSentinel, type RunningServer
} from '../../support/redis-servers.js'
import { skipOrFail } from '../../support/skip.js'

const inAnHour = () => Date.now() + 3_600_000
const ids = Array.from({ length: 30 }, (_, index) => `session-${index}`)
const payloadOf = (id: string) => `payload of ${id}`

/** Milliseconds to find out that a master is gone and to promote its replica, with the timeouts of these servers. */
const failOver = 15_000

interface Scene {
  redis: OpenedRedis
  master: RunningServer
  /** The client keeps requests until the fail-over is done, whatever its timeout; `storeTimeout` answers them. */
  holds?: boolean
}

const scenes: Record<string, (t: Test) => Promise<Scene>> = {
  'a Cluster with ioredis': t => clusterScene(t, openIoredisCluster),
  'a Cluster with node-redis': t => clusterScene(t, openNodeRedisCluster),
  'Sentinel with ioredis': t => sentinelScene(t, openIoredisSentinel),
  'Sentinel with node-redis': async t => ({ ...await sentinelScene(t, openNodeRedisSentinel), holds: true })
}

async function clusterScene (t: Test, connect: (cluster: RunningCluster) => Promise<OpenedRedis>): Promise<Scene> {
  const cluster = await startRedisCluster()
  t.teardown(() => cluster.stop())
  const redis = await connect(cluster)
  return { redis, master: await cluster.masterOf('sess:id:session-0') }
}

async function sentinelScene (t: Test, connect: (sentinel: RunningSentinel) => Promise<OpenedRedis>): Promise<Scene> {
  const sentinel = await startSentinel()
  t.teardown(() => sentinel.stop())
  const redis = await connect(sentinel)
  return { redis, master: sentinel.master }
}

for (const [name, open] of Object.entries(scenes)) {
  t.test(`R-16: the master dies under ${name} while requests run, and its replica takes over with every session`, async t => {
    const missing = redisMissing()
    if (missing) return skipOrFail(t, missing)
    const unhandled: unknown[] = []
    const note = (error: unknown) => { unhandled.push(error) }
    process.on('unhandledRejection', note)
    const { redis, master, holds = false } = await open(t)
    t.teardown(async () => {
      process.removeListener('unhandledRejection', note)
      await redis.close()
    })
    const store = redis.open()
    for (const id of ids) await store.create(id, payloadOf(id), inAnHour(), 'ann')
    await replicated(master)

    const state = { running: true, wrong: 0, slowest: 0, errors: 0, answers: 0 }
    const requests = ids.map(async id => {
      while (state.running) {
        const start = Date.now()
        const found = await store.load(id).catch(() => undefined)
        if (found === undefined) state.errors++
        else if (found === payloadOf(id)) state.answers++
        else state.wrong++
        state.slowest = Math.max(state.slowest, Date.now() - start)
        await sleep(10)
      }
    })
    await sleep(100)
    await master.signal('SIGKILL')
    const killed = Date.now()
    const isBack = async () => (await Promise.all(ids.map(id => store.touch(id, inAnHour()).catch(() => false)))).every(Boolean)
    while (!(await isBack()) && Date.now() - killed < failOver) await sleep(50)
    const took = Date.now() - killed
    state.running = false
    await Promise.all(requests)

    t.ok(took < failOver, `every session can be written ${took} ms after the master died`)
    t.equal(state.wrong, 0, 'no load was answered with another session, or with none')
    t.ok(state.answers > 0, `${state.answers} answers and ${state.errors} errors meanwhile`)
    t.ok(state.slowest <= (holds ? took + 1000 : 2500), `and the slowest took ${state.slowest} ms`)
    for (const id of ids) t.equal(await store.replace(id, payloadOf(id), 'second', inAnHour(), 'ann'), 'replaced')
    const found = new Set<string>()
    for await (const record of store.findBySubject!('ann')) found.add(record.id)
    t.same([...found].sort(), [...ids].sort(), 'the index has them all')
    t.same(unhandled, [])
  })
}
