import { randomUUID } from 'node:crypto'
import { mock } from 'node:test'
import pg from 'pg'
import t, { type Test } from 'tap'
import { connectStore } from '../../../lib/stores/adapters/connect.js'
import { MemoryStore } from '../../../lib/stores/memory.js'
import { createTable as createPostgresTable, postgresStore } from '../../../lib/stores/postgres.js'
import { createTable, sqliteStore } from '../../../lib/stores/sqlite.js'
import { tieredStore } from '../../../lib/stores/adapters/tiered.js'
import type { Awaitable, SessionStore } from '../../../types/index.js'
import { buildApp, sessionOf } from '../../support/app.js'
import { conforms } from '../../support/conformance.js'
import { FaultyStore, FAULTS } from '../../support/faulty-store.js'
import { everyOrder, Interleaver } from '../../support/interleave.js'
import { postgresMissing, postgresUrl, startPostgres } from '../postgres/engine.js'
import { openIoredis } from '../../support/redis-clients.js'
import { redisMissing, startRedis } from '../../support/redis-servers.js'
import { skipOrFail } from '../../support/skip.js'
import { drivers } from '../sqlite/engine.js'
import { collect, later } from '../../support/store-cases.js'

const memory = (maxEntries = 10_000) => new MemoryStore({ maxEntries })
const invalid = { code: 'FST_TYPED_SESSION_INVALID_OPTION' }

const driver = drivers['better-sqlite3']
if (driver !== undefined && 'open' in driver) {
  t.test('memory before SQLite keeps the contract', async (t) => {
    conforms(t, async () => {
      const database = driver.open(':memory:')
      await createTable(database)
      return { store: tieredStore({ cache: memory(), store: sqliteStore({ database }) }), close: () => database.close() }
    })
  })
}

t.test('Redis before PostgreSQL keeps the contract', async (t) => {
  const missing = redisMissing() ?? postgresMissing()
  if (missing) return skipOrFail(t, missing)
  const [redisServer, postgresServer] = await Promise.all([startRedis(), startPostgres()])
  const redis = await openIoredis(redisServer.port)
  const pool = new pg.Pool({ connectionString: postgresUrl(postgresServer.port), max: 20 })
  t.teardown(async () => {
    await Promise.all([redis.close(), pool.end()])
    await Promise.all([redisServer.stop(), postgresServer.stop()])
  })
  let tables = 0
  conforms(t, async () => {
    const table = `tiered_${tables++}`
    await createPostgresTable(pool, { table })
    return tieredStore({ cache: redis.open(`${randomUUID()}:`), store: postgresStore({ pool, table }), cacheTimeout: 2 })
  })
})

t.test('a cache that is always full keeps the contract', async (t) => {
  conforms(t, () => tieredStore({ cache: memory(1), store: memory() }))
})

t.test('is refused what is no store, and what is no number of seconds', async (t) => {
  t.throws(() => tieredStore({ cache: {} as SessionStore, store: memory() }), { ...invalid, message: /cache/ })
  t.throws(() => tieredStore({ cache: memory(), store: undefined as unknown as SessionStore }), { ...invalid, message: /store/ })
  for (const wrong of [0, -1, NaN, Infinity, 'five' as unknown as number]) {
    t.throws(() => tieredStore({ cache: memory(), store: memory(), staleness: wrong }), { ...invalid, message: /staleness/ })
    t.throws(() => tieredStore({ cache: memory(), store: memory(), cacheTimeout: wrong }), { ...invalid, message: /cacheTimeout/ })
  }
})

t.test('is refused a cache that is the store itself', async (t) => {
  const store = memory()
  t.throws(() => tieredStore({ cache: store, store }), { ...invalid, message: /cache/ })
})

