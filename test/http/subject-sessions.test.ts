import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionHandle, StoredRecord } from '../../types/index.js'
import { type AppOptions, type BackendName, buildApp, COOKIE, schema } from '../support/app.js'
import { pass, setClock, START, stopTime } from '../support/clock.js'
import { FaultyStore } from '../support/faulty-store.js'

const PLACES: readonly BackendName[] = ['revocable', 'memory']

/** An application that knows whose its sessions are, with a route for what is done to them. */
async function shop (t: Parameters<typeof buildApp>[0], options: AppOptions) {
  const built = await buildApp(t, { subject: 'userId', describe: ({ headers }) => ({ agent: headers['user-agent'] ?? null }), ...options })
  const { app, newClient } = built
  app.get('/read', async ({ session }) => ({ ...session.data(), id: session.id, isNew: session.isNew, at: session.authenticatedAt }))
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/touch', async ({ session }) => { session.touch() })
  app.get<{ Params: { user: string } }>('/login/:user', async ({ session, params }) => { session.userId = params.user })
  const signIn = async (user: string, agent = 'a browser') => {
    const client = newClient()
    const { statusCode, body } = await client.get(`/login/${user}`, { 'user-agent': agent })
    return { client, statusCode, body, id: async () => (await client.get('/read')).json().id as string }
  }
  return { ...built, signIn }
}

const signedIn = async ({ client }: Awaited<ReturnType<Awaited<ReturnType<typeof shop>>['signIn']>>) => (await client.get('/read')).json().isNew === false

