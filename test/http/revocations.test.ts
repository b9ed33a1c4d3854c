import t from 'tap'
import { NONE, NotBefore } from '../../lib/backends/not-before.js'
import { StoreCalls } from '../../lib/backends/store-calls.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppOptions, buildApp, COOKIE, setCookies } from '../support/app.js'
import { pass, setClock, START, stopTime, timed } from '../support/clock.js'
import { TIMEOUT, UNAVAILABLE } from '../support/failure-app.js'
import { FAULTS, FaultyStore } from '../support/faulty-store.js'

/** An application whose cookie sessions end where `kept` says so. */
async function revocable (t: Parameters<typeof buildApp>[0], options: Partial<AppOptions> = {}) {
  const kept = new FaultyStore(memoryStore())
  const built = await buildApp(t, { backend: 'cookie', revocations: kept, ...options })
  const { app, client } = built
  app.get('/read', async ({ session }) => ({ ...session.data(), isNew: session.isNew }))
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/note', async ({ session }) => { session.note = 'x' })
  app.get('/login', async ({ session }) => { session.userId = 'ann' })
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/logout', async ({ session }) => await session.destroy())
  app.get('/touch', async ({ session }) => { session.touch() })
  app.get('/none', { config: { session: false } }, async () => 'ok')
  const isNew = async (by = client) => (await by.get('/read')).json().isNew as boolean
  /** A client with the same cookie. */
  const copy = (token = client.token) => {
    const other = built.newClient()
    other.jar.set(COOKIE, token as string)
    return other
  }
  return { ...built, kept, isNew, copy }
}

t.test('S-7.4.1c, P4.9: after a logout none of ten thousand replays is accepted', async t => {
  const { client, isNew, copy, rejected } = await revocable(t, { fastify: { logger: false } })
  await client.get('/login')
  const thief = copy()
  t.equal(await isNew(thief), false)
  await client.get('/logout')
  let accepted = 0
  for (let replay = 0; replay < 10_000; replay++) if (!await isNew(thief)) accepted++
  t.equal(accepted, 0)
  t.match(rejected().at(-1), { reason: 'unknown' })
})

t.test('a cookie that is not ours is refused without asking the store; no cookie asks it nothing, nor does a route without a session', async t => {
  const { client, kept, newClient } = await revocable(t)
  await newClient().get('/read')
  await newClient().get('/none')
  await newClient().get('/read', { cookie: `${COOKIE}=forged` })
  t.strictSame(kept.calls, [])
  await client.get('/write')
  await client.get('/none')
  t.strictSame(kept.calls, ['create'])
})

t.test('the data are in the cookie; the store knows times and, hashed, whose it is', async t => {
  const { client, kept } = await revocable(t, { subject: 'userId', describe: () => ({ agent: 'a' }) })
  await client.get('/note')
  await client.get('/login')
  const texts = JSON.stringify(kept.arguments)
  t.notMatch(texts, /ann|"x"|note/)
  t.match(texts, /"data\\":\{\}/)
  t.match(texts, /"about\\":\{\\"agent\\":\\"a\\"\}/)
})

t.test('S-7.2.4: a sign-in and a rotation end the old token at once; a periodic one when its grace is over', async t => {
  stopTime(t)
  const { client, isNew, copy, rejected } = await revocable(t, { rotateEvery: 100, rotationGrace: 10 })
  await client.get('/write')
  for (const url of ['/login', '/rotate']) {
    const old = copy()
    await client.get(url)
    t.strictSame([await isNew(old), await isNew()], [true, false], url)
    t.match(rejected().at(-1), { reason: 'moved' })
  }
  const old = copy()
  pass(101_000)
  await client.get('/read')
  t.not(client.token, old.token)
  const served = await old.get('/read')
  t.strictSame([served.json().isNew, setCookies(served.headers)], [false, []], 'served, and no cookie')
  const late = await old.get('/write')
  t.match([late.statusCode, late.json().code], [409, 'FST_TYPED_SESSION_MOVED'], 'what it would change has nowhere to go')
  t.strictSame(setCookies((await old.get('/touch')).headers), [])
  pass(10_001)
  t.strictSame([await isNew(old), await isNew()], [true, false])
})

