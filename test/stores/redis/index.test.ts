import { scanScript } from '../../../lib/stores/internal/redis/scripts.js'
import { redisStore } from '../../../lib/stores/redis.js'
import { idsOf, inAnHour, indexOf, tagOf, withEachClient } from '../../support/redis-scene.js'

withEachClient(async (t, { open, admin }) => {
  await t.test('R-8: no key is left that lives for ever', async t => {
    const store = open('mortal:')
    for (const id of ['a', 'b', 'c']) await store.create(id, 'first', inAnHour(), 'ann')
    await store.replace('a', 'first', 'second', inAnHour(), 'bob')
    await store.touch('b', inAnHour())
    await store.delete('c')
    const keys = await admin.keys('mortal:*')
    t.equal(keys.length, 4, 'two records, two indexes')
    for (const key of keys) t.ok(await admin.pttl(key) > 0, key)
  })

  await t.test('the index cleans itself by deadline, and goes with its last session', async t => {
    const store = open('clean:')
    const index = indexOf('ann', 'clean:')
    await store.create('brief', 'payload', Date.now() + 1000, 'ann')
    await store.create('long', 'payload', inAnHour(), 'ann')
    t.same(await admin.zrange(index, '0', '-1'), ['brief', 'long'])
    // An entry outlives its record by as long as that had to live.
    await new Promise(resolve => setTimeout(resolve, 2100))
    await store.create('later', 'payload', inAnHour(), 'ann')
    t.same((await admin.zrange(index, '0', '-1')).sort(), ['later', 'long'])

    await store.create('last', 'payload', Date.now() + 30, 'eve')
    await new Promise(resolve => setTimeout(resolve, 100))
    t.equal(await admin.exists(indexOf('eve', 'clean:')), 0)
  })

  await t.test('a touch keeps its session in the index, even if the index missed the touch', async t => {
    const store = open('touched:')
    const before = Date.now()
    await store.create('id', 'payload', before + 1000, 'ann')
    const [, score] = await admin.zrange(indexOf('ann', 'touched:'), '0', '-1', 'WITHSCORES')
    t.ok(Number(score) > before + 1500, 'an entry outlives its record by as long as that had to live')
    await store.touch('id', inAnHour())
    const [, moved] = await admin.zrange(indexOf('ann', 'touched:'), '0', '-1', 'WITHSCORES')
    t.ok(Number(moved) > inAnHour())
    t.ok(await admin.pexpiretime(indexOf('ann', 'touched:')) >= inAnHour(), 'and the index with it')
  })

  await t.test('an entry without its session is passed over: the process died between the two writes', async t => {
    const store = open('crash:')
    await store.create('alive', 'payload', inAnHour(), 'ann')
    await admin.zadd(indexOf('ann', 'crash:'), String(inAnHour()), 'never-kept')
    t.same(await idsOf(store, 'ann'), ['alive'])
  })

  await t.test('an entry of a session that is another subject\'s by now is not believed', async t => {
    const store = open('taken:')
    await store.create('id', 'payload', inAnHour(), 'bob')
    await admin.zadd(indexOf('ann', 'taken:'), String(inAnHour()), 'id')
    t.same(await idsOf(store, 'ann'), [])
    t.same(await idsOf(store, 'bob'), ['id'])
  })

  await t.test('an index that cannot be cleaned up does not stop the end of a session', async t => {
    const store = open('broken:')
    await store.create('id', 'payload', inAnHour(), 'ann')
    await admin.set(indexOf('ann', 'broken:'), 'not an index')
    await store.delete('id')
    t.equal(await store.load('id'), null)
    await t.rejects(store.create('id', 'payload', inAnHour(), 'ann'), /WRONGTYPE/)
    t.equal(await store.load('id'), null, 'and what cannot be indexed is not kept')
    await t.rejects(idsOf(store, 'ann'), /WRONGTYPE/)
  })

  await t.test('twenty thousand sessions of one subject are read in bounded pages', async t => {
    const store = open('many:')
    const index = indexOf('ann', 'many:')
    // In parts: a client gives a socket up that is silent for a second, as one is while this process is at work.
    for (let start = 0; start < 20_000; start += 1_000) {
      const write = admin.pipeline()
      for (let id = start; id < start + 1_000; id++) {
        write.set(`many:id:${id}`, `${tagOf('ann')}\npayload`, 'PX', 3_600_000)
        write.zadd(index, String(inAnHour()), String(id))
      }
      await write.exec()
    }
    t.equal((await idsOf(store, 'ann')).length, 20_000)

    const found: string[] = []
    for await (const { id } of store.findBySubject!('ann')) {
      if (found.push(id) !== 10_000) continue
      const others = Array.from({ length: 19_000 }, (_, id) => String(id + 1000))
      await admin.zrem(index, ...others)
    }
    for (let id = 0; id < 1000; id++) if (!found.includes(String(id))) t.fail(`${id} was left out`)
  })

  await t.test('ids that Redis names again, in the same page or a later one, are found once', async t => {
    const evalsha = admin.evalsha.bind(admin)
    const earlier: string[] = []
    const client = Object.assign(Object.create(admin), {
      async evalsha (sha: string, keys: number, ...args: string[]) {
        const answer = await evalsha(sha, keys, ...args)
        if (sha !== scanScript.sha) return answer
        const [cursor, ids] = answer as [string, string[]]
        earlier.push(...ids)
        return [cursor, [...earlier, ...ids]]
      }
    })
    const store = redisStore({ client, prefix: 'again:' })
    const ids = Array.from({ length: 300 }, (_, index) => String(index))
    for (const id of ids) await store.create(id, 'payload', inAnHour(), 'ann')
    t.same(await idsOf(store, 'ann'), ids.sort())
  })
})
