import { mock } from 'node:test'
import t from 'tap'
import { alone } from '../../lib/backends/subject-lock.js'
import { StoreCalls } from '../../lib/backends/store-calls.js'
import { StoredRecords } from '../../lib/backends/stored-records.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppOptions, type BackendName, buildApp } from '../support/app.js'
import { pass, stopTime, timed } from '../support/clock.js'
import { UNAVAILABLE } from '../support/failure-app.js'
import { FaultyStore } from '../support/faulty-store.js'
import { lasting } from '../support/lasting.js'

const PLACES: readonly BackendName[] = ['revocable', 'memory']
const USER = 'ann'

async function limited (t: Parameters<typeof buildApp>[0], options: AppOptions) {
  const store = new FaultyStore(memoryStore())
  const kept = options.backend === 'memory' ? { store } : { revocations: store }
  const built = await buildApp(t, { subject: 'userId', maxPerSubject: 2, ...kept, ...options })
  const { app, newClient } = built
  app.get('/seed', async ({ session }) => { session.visits = 1 })
  app.get('/login', async ({ session }) => { session.userId = USER })
  app.get('/read', async ({ session }) => ({ isNew: session.isNew, user: session.userId ?? null }))
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/save', async ({ session }) => {
    session.userId = USER
    try {
      await session.save()
    } catch (error) {
      await session.reload()
      return (error as { code: string }).code
    }
  })
  async function signIn ({ seeded = false } = {}) {
    const client = newClient()
    if (seeded) await client.get('/seed')
    const response = await client.get('/login')
    return { client, response, isIn: async () => (await client.get('/read')).json().user === USER }
  }
  return { ...built, kept: store, signIn }
}

for (const backend of PLACES) {
  t.test(`${backend} sessions`, async t => {
    for (const seeded of [false, true]) {
      const how = seeded ? 'a session that there was' : 'a new session'
      t.test(`S-7.1.2: one more sign-in, with ${how}, ends the session that signed in first, and onDestroy is told`, async t => {
        stopTime(t)
        const { signIn, events, sessions } = await limited(t, { backend })
        const all = []
        for (let index = 0; index < 4; index++) {
          all.push(await signIn({ seeded }))
          pass(1_000)
        }
        t.strictSame(await Promise.all(all.map(async ({ isIn }) => await isIn())), [false, false, true, true])
        t.equal(events.filter(({ name }) => name === 'onDestroy').length, 2)
        t.equal((await sessions.list(USER)).length, 2)
      })

      t.test(`S-7.1.2: with overLimit 'refuse', one more sign-in with ${how} is a 409 that keeps and ends nothing`, async t => {
        const { signIn, events } = await limited(t, { backend, overLimit: 'refuse' })
        const all = [await signIn({ seeded }), await signIn({ seeded })]
        const late = await signIn({ seeded })
        t.match(late.response, { statusCode: 409 })
        t.match(late.response.json(), { code: 'FST_TYPED_SESSION_TOO_MANY' })
        t.equal(late.response.headers['set-cookie'], undefined)
        t.strictSame(await Promise.all([...all, late].map(async ({ isIn }) => await isIn())), [true, true, false])
        t.strictSame(events.filter(({ name }) => name === 'onDestroy'), [])
        t.equal((await late.client.get('/save')).body, 'FST_TYPED_SESSION_TOO_MANY', 'a handler can ask for the save, and answer as it likes')
      })
    }

    t.test('who is in already is not one more: rotations, and the same user again', async t => {
      const { signIn } = await limited(t, { backend, overLimit: 'refuse' })
      const all = [await signIn(), await signIn()]
      for (const { client } of all) for (const url of ['/rotate', '/login', '/rotate']) t.equal((await client.get(url)).statusCode, 200)
      t.strictSame(await Promise.all(all.map(async ({ isIn }) => await isIn())), [true, true])
    })

    t.test('a store that fails in the middle is an opaque 503', async t => {
      const { signIn, kept } = await limited(t, { backend })
      await signIn()
      await signIn()
      for (const operation of ['create', 'replace'] as const) {
        kept.break(operation, () => Promise.reject(new Error('gone')))
        const { response } = await signIn()
        t.equal(response.statusCode, 503, operation)
        t.strictSame(response.json(), UNAVAILABLE)
        kept.heal()
      }
    })
  })
}