t.test('parallel saves of one session are all served, the last cookie wins, and none brings back what has ended', async t => {
  const { client, copy, isNew } = await revocable(t)
  await client.get('/write')
  const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => copy().get(index % 2 === 0 ? '/write' : '/touch')))
  t.strictSame([...new Set(answers.map(({ statusCode }) => statusCode))], [200])
  t.equal(await isNew(), false)
  const stale = copy()
  const all = await Promise.all([client.get('/logout'), ...Array.from({ length: 20 }, () => copy().get('/write'))])
  for (const { headers } of all) {
    const other = copy()
    other.take(setCookies(headers))
    if (other.token !== undefined) t.equal(await isNew(other), true)
  }
  t.equal(await isNew(stale), true)
})

t.test('what was under way when its session moved or ended sends no cookie', async t => {
  const { app, client, copy } = await revocable(t)
  const gate = { open: () => {} }
  for (const [url, change] of [['/late-write', true], ['/late-touch', false]] as const) {
    app.get(url, async ({ session }) => {
      if (change) session.visits++
      else session.touch()
      await new Promise<void>((resolve) => { gate.open = resolve })
    })
  }
  for (const [meanwhile, url, expected] of [
    ['/login', '/late-write', 409], ['/login', '/late-touch', 200], ['/logout', '/late-write', 200], ['/logout', '/late-touch', 200]
  ] as const) {
    client.jar.clear()
    await client.get('/write')
    const other = copy()
    const late = other.get(url)
    await new Promise((resolve) => setImmediate(resolve))
    await client.get(meanwhile)
    gate.open()
    const { statusCode, headers } = await late
    t.strictSame([statusCode, setCookies(headers)], [expected, []], `${url} beside ${meanwhile}`)
  }
})

t.test('of parallel rotations one wins, the others are told, and one session is left', async t => {
  const { client, copy, isNew, kept } = await revocable(t, { subject: 'userId' })
  await client.get('/login')
  const answers = await Promise.all(Array.from({ length: 8 }, () => copy().get('/rotate')))
  const won = answers.filter(({ statusCode }) => statusCode === 200)
  t.equal(won.length, 1)
  t.strictSame(answers.filter(({ statusCode }) => statusCode !== 200).map((answer) => answer.json().code), Array(7).fill('FST_TYPED_SESSION_MOVED'))
  t.strictSame([await isNew(copy()), await isNew()], [true, true])
  client.take(won.flatMap(({ headers }) => setCookies(headers)))
  t.equal(await isNew(), false)
  t.ok(kept.calls.length > 0)
})

t.test('save(), reload() and destroy() work where the headers have left, as far as the cookie need not change', async t => {
  const { app, client, copy, isNew } = await revocable(t)
  const outcomes: unknown[] = []
  app.get('/reload', async ({ session }) => {
    await session.reload().then(() => outcomes.push(session.isNew), (error) => outcomes.push(error.code))
  })
  app.get('/reload-after/:what', async ({ session, params }) => {
    await copy().get(`/${(params as { what: string }).what}`)
    await session.reload().then(() => outcomes.push('read'), (error) => outcomes.push(error.code))
  })
  await client.get('/write')
  await client.get('/reload')
  await client.get('/reload-after/write')
  await client.get('/reload-after/logout')
  t.strictSame(outcomes, [false, 'read', 'FST_TYPED_SESSION_ENDED'])
  t.equal(await isNew(), true)
  client.jar.clear()
  await client.get('/write')
  await client.get('/reload-after/rotate')
  t.strictSame(outcomes.slice(3), ['FST_TYPED_SESSION_MOVED'])
})

for (const [how, fault] of Object.entries(FAULTS)) {
  t.test(`R-11, R-16: a store of revocations that ${how}: nobody is let in, in time`, async t => {
    stopTime(t)
    const { client, kept, isNew } = await revocable(t)
    await client.get('/write')
    for (const [operation, url] of [['load', '/read'], ['replace', '/write'], ['create', '/rotate']] as const) {
      kept.break(operation, fault)
      const { value: response, took } = await timed(client.get(url))
      t.equal(response.statusCode, 503, url)
      t.strictSame(response.json(), UNAVAILABLE)
      t.ok(took <= TIMEOUT, `${took} ms`)
      kept.heal()
    }
    const { value: answer } = await timed(isNew())
    // A write that is done after its deadline may have been the one that a client has no newer cookie of.
    t.equal(answer, false)
  })
}

t.test('onStoreError: "anonymous" goes on without a session, and saves none', async t => {
  const { client, kept, isNew } = await revocable(t, { onStoreError: 'anonymous' })
  await client.get('/write')
  kept.break('load', () => Promise.reject(new Error('gone')))
  t.equal(await isNew(), true)
  t.equal((await client.get('/write')).statusCode, 503)
  kept.heal()
  t.equal(await isNew(), false)
})