for (const backend of PLACES) {
  t.test(`${backend} sessions`, async t => {
    t.test('S-7.5.2: a list says when each began, was used last and was signed in, and what was said of it, last used first', async t => {
      stopTime(t)
      const { sessions, signIn } = await shop(t, { backend, idleTimeout: 1_000, absoluteTimeout: 1_000 })
      const phone = await signIn('ann', 'a phone')
      pass(50_000)
      const laptop = await signIn('ann', 'a laptop')
      pass(100_000)
      await phone.client.get('/read')
      const [first, second, ...rest] = await sessions.list('ann')
      t.strictSame(rest, [])
      t.strictSame(first, {
        id: await phone.id(),
        createdAt: new Date(START),
        lastUsedAt: new Date(START + 150_000),
        expiresAt: new Date(START + 1_000_000),
        authenticatedAt: new Date(START),
        about: { agent: 'a phone' },
        device: null
      }, 'a touch moves the last use, though not the deadline here')
      t.match(second, { id: await laptop.id(), lastUsedAt: new Date(START + 50_000), about: { agent: 'a laptop' } })
      pass(1_000_000)
      t.strictSame(await sessions.list('ann'), [], 'what has expired is not shown')
    })

    t.test('a session is in the list of whoever signed in last, and in nobody\'s after signing out', async t => {
      const { app, sessions, signIn } = await shop(t, { backend })
      app.get('/out', async ({ session }) => { session.delete('userId') })
      const one = await signIn('ann')
      await one.client.get('/login/bob')
      t.strictSame([(await sessions.list('ann')).length, (await sessions.list('bob')).length], [0, 1])
      await one.client.get('/out')
      t.strictSame([(await sessions.list('ann')).length, (await sessions.list('bob')).length], [0, 0])
      t.equal(await signedIn(one), true, 'it goes on without a user')
    })

    t.test('what was said at the sign-in stays through saves, touches and rotations, and is said anew at the next', async t => {
      const { sessions, signIn } = await shop(t, { backend, touchAfter: 0 })
      const { client } = await signIn('ann', 'first')
      for (const url of ['/write', '/touch', '/rotate', '/write', '/rotate', '/touch']) await client.get(url, { 'user-agent': 'other' })
      t.match(await sessions.list('ann'), [{ about: { agent: 'first' } }])
      await client.get('/login/bob', { 'user-agent': 'second' })
      t.match(await sessions.list('bob'), [{ about: { agent: 'second' } }])
    })

    const undescribed: Record<string, () => unknown> = {
      nothing: () => undefined,
      null: () => null,
      'a text': () => 'text',
      'a list': () => [1],
      'a function': () => () => {},
      'a promise': () => Promise.resolve({ agent: 'a' }),
      'a promise that rejects': () => Promise.reject(new Error('later')),
      'what is like a promise': () => ({ then: (done: () => void) => done() }),
      'too much': () => ({ text: 'x'.repeat(2_048) }),
      'what is no JSON': () => ({ n: 1n }),
      'an error': () => { throw new Error('no description') }
    }
    for (const [what, describe] of Object.entries(undescribed)) {
      t.test(`describe that gives ${what} keeps nobody from signing in`, async t => {
        const { sessions, signIn, logs } = await shop(t, { backend, describe: describe as never })
        t.equal((await signIn('ann')).statusCode, 200)
        t.match(await sessions.list('ann'), [{ about: null }])
        t.equal(logs.filter(({ msg }) => msg === 'a session could not be described').length, ['nothing', 'null'].includes(what) ? 0 : 1)
      })
    }

    t.test('destroy(id, subject) ends that session for its user at once, and onDestroy is told outside a request', async t => {
      const { sessions, signIn, events } = await shop(t, { backend })
      const [one, two] = [await signIn('ann'), await signIn('ann')]
      const id = await one.id()
      t.equal(await sessions.destroy(id, 'bob'), false, 'not another\'s (CVE-2017-18878)')
      t.equal(await sessions.destroy('unknown', 'ann'), false)
      t.equal(await sessions.destroy(id, 'ann'), true)
      t.strictSame([await signedIn(one), await signedIn(two)], [false, true])
      t.match(events.filter(({ name }) => name === 'onDestroy'), [{ event: { request: null, id } }])
    })

    t.test('S-7.4.3: destroyAll(subject, { except }) spares the ids it is given, one or several', async t => {
      const { sessions, signIn } = await shop(t, { backend })
      const all = await Promise.all(Array.from({ length: 5 }, () => signIn('ann')))
      const [one, two, three] = all as [typeof all[0], typeof all[0], typeof all[0]]
      t.equal(await sessions.destroyAll('ann', { except: [await one.id(), await two.id(), 'unknown'] }), 3)
      t.strictSame(await Promise.all(all.map(signedIn)), [true, true, false, false, false])
      t.equal(await sessions.destroyAll('ann', { except: await one.id() }), 1)
      t.equal(await signedIn(one), true)
      t.equal(await signedIn(three), false)
      t.equal(await sessions.destroyAll('ann'), 1)
      t.equal(await sessions.destroyAll('ann'), 0)
    })

    t.test('one that rotates while all others are ended is spared under its new id, and one that is to be ended is found there', async t => {
      for (const spare of [true, false]) {
        const kept = new FaultyStore(memoryStore())
        const { sessions, signIn } = await shop(t, { backend, ...(backend === 'memory' ? { store: kept } : { revocations: kept }) })
        const one = await signIn('ann')
        await signIn('ann')
        const except = spare ? await one.id() : []
        let rotated = false
        // Between the list and the first end.
        kept.break('replace', async (call) => {
          if (!rotated) {
            rotated = true
            await one.client.get('/rotate')
          }
          return await call()
        })
        await sessions.destroyAll('ann', { except })
        t.equal(rotated, true)
        t.equal(await signedIn(one), spare)
        t.equal((await sessions.list('ann')).length, spare ? 1 : 0)
      }
    })

    t.test('a store that goes on naming what has ended is not asked for ever', async t => {
      const memory = memoryStore()
      const { sessions, signIn } = await shop(t, { backend, ...(backend === 'memory' ? { store: memory } : { revocations: memory }) })
      await signIn('ann')
      const find = memory.findBySubject.bind(memory)
      let asked = ''
      memory.findBySubject = (subject) => find(asked = subject)
      await sessions.list('ann')
      const records: StoredRecord[] = []
      for await (const record of find(asked)) records.push(record)
      memory.findBySubject = async function * () { yield * records }
      await t.rejects(sessions.destroyAll('ann'), { code: 'FST_TYPED_SESSION_CONFLICT' })
    })

    t.test('a store that names what is not ours, not whole, or past its time, is not believed', async t => {
      const memory = memoryStore()
      const { sessions, signIn } = await shop(t, { backend, ...(backend === 'memory' ? { store: memory } : { revocations: memory }) })
      const { client } = await signIn('ann')
      const find = memory.findBySubject.bind(memory)
      let own = ''
      memory.findBySubject = async function * (subject) {
        for await (const record of find(subject)) {
          own = record.id
          const later = JSON.parse(record.payload)
          yield * [
            { ...record, id: 'other:1' },
            { ...record, id: `${own.slice(0, -1)}0`, payload: 'not JSON' },
            { ...record, id: `${own.slice(0, -1)}1`, payload: '{"ended":true}' },
            { ...record, id: `${own.slice(0, -1)}2`, payload: JSON.stringify({ ...later, createdAt: 1, usedAt: 1 }) },
            record
          ]
        }
      }
      t.strictSame((await sessions.list('ann')).map(({ id }) => id), [(await client.get('/read')).json().id])
    })

    t.test('a store that fails while it searches is a rejection without what the driver attached', async t => {
      const memory = memoryStore()
      const { sessions } = await shop(t, { backend, ...(backend === 'memory' ? { store: memory } : { revocations: memory }) })
      const secret = Object.assign(new Error('read ECONNRESET'), { query: 'SELECT secret' })
      for (const find of [() => { throw secret }, async function * () { throw secret }]) {
        memory.findBySubject = find as never
        const error = await sessions.list('ann').catch((error: Error) => error) as Error
        t.match(error, { code: 'FST_TYPED_SESSION_STORE_FAILED', cause: { message: 'read ECONNRESET' } })
        t.notMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /secret/)
      }
    })
  })
}