if (driver !== undefined && 'open' in driver) {
  t.test('a cache in the same place as the store writes over no session', async (t) => {
    const database = driver.open(':memory:')
    t.teardown(() => database.close())
    await createTable(database)
    const open = () => sqliteStore({ database })
    const store = tieredStore({ cache: open(), store: open() })
    t.equal(await store.create('id', 'first', later(), 'ann'), true)
    t.equal(await store.load('id'), 'first')
    t.equal(await store.replace('id', 'first', 'second', later(), 'ann'), 'replaced')
    t.equal(await store.replace('id', 'first', 'third', later(), 'ann'), 'conflict')
    t.equal(await store.load('id'), 'second')
    t.strictSame((await collect(store, 'ann')).map(({ id, payload }) => [id, payload]), [['id', 'second']])
    await store.delete('id')
    t.equal(await store.load('id'), null)
    t.equal(await open().load('id'), null)
  })
}

t.test('promises and finds what the durable store does', async (t) => {
  const blind = connectStore({ get (_id, done) { done() }, set (_id, _session, done) { done() }, destroy (_id, done) { done() } })
  const worse = tieredStore({ cache: memory(), store: blind })
  t.equal(worse.atomic, false)
  t.equal(worse.findBySubject, undefined)
  const store = tieredStore({ cache: blind, store: memory() })
  t.equal(store.atomic, true)
  await store.create('id', 'payload', later(), 'ann')
  t.strictSame((await collect(store, 'ann')).map(({ id }) => id), ['id'])
})

function withoutUpkeep (store: SessionStore): SessionStore {
  return {
    create: (...args) => store.create(...args),
    load: (id) => store.load(id),
    replace: (...args) => store.replace(...args),
    touch: (...args) => store.touch(...args),
    delete: (id) => store.delete(id)
  }
}

/** Two processes, each with a cache of its own, before one store; the time stands still. */
function processes (t: Test, staleness = 5) {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) })
  t.teardown(() => mock.timers.reset())
  const store = new FaultyStore(memory())
  const open = () => tieredStore({ cache: memory(), store, staleness })
  return { store, one: open(), other: open() }
}

t.test('what was read or written is read again without asking the store', async (t) => {
  const { store, one, other } = processes(t)
  await one.create('id', 'first', later())
  t.equal(await one.load('id'), 'first')
  t.equal(await one.replace('id', 'first', 'second', later()), 'replaced')
  t.equal(await one.load('id'), 'second')
  t.equal(store.calls.filter((call) => call === 'load').length, 0)
  t.equal(await other.load('id'), 'second')
  t.equal(await other.load('id'), 'second')
  t.equal(store.calls.filter((call) => call === 'load').length, 1)
})

t.test('another process reads a change, an end and a deadline that was moved within the time allowed, and never later', async (t) => {
  const { one, other } = processes(t)
  await one.create('id', 'first', later())
  t.equal(await other.load('id'), 'first')
  await one.replace('id', 'first', 'second', later())
  mock.timers.tick(4999)
  t.equal(await other.load('id'), 'first')
  t.equal(await other.touch('id', later()), true, 'touching')
  mock.timers.tick(1)
  t.equal(await other.load('id'), 'second', 'does not make it stale for longer')
  await one.delete('id')
  t.equal(await one.load('id'), null)
  mock.timers.tick(5000)
  t.equal(await other.load('id'), null)
  await one.create('brief', 'payload', later())
  await one.touch('brief', later(1000))
  mock.timers.tick(1000)
  t.equal(await one.load('brief'), null)
})

t.test('R-2 R-4: who was served a stale record cannot save it, and reads the latest next', async (t) => {
  const { one, other } = processes(t)
  await one.create('id', 'first', later())
  await other.load('id')
  await one.replace('id', 'first', 'second', later())
  t.equal(await other.load('id'), 'first')
  t.equal(await other.replace('id', 'first', 'third', later()), 'conflict')
  t.equal(await other.load('id'), 'second')
  await one.delete('id')
  t.equal(await other.replace('id', 'second', 'third', later()), 'missing')
  t.equal(await other.touch('id', later()), false)
  t.equal(await other.load('id'), null)
})

