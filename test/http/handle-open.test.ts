import { channel } from 'node:diagnostics_channel'
import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { CookieSource, HandleOptions, SessionStore } from '../../types/index.js'
import { type BackendName, buildApp, COOKIE, eachBackend, schema, SECRET } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'
import { FAULTS, FaultyStore } from '../support/faulty-store.js'
import { adoptingApp } from '../support/old-system.js'

// The handle of a program that never registers it, beside an application with the same options, or with the same handle.

const OTHER = 'p8Rw2y5Bd9fJ3nQ7sV1xZ4aC6eG0iK_mO-uT8hLbNcE'
type Options = Partial<HandleOptions<typeof schema>>
const alone = (options: Options = {}) => createSession(schema, { secret: SECRET, rotateOn: ['userId'], ...options })

/** A place for sessions that two handles can share. */
const places: Readonly<Record<BackendName, () => Options>> = {
  cookie: () => ({}), revocable: () => ({ revocations: memoryStore() }), memory: () => ({ store: memoryStore() })
}

t.test('handle.open() gives what app.sessions.open() gives, without an application', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app, client, handle, sessions } = await buildApp(t, { backend })
    app.get('/login', async ({ session }) => { session.userId = 'u1'; session.lastSeen = new Date(5) })
    await client.get('/login')
    const cookie = `a=b; ${client.header}; c=d`
    const expected = await sessions.open(cookie)
    t.match(expected, { data: { userId: 'u1', lastSeen: new Date(5) }, authenticatedAt: Date })
    const sources: Array<CookieSource | string> = [cookie, { headers: { cookie } }, new Request('https://a.example/', { headers: { cookie } })]
    for (const source of sources) t.strictSame(await handle.open(source), expected)

    const opened = await handle.open(cookie)
    opened!.data.lastSeen!.setTime(0)
    t.strictSame(await handle.open(cookie), expected, 'it was a copy')
  })
})

t.test('it knows what the application does to sessions: changes, sign-ins, ends, deadlines', async (t) => {
  await eachBackend(t, async (t, backend) => {
    stopTime(t)
    const { app, client, handle, newClient } = await buildApp(t, { backend, idleTimeout: 600 })
    app.get('/write', async ({ session }) => { session.visits++ })
    app.get('/login', async ({ session }) => { session.userId = 'u1' })
    app.get('/destroy', async ({ session }) => { await session.destroy() })
    for (const visits of [1, 2]) {
      await client.get('/write')
      t.match(await handle.open(client.header), { data: { visits } })
    }
    const before = client.header
    await client.get('/login')
    t.match(await handle.open(client.header), { data: { userId: 'u1' } })
    const copy = client.header
    await client.get('/destroy')
    // A cookie alone cannot know.
    for (const ended of [before, copy]) t.equal(await handle.open(ended) === null, backend !== 'cookie')

    const other = newClient()
    await other.get('/write')
    pass(599_999)
    t.ok(await handle.open(other.header))
    pass(1)
    t.equal(await handle.open(other.header), null, 'expired')
  })
})

t.test('after revokeAll() it opens nothing that has begun before', async (t) => {
  const { app, client, handle, sessions } = await buildApp(t, { backend: 'revocable' })
  app.get('/write', async ({ session }) => { session.visits++ })
  await client.get('/write')
  t.ok(await handle.open(client.header))
  await sessions.revokeAll()
  t.equal(await handle.open(client.header), null)
})

t.test('a header without a session of ours is null, whatever stands in it', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app, client, handle } = await buildApp(t, { backend })
    app.get('/write', async ({ session }) => { session.visits++ })
    await client.get('/write')
    const { header, token = '' } = client
    const none = [undefined, null, '', 'a=b', `${COOKIE}=`, `${header}x`, `x${header}`, `${header}; ${header}`, `${COOKIE}=${token.slice(1)}`, `${COOKIE}=${'x'.repeat(100_000)}`, '\0', '=;=;=']
    for (const source of none) t.equal(await handle.open(source), null, String(source).slice(0, 99))
    for (const source of [{ headers: {} }, { headers: new Headers() }, new Request('https://a.example/')]) t.equal(await handle.open(source), null)
    await fc.assert(fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.string().map((text) => `${COOKIE}=${text}`), fc.base64String().map((text) => `${COOKIE}=${token[0]}${text}`)), async (text) => await handle.open(text) === null))
    for (const source of [{}, { headers: null }, 7, []]) await t.rejects(handle.open(source as unknown as string), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, 'a mistake of the programmer')
  })
})

t.test('it opens what any of its secrets has made, and nothing else', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const place = places[backend]()
    const { app, client } = await buildApp(t, { backend, ...place })
    app.get('/write', async ({ session }) => { session.visits++ })
    await client.get('/write')
    t.match(await alone({ ...place, secret: [OTHER, SECRET] }).open(client.header), { data: { visits: 1 } })
    t.equal(await alone({ ...place, secret: OTHER }).open(client.header), null)
    t.equal(await alone({ ...place, application: 'another' }).open(client.header), null)
    t.equal(await alone({ ...place, name: 'another' as 'session', cookie: { name: COOKIE } }).open(client.header), null)
  })
})

t.test('a secret function is asked by the first call, once, however many come at the same time', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const place = places[backend]()
    const { app, client } = await buildApp(t, { backend, ...place })
    app.get('/write', async ({ session }) => { session.visits++ })
    await client.get('/write')
    let asked = 0
    const secret = async () => {
      asked++
      await new Promise((resolve) => setImmediate(resolve))
      return SECRET
    }
    const handle = alone({ ...place, secret })
    t.equal(asked, 0, 'not before it is needed')
    const opened = await Promise.all([client.header, client.header, undefined, 'a=b'].map(async (header) => await handle.open(header)))
    t.match(opened, [{ data: { visits: 1 } }, { data: { visits: 1 } }, null, null])
    await handle.open(client.header)
    t.equal(asked, 1)
  })
})

