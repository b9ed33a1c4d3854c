import { mock } from 'node:test'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { MemoryStore } from '../../../lib/stores/memory.js'
import { tieredStore } from '../../../lib/stores/adapters/tiered.js'
import { FaultyStore, FAULTS, type Operation } from '../../support/faulty-store.js'
import { httpApp } from '../../support/http-scene.js'
import { openIoredis } from '../../support/redis-clients.js'
import { redisMissing, startRedis } from '../../support/redis-servers.js'
import { skipOrFail } from '../../support/skip.js'
import { later } from '../../support/store-cases.js'

const memory = (maxEntries = 10_000) => new MemoryStore({ maxEntries })
const WRITES: readonly Operation[] = ['create', 'replace', 'delete']

/** One process, whose cache can be broken for some calls; the time stands still. */
function broken (t: Test, staleness = 5) {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) })
  t.teardown(() => mock.timers.reset())
  const cache = new FaultyStore(memory())
  const store = new FaultyStore(memory())
  const breakWrites = (operations = WRITES, fault = FAULTS.rejects!) => {
    for (const operation of operations) cache.break(operation, fault)
  }
  const loads = () => store.calls.filter((call) => call === 'load').length
  return { cache, store, breakWrites, loads, tiered: tieredStore({ cache, store, staleness, cacheTimeout: 0.01 }) }
}

for (const how of ['rejects', 'throws', 'hangs', 'answers a callback that nobody gave', 'returns no promise']) {
  t.test(`R-4, R-11: a process reads what it has saved and ended, though its cache ${how} at every write and still answers what it had`, async (t) => {
    const { tiered, breakWrites, cache, loads } = broken(t)
    await tiered.create('saved', 'first', later())
    await tiered.create('ended', 'first', later())
    await tiered.create('shortened', 'first', later())
    await tiered.create('untouched', 'first', later())
    breakWrites(WRITES, FAULTS[how])
    t.equal(await tiered.replace('saved', 'first', 'second', later()), 'replaced')
    t.equal(await tiered.load('saved'), 'second')
    t.equal(await tiered.replace('saved', 'second', 'third', later()), 'replaced')
    t.equal(await tiered.load('saved'), 'third')
    await tiered.delete('ended')
    t.equal(await tiered.load('ended'), null)
    await tiered.touch('shortened', later(1000))
    mock.timers.tick(1000)
    t.equal(await tiered.load('shortened'), null)
    const before = loads()
    t.equal(await tiered.load('untouched'), 'first')
    t.equal(loads(), before, 'what nobody changed is still read from the cache')
    cache.heal()
    t.equal(await tiered.load('ended'), null, 'when the cache is back')
    t.equal(await tiered.load('saved'), 'third')
    mock.timers.tick(3999)
    t.equal(await tiered.load('saved'), 'third')
    mock.timers.tick(5000)
    const asked = loads()
    for (let turn = 0; turn < 3; turn++) t.equal(await tiered.load('saved'), 'third')
    t.equal(loads(), asked + 1, 'and it is used again once every copy of that time has expired')
  })
}

t.test('R-2: who lost a race reads the latest record next, though the cache cannot be told', async (t) => {
  const { tiered, breakWrites, store } = broken(t)
  await tiered.create('id', 'first', later())
  const other = tieredStore({ cache: memory(), store })
  breakWrites()
  await other.replace('id', 'first', 'second', later())
  t.equal(await tiered.load('id'), 'first', 'stale, as long as it is allowed to be')
  t.equal(await tiered.replace('id', 'first', 'third', later()), 'conflict')
  t.equal(await tiered.load('id'), 'second')
  await other.delete('id')
  t.equal(await tiered.replace('id', 'second', 'third', later()), 'missing')
  t.equal(await tiered.load('id'), null)
})

t.test('a cache that takes no writes but deletions is rid of the old copy, for all processes', async (t) => {
  const { tiered, breakWrites, cache } = broken(t)
  for (const id of ['saved', 'ended']) await tiered.create(id, 'first', later())
  breakWrites(['create', 'replace'])
  await tiered.replace('saved', 'first', 'second', later())
  await tiered.delete('ended')
  const another = tieredStore({ cache, store: memory() })
  t.strictSame([await another.load('saved'), await another.load('ended')], [null, null])
})

t.test('where more ids are in doubt than can be kept, all are, until the last copy has expired', async (t) => {
  const { tiered, breakWrites, cache, loads } = broken(t)
  await tiered.create('first', 'payload', later())
  await tiered.create('other', 'payload', later())
  const ids = Array.from({ length: 1000 }, (_, index) => `id-${index}`)
  for (const id of ids) await tiered.create(id, 'payload', later())
  breakWrites()
  mock.timers.tick(4000)
  for (const id of ['first', ...ids]) await tiered.delete(id)
  cache.heal()
  for (const id of ['first', ...ids]) if (await tiered.load(id) !== null) t.fail(`${id} is still read`)
  const before = loads()
  await tiered.load('other')
  t.equal(loads(), before + 1, 'not from the cache')
  mock.timers.tick(5000)
  for (let turn = 0; turn < 2; turn++) await tiered.load('other')
  t.equal(loads(), before + 2)
})

t.test('R-20, S-7.4.1: over HTTP, a Redis cache that is full makes no save fail and keeps nobody signed in', async (t) => {
  const missing = redisMissing()
  if (missing) return skipOrFail(t, missing)
  const server = await startRedis()
  const { open, close } = await openIoredis(server.port)
  const admin = new Redis({ port: server.port })
  t.teardown(async () => {
    admin.disconnect()
    await close()
    await server.stop()
  })
  const { run, read, client } = await httpApp(t, tieredStore({ cache: open(), store: memory() }))
  await run((session) => { session.userId = 'ann' })
  await read(client.token)
  await admin.config('SET', 'maxmemory', '1')
  for (let visits = 1; visits <= 3; visits++) {
    t.equal((await run((session) => { session.visits++ })).statusCode, 200)
    t.match(await read(client.token), { userId: 'ann', visits })
  }
  const { token } = client
  t.equal((await run((session) => session.destroy())).statusCode, 200)
  t.equal(await read(token), null)
})
