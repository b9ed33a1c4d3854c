import { MongoClient, type CommandStartedEvent } from 'mongodb'
import t from 'tap'
import { createIndexes, mongoStore, type MongoCollection } from '../../../lib/stores/mongodb.js'
import { javaServerMissing, mongoUrl, startJavaServer } from './engine.js'
import { waitUntil } from '../../support/server-process.js'
import { skipOrFail } from '../../support/skip.js'
import { collect, later, nearlyA, past } from '../../support/store-cases.js'

const missing = javaServerMissing()

t.test('What is no collection is refused at construction', async (t) => {
  for (const collection of [undefined, null, {}, { updateOne: 1 }, 'sessions'] as unknown as MongoCollection[]) {
    t.throws(() => mongoStore({ collection }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
  }
})

if (missing) t.test('On a real server', async (t) => skipOrFail(t, missing))
else {
  const server = await startJavaServer()
  const client = new MongoClient(mongoUrl(server.port), { monitorCommands: true })
  const collection = client.db().collection<{ _id: string, expiresAt: Date }>('sessions')
  t.teardown(async () => {
    await client.close()
    await server.stop()
  })
  const store = mongoStore({ collection })
  t.beforeEach(async () => { await collection.deleteMany({}) })

  t.test('createIndexes makes one index by subject and one that lets the server remove what is over, and may run twice', async (t) => {
    const indexed = client.db().collection('indexed')
    await createIndexes(indexed)
    await createIndexes(indexed)
    const byName = async (name: string) => (await client.db().collection(name).indexes()).sort((a, b) => String(a.name) < String(b.name) ? -1 : 1)
    t.match(await byName('indexed'), [
      { key: { _id: 1 } }, { key: { expiresAt: 1 }, name: 'expiresAt', expireAfterSeconds: 60 }, { key: { subject: 1 }, name: 'subject' }
    ])
    await createIndexes(client.db().collection('plain'), { ttl: false })
    const [, byDeadline] = await byName('plain')
    t.match(byDeadline, { key: { expiresAt: 1 }, name: 'expiresAt' })
    t.notOk(byDeadline && 'expireAfterSeconds' in byDeadline)
  })

  t.test('K-44 an object in place of an id, a payload or a subject is never an operator', async (t) => {
    await store.create('a', 'p', later(), 's')
    const sent: CommandStartedEvent[] = []
    client.on('commandStarted', (event) => sent.push(event))
    for (const hostile of [{ $gt: '' }, { $ne: null }, { $regex: '.*' }, ['a'], 1, null, /a/] as unknown as string[]) {
      t.equal(await store.load(hostile), null)
      t.equal(await store.touch(hostile, later()), false)
      t.equal(await store.replace(hostile, 'p', 'q', later()), 'missing')
      await store.delete(hostile)
      t.same(await collect(store, hostile), [])
      await t.rejects(store.create(hostile, 'p', later()), TypeError)
      await t.rejects(store.create('b', hostile, later()), TypeError)
      await t.rejects(store.create('b', 'p', later(), hostile), TypeError)
    }
    t.same(sent, [], 'nothing of it was sent')
    t.equal(await store.replace('a', { $gt: '' } as unknown as string, 'q', later()), 'conflict')
    t.equal(await store.load('a'), 'p')
    for (const { command } of sent) t.same(command.filter._id, { $eq: 'a' })
    client.removeAllListeners('commandStarted')
  })

  t.test('Reads go to the primary and writes wait for a majority, whatever the collection was made with', async (t) => {
    const made = client.db().collection('sessions', { readPreference: 'secondary', writeConcern: { w: 0 }, promoteValues: false, raw: true })
    const asked: Array<[string, object]> = []
    const careless = mongoStore({
      // A standalone server is not told the read preference, so it is seen where the driver is.
      collection: new Proxy<MongoCollection>(made, {
        get: (target, name: keyof MongoCollection) => (...args: object[]) => {
          asked.push([name, args.at(-1) as object])
          return Reflect.apply(target[name], target, args)
        }
      })
    })
    t.equal(await careless.create('a', 'p', later(), 's'), true)
    t.equal(await careless.create('a', 'p', later(), 's'), false)
    t.equal(await careless.touch('a', later()), true)
    t.equal(await careless.replace('a', 'x', 'q', later(), 's'), 'conflict')
    t.equal(await careless.replace('a', 'p', 'q', later(), 's'), 'replaced')
    t.equal(await careless.load('a'), 'q')
    t.equal((await collect(careless, 's')).length, 1)
    await careless.delete('a')
    t.equal(await careless.sweep?.(), 0)
    for (const [name, options] of asked) {
      t.match(options, name.startsWith('find') ? { readPreference: 'primary' } : { writeConcern: { w: 'majority' } }, name)
    }
    t.equal(asked.length, 11)
  })

  t.test('An id, a payload and a subject are compared exactly', async (t) => {
    await store.create('a', 'a', later(), 'a')
    for (const other of nearlyA) {
      t.equal(await store.load(other), null, JSON.stringify(other))
      t.equal(await store.touch(other, later()), false)
      t.equal(await store.replace('a', other, 'q', later()), 'conflict')
      t.same(await collect(store, other), [])
    }
    t.equal(await store.load('a'), 'a')
  })

  t.test('A lone surrogate is refused and never altered', async (t) => {
    const refusal = { name: 'TypeError', message: /cannot keep this (id|payload|subject) exactly/ }
    await t.rejects(store.create('\ud800', 'p', later()), refusal)
    await t.rejects(store.create('a', '\ud800', later()), refusal)
    await t.rejects(store.create('a', 'p', later(), '\ud800'), refusal)
    t.equal(await collection.countDocuments(), 0)
    await store.create('a', '\ufffd', later())
    t.equal(await store.replace('a', '\ud800', 'q', later()), 'conflict')
  })

  t.test('A deadline with a fraction is kept as the millisecond it is in, and one that is none is refused', async (t) => {
    const deadline = later()
    await store.create('a', 'p', deadline + 0.9, 's')
    t.same(await collect(store, 's'), [{ id: 'a', payload: 'p', expiresAt: deadline }])
    t.match(await collection.findOne({ _id: 'a' }), { expiresAt: new Date(deadline) }, 'a date, as a TTL index needs it')
    for (const bad of [NaN, Infinity, 8.7e15, 2 ** 60]) {
      await t.rejects(store.touch('a', bad), TypeError)
      await t.rejects(store.create('b', 'p', bad), TypeError)
    }
  })

  t.test('What is over is replaced by create as a whole, before any TTL removed it', async (t) => {
    await store.create('a', 'old', past(), 'old')
    t.equal(await store.create('a', 'new', later()), true)
    t.equal(await collection.countDocuments(), 1)
    t.notOk('subject' in (await collection.findOne({ _id: 'a' }) ?? {}), 'nothing of the old one is left')
  })

  t.test('Sweep removes more than one batch and what is live stays', async (t) => {
    const documents = Array.from({ length: 2500 }, (_, index) => ({ _id: `old${index}`, payload: 'p', expiresAt: new Date(index) }))
    await collection.insertMany(documents)
    await store.create('live', 'p', later())
    t.equal(await store.sweep?.(), 2500)
    t.equal(await collection.countDocuments(), 1)
  })

  t.test('A sweep spares what was created anew after it had looked', async (t) => {
    await store.create('a', 'old', past())
    await store.create('b', 'old', past())
    const interrupted: MongoCollection = new Proxy<MongoCollection>(collection, {
      get: (target, name: keyof MongoCollection) => name === 'find'
        ? async function * (...args: Parameters<MongoCollection['find']>) {
          yield * target.find(...args)
          t.equal(await store.create('a', 'new', later()), true)
        }
        : target[name].bind(target)
    })
    t.equal(await mongoStore({ collection: interrupted }).sweep?.(), 1)
    t.equal(await store.load('a'), 'new')
  })

  t.test('An error that is not a taken id is a rejection', async (t) => {
    const refusing = mongoStore({ collection: client.db().collection('system.indexes') })
    await t.rejects(refusing.create('a', 'p', later()))
  })
}

t.test('The MongoDB at MONGODB_URL removes by itself what is over', { timeout: 200_000 }, async (t) => {
  const url = process.env.MONGODB_URL
  if (!url) return t.plan(0, 'MONGODB_URL names no server')
  const client = new MongoClient(url)
  const collection = client.db().collection(`sessions_ttl_${process.pid}`)
  t.teardown(async () => {
    await collection.drop()
    await client.close()
  })
  await createIndexes(collection)
  const store = mongoStore({ collection })
  await store.create('over', 'p', past() - 120_000)
  await store.create('live', 'p', later(3_600_000))
  await waitUntil('the TTL monitor has come by', async () => await collection.countDocuments() === 1, 150_000)
  t.equal(await store.load('live'), 'p')
})