t.test('without what it takes, each method says which option it needs', async t => {
  const plain = await buildApp(t, { backend: 'cookie', subject: 'userId' })
  const anonymous = await buildApp(t, { backend: 'memory' })
  for (const method of ['list', 'destroy', 'destroyAll'] as const) {
    const call = (sessions: typeof plain.sessions): Promise<unknown> => method === 'destroy' ? sessions.destroy('id', 'ann') : sessions[method]('ann')
    await t.rejects(call(plain.sessions), { code: 'FST_TYPED_SESSION_NOT_CONFIGURED', message: `sessions.${method}() needs the option revocations (or store)` })
    await t.rejects(call(anonymous.sessions), { code: 'FST_TYPED_SESSION_NOT_CONFIGURED', message: `sessions.${method}() needs the option subject` })
  }
  for (const { sessions } of [plain, anonymous]) {
    await t.rejects(sessions.revokeAll(), { code: 'FST_TYPED_SESSION_NOT_CONFIGURED', message: 'sessions.revokeAll() needs the option revocations' })
  }
})

t.test('a change of the subject is a change of privilege, also where no key says so (S-7.2.4)', async t => {
  stopTime(t)
  const { app, client } = await buildApp(t, { backend: 'memory', rotateOn: [], subject: (data) => data.profile?.name })
  app.get('/begin', async ({ session }) => { session.visits = 1 })
  app.get('/login', async ({ session }) => { session.profile = { name: 'ann' } })
  app.get('/city', async ({ session }) => { session.profile = { name: 'ann', address: { city: 'Rome' } } })
  app.get('/at', async ({ session }) => session.authenticatedAt)
  await client.get('/begin')
  const before = client.token
  setClock(START + 5_000)
  await client.get('/login')
  t.not(client.token, before)
  t.equal((await client.get('/at')).json(), new Date(START + 5_000).toISOString())
  const after = client.token
  await client.get('/city')
  t.equal(client.token, after, 'another key of the same user is none')
})