t.test('R-2 R-4: two applications with a cache each lose no change, and an ended session is not saved', async (t) => {
  const store = memory()
  const open = async () => {
    const built = await buildApp(t, { backend: 'memory', store: tieredStore({ cache: memory(), store }) })
    built.app.get('/add', async (request) => await sessionOf(request).update((data) => { data.visits++ }))
    built.app.get('/note', async (request) => { sessionOf(request).note = 'kept'; return {} })
    built.app.get('/dark', async (request) => { sessionOf(request).theme = 'dark'; return {} })
    built.app.get('/read', async (request) => ({ visits: sessionOf(request).visits, note: sessionOf(request).note ?? null }))
    built.app.get('/logout', async (request) => { await sessionOf(request).destroy(); return {} })
    return built
  }
  const [one, other] = [await open(), await open()]
  await one.client.get('/add')
  const headers = { cookie: one.client.header }
  const ask = async ({ app }: typeof one, url: string) => await app.inject({ url, headers })
  for (const app of [other, one, other, one]) t.equal((await ask(app, '/add')).statusCode, 200)
  await ask(other, '/read')
  await ask(one, '/add')
  await ask(other, '/note')
  t.strictSame((await ask(other, '/read')).json(), { visits: 6, note: 'kept' }, 'merged with what was read stale')
  const reader = await open()
  await ask(reader, '/read')
  await ask(one, '/logout')
  t.equal((await ask(reader, '/read')).json().visits, 6, 'it is still in this cache')
  await ask(reader, '/dark')
  t.equal(store.size, 0, 'a stale reader does not bring it back')
  for (const app of [one, other, reader]) t.equal((await ask(app, '/read')).json().visits, 0)
})

t.test('in every order of the calls: a process reads what it was told last, and all do when the time is over', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) })
  t.teardown(() => mock.timers.reset())
  type Task = (store: SessionStore) => Awaitable<unknown>
  const tasks: Record<string, Task> = {
    load: (store) => store.load('id'),
    save: (store) => store.replace('id', 'first', 'second', later()),
    next: (store) => store.replace('id', 'second', 'third', later()),
    delete: (store) => store.delete('id'),
    shorten: (store) => store.touch('id', later(1000))
  }
  const races = [['load', 'save'], ['load', 'delete'], ['save', 'delete'], ['save', 'next'], ['load', 'shorten'], ['load', 'save', 'delete'], ['load', 'save', 'next']]
  for (const warm of [false, true]) {
    for (const names of races) {
      const wrong = new Set<string>()
      const count = await everyOrder(async (choose) => {
        const [cache, durable, interleaver] = [memory(), memory(), new Interleaver()]
        await durable.create('id', 'first', later())
        const open = (cache: SessionStore, store: SessionStore) => tieredStore({ cache, store, cacheTimeout: 60 })
        if (warm) await open(cache, durable).load('id')
        const store = open(interleaver.wrap(cache), interleaver.wrap(durable))
        const elsewhere = open(memory(), durable)
        await elsewhere.load('id')
        await interleaver.run(names.map((name) => async () => await tasks[name]!(store)), choose)
        const [found, kept] = [await open(cache, durable).load('id'), await durable.load('id')]
        if (found !== kept) wrong.add(`${found} for ${kept}`)
        mock.timers.tick(5000)
        for (const late of [open(cache, durable), elsewhere]) if (await late.load('id') !== await durable.load('id')) wrong.add('stale for too long')
      }, 3000)
      t.strictSame([...wrong], [], `${names.join(' ∥ ')}, ${warm ? 'in' : 'not in'} the cache: ${count} orders`)
    }
  }
})

t.test('R-4: a reader that was overtaken by the deletion in another process puts nothing back that lasts', async (t) => {
  const { one, other } = processes(t)
  await one.create('id', 'first', later())
  const [cache, slow] = [memory(), memory()]
  await slow.create('id', 'first', later())
  let release = () => {}
  const load = slow.load.bind(slow)
  const held = Object.assign(slow, {
    load: async (id: string) => {
      const payload = await load(id)
      await new Promise<void>((resolve) => { release = resolve })
      return payload
    }
  })
  const reader = tieredStore({ cache, store: held })
  const reading = reader.load('id')
  await new Promise(setImmediate)
  mock.timers.tick(4000)
  await held.delete('id')
  release()
  t.equal(await reading, 'first', 'it asked before')
  mock.timers.tick(1000)
  t.equal(await cache.load('cache:id'), null, 'the time counts from when it was read')
  t.ok(other)
})

