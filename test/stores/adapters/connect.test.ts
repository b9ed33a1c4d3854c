import { randomUUID } from 'node:crypto'
import { mock } from 'node:test'
import { RedisStore } from 'connect-redis'
import expressSession from 'express-session'
import t, { type Test } from 'tap'
import { type ConnectStore, connectStore } from '../../../lib/stores/adapters/connect.js'
import { buildApp, sessionOf } from '../../support/app.js'
import { conforms } from '../../support/conformance.js'
import { redisClient } from '../../support/connect-redis.js'
import { redisMissing } from '../../support/redis-servers.js'
import { skipOrFail } from '../../support/skip.js'
import { later } from '../../support/store-cases.js'

const without = ['atomic', 'findBySubject', 'sweep'] as const

t.test("express-session's MemoryStore keeps what of the contract it can", async (t) => {
  conforms(t, () => connectStore(new expressSession.MemoryStore()), { without })
})

t.test('connect-redis on a real Redis', async (t) => {
  const missing = redisMissing()
  if (missing) return skipOrFail(t, missing)
  const client = await redisClient(t)
  const open = (prefix = `${randomUUID()}:`) => connectStore(new RedisStore({ client, prefix }))

  await t.test('keeps what of the contract it can', async (t) => conforms(t, () => open(), { without }))

  await t.test('gives the server the deadline, to the second', async (t) => {
    await open('ttl:').create('id', 'payload', Date.now() + 90_000)
    const left = await client.ttl('ttl:id')
    t.ok(left > 80 && left <= 90, `${left} s`)
  })

  await t.test('serves a Fastify application', async (t) => { await serves(t, open()) })
})

t.test('an application keeps, changes and ends sessions in a MemoryStore', async (t) => {
  await serves(t, connectStore(new expressSession.MemoryStore()))
})

async function serves (t: Test, store: ReturnType<typeof connectStore>): Promise<void> {
  const { app, client, newClient } = await buildApp(t, { backend: 'memory', store })
  app.get('/visit', async (request) => ({ visits: ++sessionOf(request).visits }))
  app.get('/login', async (request) => { sessionOf(request).userId = 'ann'; return {} })
  app.get('/logout', async (request) => { await sessionOf(request).destroy(); return {} })
  await client.get('/visit')
  t.strictSame((await client.get('/visit')).json(), { visits: 2 })
  await client.get('/login')
  const thief = newClient()
  for (const [name, value] of client.jar) thief.jar.set(name, value)
  await client.get('/logout')
  t.strictSame((await thief.get('/visit')).json(), { visits: 1 }, 'it has ended')
}

/** What express-session asks of a store, over a Map, with members replaced. */
function mapStore (change: Partial<Record<'get' | 'set' | 'destroy' | 'touch', unknown>> = {}) {
  const kept = new Map<string, unknown>()
  const store = {
    get (id: string, done: (error?: unknown, value?: unknown) => void) { setImmediate(() => done(null, kept.get(id))) },
    set (id: string, session: unknown, done: (error?: unknown) => void) { setImmediate(() => { kept.set(id, JSON.parse(JSON.stringify(session))); done() }) },
    destroy (id: string, done: (error?: unknown) => void) { setImmediate(() => { kept.delete(id); done() }) },
    ...change
  }
  return { kept, store: store as ConnectStore, session: connectStore(store as ConnectStore) }
}

t.test('is refused what has no get, set and destroy', async (t) => {
  for (const wrong of [undefined, null, {}, 'redis://', { get () {}, set () {} }, { ...mapStore().store, set: 1 }]) {
    t.throws(() => connectStore(wrong as unknown as ConnectStore), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /connectStore/ })
  }
})

t.test('uses get, set and destroy alone: a touch of connect-mongo, which fails when nothing is found, is never called', async (t) => {
  const touch = () => { throw new Error('Unable to find the session to touch') }
  const { session } = mapStore({ touch })
  await session.create('id', 'payload', later())
  t.equal(await session.touch('id', later()), true)
  t.equal(await session.touch('unknown', later()), false)
})

t.test('says what it cannot promise', async (t) => {
  const { session } = mapStore()
  t.equal(session.atomic, false)
  t.equal(session.findBySubject, undefined)
  t.equal(session.sweep, undefined)
})

t.test('keeps the deadline wherever a store looks for it', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  t.teardown(() => mock.timers.reset())
  const { kept, session } = mapStore()
  await session.create('id', 'payload', 1_060_000.5)
  const { cookie } = kept.get('id') as { cookie: Record<string, unknown> }
  t.strictSame(cookie, { expires: new Date(1_060_000).toISOString(), maxAge: 60_000, originalMaxAge: 60_000, httpOnly: true, path: '/' })
  await session.touch('id', 900_000)
  t.equal(kept.size, 0, 'one that has passed ends the session')
})

const noEntry = Object.assign(new Error('no such file'), { code: 'ENOENT' })
const nothings: Record<string, unknown> = {
  null: [null, null],
  undefined: [],
  'an error ENOENT, as of session-file-store': [noEntry],
  'a session of express-session': [null, { cookie: { expires: null }, user: 'mallory' }],
  'a payload without a deadline': [null, { cookie: {}, payload: 'payload' }],
  'a payload that is no string': [null, { payload: { a: 1 }, expiresAt: Infinity }],
  'a deadline that is no number': [null, { payload: 'payload', expiresAt: '9999999999999' }],
  'a string': [null, '{"payload":"payload"}'],
  'what has expired': [null, { payload: 'payload', expiresAt: 1 }]
}