t.test('a subject that cannot be read from invalid data leaves it to the schema to say so', async t => {
  const { app, client } = await buildApp(t, { backend: 'memory', rotateOn: [], subject: (data) => data.profile?.name.toLowerCase() })
  app.get('/begin', async ({ session }) => { session.visits = 1 })
  app.get('/wrong', async ({ session }) => { session.profile = { name: 7 as never } })
  await client.get('/begin')
  t.match((await client.get('/wrong')).json(), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /profile\.name/ })
})

t.test('options that need another one are refused at register', async t => {
  const store = memoryStore()
  const { findBySubject, ...rest } = Object.fromEntries(['create', 'load', 'replace', 'touch', 'delete', 'findBySubject'].map((name) => [name, () => {}]))
  t.ok(findBySubject)
  const rows: ReadonlyArray<readonly [Partial<Parameters<typeof buildApp>[1]>, RegExp]> = [
    [{ backend: 'cookie', maxPerSubject: 3 }, /maxPerSubject: needs the option subject/],
    [{ backend: 'cookie', subject: 'userId', maxPerSubject: 3 }, /maxPerSubject: needs a store, or in a cookie session the option revocations/],
    [{ backend: 'cookie', subject: 'userId', describe: () => ({}) }, /describe: needs a store/],
    [{ backend: 'memory', describe: () => ({}) }, /describe: needs the option subject/],
    [{ backend: 'cookie', subject: 'userId', revocations: rest as never }, /subject: needs a store that can find sessions by subject/],
    [{ backend: 'cookie', revocations: {} as never }, /revocations: must be a store/],
    [{ backend: 'memory', subject: 'userId', maxPerSubject: 0 }, /maxPerSubject: must be 1 or more/],
    [{ backend: 'memory', store, subject: 'userId', overLimit: 'deny' as never }, /overLimit: must be one of: evict-oldest, refuse/],
    [{ backend: 'memory', revocationStaleness: -1 }, /revocationStaleness: must be 0 seconds or more/]
  ]
  for (const [options, message] of rows) {
    await t.rejects(buildApp(t, options as AppOptions), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message })
  }
})

t.test('the stores of two named sessions can be one: each finds its own', async t => {
  const store = memoryStore()
  const { app, sessions, signIn, newClient } = await shop(t, { backend: 'memory', store })
  const { createSession } = await import('../../lib/index.js')
  const admin = createSession(schema, { name: 'admin', secret: 'v3Qm1x0b7d8sKf2hZp4yTn6uWc9eRj5aLgXoBiDqHkM', subject: 'userId', store }) as unknown as SessionHandle<typeof schema>
  const second = await buildApp(t, { backend: 'memory', before: async (app) => { await app.register(admin.plugin) } })
  second.app.get('/admin', async (request) => { admin.get(request).userId = 'ann' })
  await newClient().get('/read')
  await signIn('ann')
  await second.newClient('__Host-Http-admin').get('/admin')
  t.strictSame([(await sessions.list('ann')).length, (await admin.sessions(second.app).list('ann')).length], [1, 1])
  t.equal(await sessions.destroyAll('ann'), 1)
  t.equal((await admin.sessions(second.app).list('ann')).length, 1)
  t.ok(app)
})

t.test('sessions from before there was a subject are listed and counted when they are used, without a time of signing in', async (t) => {
  const store = memoryStore()
  const before = await buildApp(t, { backend: 'memory', store, rotateOn: [] })
  before.app.get('/login', async ({ session }) => { session.userId = 'ann' })
  await before.client.get('/login')
  const { sessions, signIn, newClient } = await shop(t, { backend: 'memory', store, maxPerSubject: 2, touchAfter: 0 })
  const old = newClient()
  old.jar.set(COOKIE, before.client.token as string)
  t.strictSame(await sessions.list('ann'), [])
  await old.get('/read')
  t.match(await sessions.list('ann'), [{ authenticatedAt: null }])
  for (let count = 0; count < 2; count++) await signIn('ann')
  t.equal((await old.get('/read')).json().isNew, true, 'it was there first')
})