t.test('a secret function that fails rejects the calls that wait for it, and the next one asks again', async (t) => {
  const answers: unknown[] = [new Error('the vault is sealed'), 'too short', SECRET]
  let asked = 0
  const handle = alone({
    secret: async () => {
      const answer = answers[asked++]
      if (answer instanceof Error) throw answer
      return answer as string
    }
  })
  const first = await Promise.allSettled([handle.open('a=b'), handle.open('a=b')])
  t.match(first, [{ reason: { code: 'FST_TYPED_SESSION_INVALID_SECRET' } }, { reason: { code: 'FST_TYPED_SESSION_INVALID_SECRET' } }])
  t.equal(asked, 1)
  await t.rejects(handle.open('a=b'), { code: 'FST_TYPED_SESSION_INVALID_SECRET' })
  t.equal(await handle.open('a=b'), null)
  t.equal(await handle.open('a=b'), null)
  t.equal(asked, 3)
})

t.test('options and schemas that register would refuse reject the call', async (t) => {
  const wrong = { idleTimeout: -1, rotateOn: ['nobody'], subject: 'cart', unknown: true, cookie: { sameSite: 'no' } }
  for (const [name, value] of Object.entries(wrong)) {
    await t.rejects(alone({ [name]: value }).open(undefined), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: new RegExp(name) }, name)
  }
  const unstorable = createSession(z.object({ at: z.date().optional() }) as never, { secret: SECRET } as never)
  await t.rejects(unstorable.open(undefined), { code: /^FST_TYPED_SESSION_/, message: /at/ })
})

t.test('a store that fails rejects the call, in time', async (t) => {
  const store = new FaultyStore(memoryStore())
  const { app, client } = await buildApp(t, { backend: 'memory', store })
  app.get('/write', async ({ session }) => { session.visits++ })
  await client.get('/write')
  const handle = alone({ store, storeTimeout: 0.05, onStoreError: 'anonymous' })
  for (const how of ['rejects', 'throws', 'hangs']) {
    store.break('load', FAULTS[how]!)
    await t.rejects(handle.open(client.header), { code: 'FST_TYPED_SESSION_STORE_FAILED', statusCode: 503 }, how)
    store.heal()
  }
  t.ok(await handle.open(client.header))
})

t.test('it reads its store, and does nothing else to it: no touch, no sweep, no end', async (t) => {
  stopTime(t)
  const calls: string[] = []
  const memory = memoryStore()
  const store = new Proxy(memory, {
    get (target, name) {
      const value: unknown = Reflect.get(target, name)
      return typeof value !== 'function' ? value : (...args: unknown[]) => { calls.push(String(name)); return Reflect.apply(value, target, args) }
    }
  }) as SessionStore
  const { app, client } = await buildApp(t, { backend: 'memory', store: memory })
  app.get('/write', async ({ session }) => { session.visits++ })
  await client.get('/write')
  const handle = alone({ store, touchAfter: 0, rotateEvery: 1, sweepEvery: 1 })
  for (let times = 0; times < 3; times++) {
    pass(10_000)
    t.ok(await handle.open(client.header))
  }
  t.strictSame(calls, ['load', 'load', 'load'])
})

t.test('no hook and no channel learns of it, and it adopts nothing', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const told: string[] = []
    for (const name of ['load', 'save', 'rotate', 'destroy', 'reject', 'conflict']) {
      const listener = () => { told.push(name) }
      channel(`fastify-typed-session:${name}`).subscribe(listener)
      t.teardown(() => channel(`fastify-typed-session:${name}`).unsubscribe(listener))
    }
    const { client, handle, old, events } = await adoptingApp(t, { backend, hooks: { onLoad () { told.push('onLoad') }, onReject () { told.push('onReject') } } })
    await client.get('/note')
    told.length = events.length = 0
    t.match(await handle.open(client.header), { data: { note: 'x' } })
    t.equal(await handle.open(`${client.header}x`), null)
    t.equal(await handle.open('old=ann-1'), null)
    t.strictSame([told, events, old.reads], [[], [], []])
  })
})

t.test('it migrates and salvages as the application would, and data that do not satisfy the schema are null', async (t) => {
  const { app, client } = await buildApp(t, { backend: 'cookie' })
  app.get('/write', async ({ session }) => { session.note = 'seven' })
  await client.get('/write')
  const numbers = z.object({ note: z.number().default(0), visits: z.int().default(0) })
  const newer = (options: object) => createSession(numbers, { secret: SECRET, ...options }).open(client.header)
  t.equal(await newer({}), null)
  t.match(await newer({ onInvalid: 'salvage' }), { data: { note: 0, visits: 0 } })
  t.match(await newer({ version: 2, migrate: { 1: (stored: object) => ({ ...stored, note: 7 }) } }), { data: { note: 7 } })
  t.equal(await newer({ version: 2, migrate: { 1: () => { throw new Error('a step that fails') } } }), null)
})

t.test('a handle goes on opening after its application has closed', async (t) => {
  const { app, client, handle } = await buildApp(t, { backend: 'cookie' })
  app.get('/write', async ({ session }) => { session.visits++ })
  await client.get('/write')
  await app.close()
  t.match(await handle.open(client.header), { data: { visits: 1 } })
})