function recordsOf (store: FaultyStore): StoredRecords {
  const timeouts = lasting(60_000, 60_000)
  return new StoredRecords({ calls: new StoreCalls(store, 2_000), namespace: '01234567', timeouts, grace: 0, maxSize: 65_536, cache: 10, notBefore: null })
}

t.test('a turn is alone: the others begin when it has ended, whatever process they are of', async t => {
  const store = new FaultyStore(memoryStore())
  const state = { inside: 0, most: 0, turns: 0 }
  const turn = async () => {
    state.most = Math.max(state.most, ++state.inside)
    await new Promise((resolve) => setImmediate(resolve))
    state.inside--
    return ++state.turns
  }
  const done = await Promise.all(Array.from({ length: 10 }, async () => await alone(recordsOf(store), 'ann', turn)))
  t.strictSame(done.sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  t.equal(state.most, 1)
})

t.test('a turn that throws lets the next one in, and another name waits for nobody', async t => {
  const records = recordsOf(new FaultyStore(memoryStore()))
  await t.rejects(alone(records, 'ann', async () => { throw new Error('mine') }), { message: 'mine' })
  t.equal(await alone(records, 'ann', async () => await alone(records, 'bob', async () => 'both')), 'both')
})

t.test('who has lost its turn to another finds out before it does harm', async t => {
  stopTime(t)
  const store = new FaultyStore(memoryStore())
  await t.rejects(alone(recordsOf(store), 'ann', async (hold) => {
    await hold()
    pass(3_001)
    await alone(recordsOf(store), 'ann', async (theirs) => {
      await theirs()
      await t.rejects(hold(), { code: 'FST_TYPED_SESSION_STORE_FAILED' })
    })
    await hold()
  }), { code: 'FST_TYPED_SESSION_STORE_FAILED', cause: { message: /lock of a subject was lost/ } })
})

t.test('a lock of a process that died is free again soon; one that stays is waited for as long as a step may take', async t => {
  const store = new FaultyStore(memoryStore())
  const records = recordsOf(store)
  const create = store.create.bind(store)
  store.create = async () => false
  mock.method(performance, 'now', () => Date.now())
  t.teardown(() => mock.restoreAll())
  stopTime(t)
  const { value, took } = await timed(alone(records, 'ann', async () => 'in').catch((error) => error), 5)
  t.match(value, { code: 'FST_TYPED_SESSION_STORE_FAILED', cause: { message: /not free in time/ } })
  t.ok(took >= 2_000 && took < 2_050, `${took} ms`)
  store.create = create
  await records.calls.create(records.key('lock:ann'), '{"lock":"of a process that died"}', Date.now() + 3_000)
  await t.rejects(timed(alone(records, 'ann', async () => 'in'), 5), { code: 'FST_TYPED_SESSION_STORE_FAILED' })
  pass(3_000)
  t.equal(await alone(records, 'ann', async () => 'in'), 'in')
})

t.test('a lock that is given back is free at once, and nothing is deleted that could be somebody else\'s by then', async t => {
  const store = new FaultyStore(memoryStore())
  store.break('delete', () => { throw new Error('deleted') })
  const order: string[] = []
  await Promise.all(['first', 'second', 'third'].map(async (name) => await alone(recordsOf(store), 'ann', async (hold) => {
    order.push(name)
    await hold()
    order.push(name)
  })))
  t.strictSame(order.filter((name, index) => name === order[index - (index % 2)]), order, 'one after the other')
  t.equal(order.length, 6)
})

t.test('a lock that cannot be given back expires', async t => {
  stopTime(t)
  const store = new FaultyStore(memoryStore())
  store.break('replace', () => Promise.reject(new Error('gone')))
  t.equal(await alone(recordsOf(store), 'ann', async () => 'done'), 'done')
  pass(3_001)
  t.equal(await alone(recordsOf(store), 'ann', async () => 'next'), 'next')
})
