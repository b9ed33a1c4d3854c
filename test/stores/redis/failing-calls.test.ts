import { Redis } from 'ioredis'
import t from 'tap'
import { startProxy } from '../../support/proxy.js'
import { openIoredis, openNodeRedis } from '../../support/redis-clients.js'
import { indexOf } from '../../support/redis-scene.js'
import { redisMissing, startRedis, waitUntil } from '../../support/redis-servers.js'
import { skipOrFail } from '../../support/skip.js'
import { storeFaults } from '../../support/store-faults.js'

const inAnHour = () => Date.now() + 3_600_000

for (const [name, connect] of Object.entries({ ioredis: openIoredis, 'node-redis': openNodeRedis })) {
  t.test(`redisStore with ${name} fails in time and comes back`, async t => {
    const missing = redisMissing()
    if (missing) return skipOrFail(t, missing)
    const server = await startRedis({ durable: true })
    const proxy = await startProxy(server.port)
    const { open, close } = await connect(proxy.port)
    t.teardown(async () => {
      await close()
      await proxy.close()
      await server.stop()
    })
    const store = open()
    await storeFaults(t, { store, proxy, server })

    await t.test('R-15: a durable server has every acknowledged session again', async t => {
      t.match(await store.load('a'), /^(a:){2000}$/)
    })

    await t.test('R-16: a server that became a read-only replica refuses every write, and takes it as a master again', async t => {
      const admin = new Redis({ port: server.port })
      t.teardown(() => admin.disconnect())
      await admin.replicaof('127.0.0.1', proxy.port)
      const writes: Array<() => Promise<unknown>> = [
        () => store.create('written', 'payload', inAnHour()), () => store.replace('a', 'x', 'y', inAnHour()),
        () => store.touch('a', inAnHour()), () => store.delete('a')
      ]
      for (const write of writes) await t.rejects(async () => { await write() }, /READONLY/)
      await admin.replicaof('NO', 'ONE')
      t.equal(await store.create('written', 'payload', inAnHour()), true)
    })

    await t.test('R-20: a server without memory refuses to write, and keeps what it has', async t => {
      const admin = new Redis({ port: server.port })
      t.teardown(() => admin.disconnect())
      await store.create('kept', 'payload', inAnHour())
      await admin.config('SET', 'maxmemory', '1')
      await t.rejects(store.create('refused', 'payload', inAnHour()), /OOM/)
      await t.rejects(store.replace('kept', 'payload', 'another', inAnHour()), /OOM/)
      await t.rejects(store.replace('kept', 'payload', 'päyloa', inAnHour()), /OOM/, 'fewer characters, as many bytes')
      await t.rejects(store.replace('kept', 'payload', 'less', inAnHour(), 'ann'), /OOM/, 'the index would grow')
      t.equal(await store.load('kept'), 'payload')
      await admin.config('SET', 'maxmemory', '0')
      t.equal(await store.replace('kept', 'payload', 'another', inAnHour()), 'replaced')
    })

    await t.test('R-20: a server without memory lets a session end', async t => {
      const admin = new Redis({ port: server.port })
      t.teardown(() => admin.disconnect())
      await store.create('ends', 'payload', inAnHour(), 'ann')
      await admin.config('SET', 'maxmemory', '1')
      t.equal(await store.replace('ends', 'payload', 'ended', inAnHour()), 'replaced')
      t.equal(await store.load('ends'), 'ended')
      t.equal(await admin.exists(indexOf('ann')), 0)
      await store.delete('ends')
      t.equal(await store.load('ends'), null)
      await admin.config('SET', 'maxmemory', '0')
    })
  })
}

t.test('R-15: a server that comes back empty has no sessions, and takes new ones', async t => {
  const missing = redisMissing()
  if (missing) return skipOrFail(t, missing)
  const server = await startRedis()
  const { open, close } = await openIoredis(server.port)
  t.teardown(async () => {
    await close()
    await server.stop()
  })
  const store = open()
  await store.create('id', 'payload', inAnHour(), 'ann')
  await server.signal('SIGKILL')
  await server.restart()
  await waitUntil('the client is back', () => store.load('id').then(() => true, () => false))
  t.equal(await store.load('id'), null)
  t.equal(await store.replace('id', 'payload', 'second', inAnHour(), 'ann'), 'missing')
  t.equal(await store.touch('id', inAnHour()), false)
  t.equal(await store.create('id', 'payload', inAnHour(), 'ann'), true)
})