t.test('a cookie that would be too large is refused before anything is kept', async t => {
  const { app, client, kept } = await revocable(t)
  app.get('/large', async ({ session }) => { session.note = 'x'.repeat(5_000) })
  t.equal((await client.get('/large')).json().code, 'FST_TYPED_SESSION_TOO_LARGE')
  t.strictSame(kept.calls, [])
})

t.test('an id that is taken is not used, and a store on which everything always changes is given up', async t => {
  const { client, kept } = await revocable(t)
  kept.break('create', async () => false, { times: 1 })
  t.equal((await client.get('/write')).statusCode, 200)
  kept.break('replace', async () => 'conflict')
  t.equal((await client.get('/write')).json().code, 'FST_TYPED_SESSION_CONFLICT')
})

t.test('with revocationStaleness, another server knows of a logout when its answer is too old', async t => {
  stopTime(t)
  const kept = new FaultyStore(memoryStore())
  const [here, there] = [await revocable(t, { revocations: kept, revocationStaleness: 5 }), await revocable(t, { revocations: kept, revocationStaleness: 5 })]
  await here.client.get('/write')
  const [one, two] = [here.copy(), there.copy(here.client.token)]
  t.strictSame([await here.isNew(one), await there.isNew(two)], [false, false])
  const asked = kept.calls.length
  pass(4_999)
  t.strictSame([await here.isNew(one), await there.isNew(two)], [false, false])
  t.equal(kept.calls.length, asked, 'nobody was asked')
  await here.client.get('/logout')
  t.strictSame([await here.isNew(one), await there.isNew(two)], [true, false])
  pass(1)
  t.equal(await there.isNew(two), true)
  setClock(START)
  t.equal(await there.isNew(two), true, 'a clock that is set back makes no answer young again')
})

t.test('with revocationStaleness, what is remembered can be saved on, touched and rotated', async t => {
  stopTime(t)
  const { client, isNew } = await revocable(t, { revocationStaleness: 5 })
  for (const url of ['/write', '/read', '/write', '/touch', '/read', '/rotate', '/read', '/write']) {
    t.equal((await client.get(url)).statusCode, 200, url)
    t.equal(await isNew(), false)
  }
  await client.get('/logout')
  t.equal(await isNew(), true)
})

for (const backend of ['cookie', 'memory'] as const) {
  t.test(`S-7.4.5: revokeAll() in ${backend} sessions: what has begun is over, on every server, and one record does it`, async t => {
    stopTime(t)
    const kept = new FaultyStore(memoryStore())
    const store = memoryStore()
    const place = { backend, revocations: kept, ...(backend === 'memory' && { store }) }
    const [here, there] = [await revocable(t, place), await revocable(t, place)]
    const clients = Array.from({ length: 5 }, () => here.newClient())
    for (const client of clients) await client.get('/write')
    const asked = kept.calls.length
    await here.sessions.revokeAll()
    t.strictSame(kept.calls.slice(asked), ['create'])
    for (const client of clients) t.strictSame([await here.isNew(client), await there.isNew(there.copy(client.token))], [true, true])
    t.match(here.rejected().at(-1), { reason: 'revoked' })
    pass(1)
    await here.client.get('/write')
    t.strictSame([await here.isNew(), await there.isNew(there.copy(here.client.token))], [false, false], 'new ones begin')
    await here.sessions.revokeAll()
    t.equal(await here.isNew(), true, 'and it can be done again')
  })
}

for (const answers of ['at once', 'later']) {
  t.test(`revokeAll() is known at once where it was called, and elsewhere when the answer there is too old, from a store that answers ${answers}`, async t => {
    stopTime(t)
    const kept = new FaultyStore(memoryStore())
    if (answers === 'later') kept.break('load', async (call) => await call())
    const [here, there] = [await revocable(t, { revocations: kept, revocationStaleness: 60 }), await revocable(t, { revocations: kept, revocationStaleness: 60 })]
    await here.client.get('/write')
    const other = there.copy(here.client.token)
    t.strictSame([await here.isNew(), await there.isNew(other)], [false, false])
    pass(59_000)
    const young = there.newClient()
    await young.get('/write')
    t.strictSame([await there.isNew(other), await there.isNew(young)], [false, false])
    await here.sessions.revokeAll()
    t.equal(await here.isNew(), true)
    pass(1_000)
    t.strictSame([await there.isNew(young), await there.isNew(other)], [true, true], 'no later than it was promised')
  })
}