for (const [how, fault] of Object.entries(FAULTS)) {
  if (how.includes('late') || how === 'returns no promise' || how.startsWith('answers a callback')) continue
  t.test(`R-11 R-12: a cache that ${how} costs time, and nothing else`, async (t) => {
    const cache = new FaultyStore(memory())
    const store = memory()
    const tiered = tieredStore({ cache, store, cacheTimeout: 0.01 })
    await tiered.create('before', 'first', later())
    for (const operation of ['create', 'load', 'replace', 'delete'] as const) cache.break(operation, fault)
    t.equal(await tiered.create('id', 'first', later()), true)
    t.equal(await tiered.create('id', 'second', later()), false)
    t.equal(await tiered.load('id'), 'first')
    t.equal(await tiered.replace('id', 'first', 'second', later()), 'replaced')
    t.equal(await tiered.replace('id', 'first', 'third', later()), 'conflict')
    t.equal(await tiered.load('id'), 'second')
    t.equal(await tiered.touch('id', later()), true)
    t.equal(await tiered.touch('id', later(10)), true)
    await tiered.delete('id')
    t.equal(await tiered.load('id'), null)
    await tiered.delete('before')
    t.equal(await tiered.load('before'), null)
  })
}

t.test('a cache that lies, and says of every id that it is both taken and unknown, ends no request', async (t) => {
  const cache = Object.assign(memory(), { create: async () => false, load: async () => null, replace: async () => 'conflict' as const })
  const store = tieredStore({ cache, store: memory() })
  await store.create('id', 'first', later())
  t.equal(await store.replace('id', 'first', 'second', later()), 'replaced')
  await store.delete('id')
  t.equal(await store.load('id'), null)
})

t.test('sweeps both, counts sessions, and closes both even if one of them fails', async (t) => {
  const done: string[] = []
  const part = (name: string, fails = false): SessionStore => Object.assign(memory(), {
    sweep: async () => { done.push(`sweep ${name}`); if (fails) throw new Error(name); return 1 },
    close: async () => { done.push(`close ${name}`); if (fails) throw new Error(name) }
  })
  t.equal(await tieredStore({ cache: part('a'), store: part('b') }).sweep!(), 1)
  const store = tieredStore({ cache: part('c', true), store: part('d') })
  t.equal(await store.sweep!(), 1)
  await t.rejects(store.close!(), { message: 'c' })
  await t.rejects(tieredStore({ cache: part('e'), store: part('f', true) }).sweep!(), { message: 'f' })
  t.strictSame(done.sort(), ['close c', 'close d', 'sweep a', 'sweep b', 'sweep c', 'sweep d', 'sweep e', 'sweep f'])
  const map = () => withoutUpkeep(memory())
  t.equal(tieredStore({ cache: map(), store: map() }).sweep, undefined)
  t.equal(await tieredStore({ cache: memory(), store: map() }).sweep!(), 0)
  t.equal(await tieredStore({ cache: map(), store: memory() }).sweep!(), 0)
  t.equal(await tieredStore({ cache: map(), store: map() }).close!(), undefined)
})

t.test('an emptied cache loses nothing', async (t) => {
  const [cache, durable] = [memory(), memory()]
  const store = tieredStore({ cache, store: durable })
  await store.create('id', 'first', later())
  for (const [expected, payload] of [['first', 'second'], ['second', 'third']] as const) {
    await cache.delete('cache:id')
    t.equal(await store.replace('id', expected, payload, later()), 'replaced')
    await cache.delete('cache:id')
    t.equal(await store.load('id'), payload)
  }
})

t.test('a durable store that fails is a failure, and the cache does not hide it from a write', async (t) => {
  const durable = new FaultyStore(memory())
  const store = tieredStore({ cache: memory(), store: durable })
  await store.create('id', 'first', later())
  for (const operation of ['create', 'load', 'replace', 'delete'] as const) durable.break(operation, FAULTS.rejects!)
  t.equal(await store.load('id'), 'first', 'read from the cache')
  await t.rejects(store.replace('id', 'first', 'second', later()))
  await t.rejects(store.delete('id'))
  await t.rejects(store.load('other'))
})