for (const [what, answer] of Object.entries(nothings)) {
  t.test(`is no session: ${what}`, async (t) => {
    const { session } = mapStore({ get: (_id: string, done: (...answer: unknown[]) => void) => done(...answer as unknown[]) })
    t.equal(await session.load('id'), null)
    t.equal(await session.replace('id', 'payload', 'second', later()), 'missing')
    t.equal(await session.touch('id', later()), false)
    t.equal(await session.create('id', 'payload', later()), true)
  })
}

const away = new Error('away')
const failures: Record<string, (...args: any[]) => unknown> = {
  'calls back with an error': (...args) => args.at(-1)(away),
  throws: () => { throw away },
  'rejects without calling back': async () => { throw away },
  'calls back with an error and rejects as well': async (...args) => { args.at(-1)(away); throw new Error('again') },
  'calls back with an error, and then with an answer': (...args) => { args.at(-1)(away); args.at(-1)(null, null) },
  'throws what is no error': () => { throw { code: 'EAWAY' } }, // eslint-disable-line no-throw-literal
  'calls back with a text': (...args) => args.at(-1)('away')
}

for (const [how, failure] of Object.entries(failures)) {
  t.test(`R-11: a store that ${how} is a rejection with an error`, async (t) => {
    for (const method of ['get', 'set', 'destroy']) {
      const { session, store } = mapStore()
      await session.create('id', 'payload', later())
      Object.assign(store, { [method]: failure })
      const outcome = method === 'get' ? session.load('id') : method === 'set' ? session.touch('id', later()) : session.delete('id')
      const error = await outcome.then(() => null, (reason: unknown) => reason)
      t.ok(error instanceof Error, `${method}: ${String(error)}`)
      t.ok(error === away || (error as Error).message === 'the express-session store failed')
    }
  })
}

t.test('destroying what a store of files does not have is no error', async (t) => {
  const { session } = mapStore({ destroy: (_id: string, done: (error: unknown) => void) => done(noEntry) })
  t.equal(await session.delete('id'), undefined)
})

t.test('a second answer is not heard, and an answer inside a try of the store throws nothing into it', async (t) => {
  let thrown: unknown = 'nothing'
  const { session } = mapStore({
    get: (_id: string, done: (error: unknown, value?: unknown) => void) => {
      try {
        done(null, { payload: 'payload', expiresAt: later() })
        done(null, { payload: 'another', expiresAt: later() })
      } catch (error) {
        thrown = error
        done(error)
      }
    }
  })
  const failing = session.load('id').then((payload) => { throw new Error(`thrown by who waited for ${payload}`) })
  await t.rejects(failing, { message: 'thrown by who waited for payload' })
  t.equal(thrown, 'nothing')
})

const noAnswer = { message: /no answer within 10000 ms/ }

/** Lets what can go on without the time go on. */
async function turn (): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate)
}

t.test('R-12: a call that is never answered fails after ten seconds, and the session can be used again', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { session, store } = mapStore()
  await session.create('id', 'payload', later())
  const { set } = store
  store.set = () => {}
  const hanging = session.touch('id', later())
  await turn()
  mock.timers.tick(1000)
  const waiting = session.replace('id', 'payload', 'second', later())
  await turn()
  t.equal(await session.load('id'), 'payload', 'reading waits for nobody')
  store.set = set
  mock.timers.tick(9000)
  await t.rejects(hanging, noAnswer)
  t.equal(await waiting, 'replaced')
})

t.test('R-12: behind a store that hangs nobody waits for longer than ten seconds, and none of them writes later', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { session, store } = mapStore()
  await session.create('id', 'payload', later())
  let calls = 0
  store.get = () => { calls++ }
  store.destroy = () => { calls++ }
  const waiting: Array<Promise<unknown>> = []
  let answered = 0
  for (let second = 0; second < 5; second++) {
    for (const begun of [session.touch('id', later()), session.replace('id', 'payload', 'second', later()), session.delete('id')]) {
      waiting.push(t.rejects(async () => { await begun }, noAnswer))
      begun.catch(() => { answered++ })
    }
    await turn()
    mock.timers.tick(1000)
  }
  for (let second = 0; second < 5; second++) {
    t.equal(answered, 0)
    mock.timers.tick(1000)
    await turn()
    if (second === 4) t.equal(answered, 3, 'those that began first')
  }
  for (let second = 1; second < 5; second++) {
    mock.timers.tick(1000)
    await turn()
    t.equal(answered, 3 * (second + 1))
  }
  await Promise.all(waiting)
  const before = calls
  mock.timers.tick(100_000)
  await turn()
  t.equal(calls, before, 'nothing is asked of the store afterwards')
})

t.test('in one process parallel calls for one id lose nothing, and calls for others do not wait', async (t) => {
  const { session } = mapStore()
  const created = await Promise.all(['a', 'b', 'c'].map((payload) => session.create('id', payload, later())))
  t.strictSame(created, [true, false, false])
  await session.create('count', '0', later())
  const increment = async (): Promise<void> => {
    const found = await session.load('count')
    if (await session.replace('count', String(found), String(Number(found) + 1), later()) === 'conflict') await increment()
  }
  await Promise.all(Array.from({ length: 20 }, increment))
  t.equal(await session.load('count'), '20')
  await Promise.all([session.touch('id', later()), session.delete('id'), session.touch('id', later())])
  t.equal(await session.load('id'), null)
})

t.test('a failed call does not fail the one that waits for it', async (t) => {
  const { session, store } = mapStore()
  await session.create('id', 'payload', later())
  const { set } = store
  store.set = (_id, _session, done) => { store.set = set; done(away) }
  const [first, second] = await Promise.allSettled([session.touch('id', later()), session.replace('id', 'payload', 'second', later())])
  t.match([first, second], [{ status: 'rejected', reason: away }, { status: 'fulfilled', value: 'replaced' }])
})