t.test('a session that was read before revokeAll() and rotates or saves after it is over all the same', async t => {
  stopTime(t)
  const { app, sessions, client, isNew } = await revocable(t)
  app.get('/slow/:what', async ({ session, params }) => {
    session.visits++
    if ((params as { what: string }).what === 'rotate') await session.rotate()
    await sessions.revokeAll()
    pass(10)
  })
  for (const what of ['save', 'rotate']) {
    await client.get('/write')
    await client.get(`/slow/${what}`)
    t.equal(await isNew(), true, what)
  }
})

const momentOf = (store: FaultyStore, staleness = 0) => new NotBefore({ calls: new StoreCalls(store, 1_000), key: 'epoch', staleness })

t.test('the moment of revokeAll() is asked for each time, or remembered as long as it may be', async t => {
  const store = new FaultyStore(memoryStore())
  const [fresh, stale] = [momentOf(store), momentOf(store, 5_000)]
  t.strictSame([await fresh.current(1_000), await stale.current(1_000)], [NONE, NONE])
  await momentOf(store).begin(Date.now())
  t.not(await fresh.current(1_000), NONE)
  t.equal(await stale.current(5_999), NONE)
  t.not(await stale.current(6_000), NONE)
})

t.test('the moment of revokeAll() never goes back, whoever writes it and however late', async t => {
  const store = new FaultyStore(memoryStore())
  const now = Date.now()
  const moment = momentOf(store)
  await moment.begin(now)
  await momentOf(store).begin(now - 10_000)
  t.equal(await moment.current(now), now)
  await momentOf(store).begin(now + 10)
  t.equal(await moment.current(now), now + 10)
  await store.delete('epoch')
  t.equal(await moment.current(now), now + 10, 'who knows of it does not forget, although the store does')
  const other = momentOf(store)
  // It was there when it was to be created, and gone when it was to be read.
  store.break('create', async () => false, { times: 1 })
  await other.begin(now + 20)
  t.equal(await moment.current(now), now + 20)
})

t.test('the moment of revokeAll() that a wrong clock has put far into the future is put right by the next one', async t => {
  const store = new FaultyStore(memoryStore())
  const now = Date.now()
  const moment = momentOf(store)
  await momentOf(store).begin(now + 86_400_000)
  t.equal(await moment.current(now), now + 86_400_000)
  await momentOf(store).begin(now)
  t.equal(await moment.current(now), now)
})

t.test('the moment of revokeAll() that cannot be read lets nobody in, until revokeAll() writes it anew', async t => {
  const store = new FaultyStore(memoryStore())
  const now = Date.now()
  const moment = momentOf(store)
  for (const text of ['', 'null', '{}', '{"notBefore":"1"}', '{"notBefore":-1}', '[]']) {
    await store.delete('epoch')
    await store.create('epoch', text, now + 60_000)
    await t.rejects(async () => await moment.current(now), { code: 'FST_TYPED_SESSION_STORE_FAILED' }, text)
  }
  await moment.begin(now)
  t.equal(await moment.current(now), now)
  store.break('replace', async () => 'conflict')
  await t.rejects(moment.begin(now + 1), { code: 'FST_TYPED_SESSION_STORE_FAILED' }, 'a store that lies is not asked for ever')
})

t.test('one start-up line says what logging out means, and only where it is not final', async t => {
  const lines = async (options: AppOptions) => (await buildApp(t, options)).logs.filter(({ msg }) => /logging out/.test(String(msg)))
  t.match(await lines({ backend: 'cookie' }), [{ msg: /a copy stays valid until it expires\. .*revocations/ }], 'S-7.4.1b')
  t.strictSame(await lines({ backend: 'revocable' }), [])
  t.strictSame(await lines({ backend: 'memory' }), [])
})

t.test('the store of revocations is swept and closed with the application, once if it is the store as well', async t => {
  for (const same of [true, false]) {
    const counts = { swept: 0, closed: 0 }
    const counting = () => Object.assign(memoryStore(), { close: async () => { counts.closed++ }, sweep: async () => { counts.swept++; return 1 } })
    const store = counting()
    const { app, sessions } = await buildApp(t, { backend: 'memory', store, revocations: same ? store : counting() })
    t.equal(await sessions.sweep(), same ? 1 : 2)
    await app.close()
    t.strictSame(counts, same ? { swept: 1, closed: 1 } : { swept: 2, closed: 2 })
  }
})
