import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { type BackendName, COOKIE, eachBackend, setCookies } from '../support/app.js'
import { pass, stopTime, timed } from '../support/clock.js'
import { TIMEOUT, UNAVAILABLE } from '../support/failure-app.js'
import { driverError, type Fault, FaultyStore } from '../support/faulty-store.js'
import { adoptingApp } from '../support/old-system.js'

const KEPT: readonly BackendName[] = ['revocable', 'memory']
const app = async (t: Test, backend: BackendName, options = {}, adopter = {}, forgets = true) => await adoptingApp(t, { backend, ...options }, adopter, forgets)
const rejects: Fault = () => Promise.reject(driverError())
const forgetting = { ending: 'forget' } as const
const eachKept = async (t: Test, test: (t: Test, backend: BackendName) => Promise<unknown>) => {
  for (const backend of KEPT) await t.test(`${backend} sessions`, async (t) => { await test(t, backend) })
}
const kept = (backend: BackendName, store: FaultyStore) => backend === 'memory' ? { store } : { revocations: store }

t.test('with ending: forget the response that saves ours removes the old session and its cookie', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, old, userOf } = await app(t, backend, {}, forgetting)
    const ann = visitor()
    const { headers } = await ann.get('/read')
    t.match(setCookies(headers), ['old=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly', new RegExp(`^${COOKIE}=[^;]`)])
    t.strictSame([old.forgotten, [...ann.jar.keys()]], [['ann-1'], [COOKIE]])
    t.equal(await userOf(ann), 'ann')
    t.equal(setCookies((await ann.get('/note')).headers).some((line) => line.startsWith('old=')), false, 'once')
  })
})

t.test('nothing is forgotten by a response that does not save ours: an error, one for shared caches, data that do not fit the schema', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app: fastify, visitor, old } = await app(t, backend, {}, forgetting)
    fastify.get('/fail', async ({ session }) => { session.visits++; throw new Error('oh') })
    old.sessions.set('bad', { data: { visits: 'many' } })
    const ann = visitor()
    for (const url of ['/fail', '/public', '/none', '/back']) await ann.get(url)
    await visitor('bad').get('/note')
    t.strictSame(old.forgotten, [])
    t.equal(ann.jar.get('old'), 'ann-1')
  })
})

t.test('save() in the middle of a request forgets as well, also on a raw response', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app: fastify, visitor, old } = await app(t, backend, {}, forgetting)
    fastify.get('/raw', async ({ session }, reply) => {
      await session.save()
      reply.hijack()
      reply.raw.end('raw')
    })
    const ann = visitor()
    t.match(setCookies((await ann.get('/raw')).headers), [/^old=; Max-Age=0/, new RegExp(`^${COOKIE}=[^;]`)])
    t.strictSame(old.forgotten, ['ann-1'])
  })
})

t.test('an old system that cannot forget changes nothing about the session that was adopted', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, old, userOf, logs } = await app(t, backend, {}, forgetting)
    old.before = (call) => { if (call === 'forget') throw driverError() }
    const ann = visitor()
    t.equal((await ann.get('/read')).statusCode, 200)
    t.strictSame([...ann.jar.keys()], [COOKIE])
    t.equal(await userOf(ann), 'ann')
    t.match(logs.find(({ msg }) => msg === 'an old session that was adopted could not be removed'), { level: 50, err: { message: /^forget\(\) of the adopter of old failed/ } })
  })
})

t.test('a request that comes when the first one has made the old system forget finds its session', async (t) => {
  const { visitor, userOf, old } = await app(t, 'memory', {}, forgetting)
  const [first, second] = [visitor(), visitor()]
  await first.get('/note')
  t.match((await second.get('/read')).json(), { userId: 'ann', note: 'x' })
  t.strictSame([...second.jar.keys()], [COOKIE])
  t.equal(await userOf(second), 'ann')
  t.equal(await userOf(visitor('forged')), undefined)
  t.strictSame(old.forgotten, ['ann-1', 'ann-1'])
})

t.test('where its data are in the cookie of the first, it can open no session over that one for some seconds', async (t) => {
  stopTime(t)
  const { visitor, userOf } = await app(t, 'revocable', {}, forgetting)
  const [first, second] = [visitor(), visitor()]
  await first.get('/read')
  t.equal(await userOf(second), undefined)
  const refused = await second.get('/note')
  t.match([refused.statusCode, refused.json().code, refused.headers['set-cookie']], [409, 'FST_TYPED_SESSION_MOVED', undefined])
  t.equal(await userOf(visitor('forged')), undefined)
  pass(10_000)
  t.equal((await second.get('/note')).statusCode, 200)
  t.equal(await userOf(first), 'ann')
})

t.test('a cookie session without revocations has no memory: after that the visitor is a stranger', async (t) => {
  const { visitor, userOf } = await app(t, 'cookie', {}, forgetting)
  const [first, second] = [visitor(), visitor()]
  await first.get('/read')
  t.equal(await userOf(second), undefined)
  t.equal(await userOf(first), 'ann')
})

t.test('over plain http in development the old cookie is removed without Secure', async (t) => {
  const { visitor } = await app(t, 'cookie', { cookie: { secure: false } })
  t.equal(setCookies((await visitor().get('/logout')).headers)[0], 'old=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly')
})

t.test('signing out removes the old session and its cookie, whatever the ending', async (t) => {
  await eachBackend(t, async (t, backend) => {
    for (const ending of ['leave', 'forget'] as const) {
      for (const before of [[], ['/read']]) {
        const { visitor, old, userOf } = await app(t, backend, {}, { ending })
        const ann = visitor()
        for (const url of before) await ann.get(url)
        ann.jar.set('old', 'ann-1')
        await ann.get('/logout')
        t.ok(old.forgotten.includes('ann-1'), ending)
        t.equal(ann.jar.size, 0)
        t.equal(await userOf(visitor()), undefined)
      }
    }
  })
})

t.test('a sign-out that the old system cannot follow is a 503, and can be tried again', async (t) => {
  await eachBackend(t, async (t, backend) => {
    for (const call of ['forget', ...(backend === 'cookie' ? [] : ['read'])]) {
      const { visitor, old, userOf } = await app(t, backend)
      const ann = visitor()
      await userOf(ann)
      old.before = (now) => { if (now === call) throw driverError() }
      const failed = await ann.get('/logout')
      t.match([failed.statusCode, failed.json()], [503, UNAVAILABLE])
      t.equal(ann.jar.get('old'), 'ann-1', call)
      old.before = () => {}
      t.equal((await ann.get('/logout')).statusCode, 200)
      t.strictSame([ann.jar.size, old.forgotten], [0, ['ann-1']])
      t.equal(await userOf(visitor()), undefined)
    }
  })
})

t.test('a cookie session cannot be signed out when the headers have left, but one that is kept can', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app: fastify, visitor, userOf } = await app(t, backend, {}, {}, false)
    fastify.get('/late', { config: { session: { begin: false } } }, async ({ session }, reply) => {
      reply.raw.writeHead(200)
      reply.hijack()
      const failed = await Promise.resolve().then(async () => await session.destroy()).catch((error: { code: string }) => error.code)
      reply.raw.end(failed)
    })
    t.equal((await visitor().get('/late')).body, backend === 'cookie' ? 'FST_TYPED_SESSION_HEADERS_SENT' : '')
    t.equal(await userOf(visitor()), backend === 'cookie' ? 'ann' : undefined)
  })
})

for (const [name, before] of Object.entries({
  throws: () => { throw driverError() },
  rejects: () => Promise.reject(driverError()),
  hangs: () => new Promise<never>(() => {})
})) {
  t.test(`an old system that ${name} is for onStoreError to decide about: 503, or a visitor without a session that can be saved`, async (t) => {
    await eachBackend(t, async (t, backend) => {
      stopTime(t)
      const { app: fastify, visitor, userOf, old, logs } = await app(t, backend)
      fastify.get('/anonymous', { config: { session: { onStoreError: 'anonymous' } } }, async ({ session }) => ({ userId: session.userId ?? null }))
      fastify.get('/anonymous-note', { config: { session: { onStoreError: 'anonymous' } } }, async ({ session }) => { session.note = 'x' })
      fastify.get('/anonymous-out', { config: { session: { onStoreError: 'anonymous' } } }, async ({ session }) => await session.destroy())
      old.before = before as () => void
      const ann = visitor()
      const { value: failed, took } = await timed(ann.get('/read'))
      t.match([failed.statusCode, failed.json()], [503, UNAVAILABLE])
      if (name === 'hangs') t.equal(took, TIMEOUT)
      t.match(logs.find(({ level }) => level === 50), { err: { message: /read\(\) of the adopter of old (?:failed|had no answer)/ } })
      t.match((await timed(ann.get('/anonymous'))).value.json(), { userId: null })
      for (const url of ['/anonymous-note', '/anonymous-out']) t.equal((await timed(ann.get(url))).value.statusCode, 503, url)
      t.strictSame([...ann.jar.keys()], ['old'])
      old.before = () => {}
      t.equal(await userOf(ann), 'ann')
    })
  })
}

t.test('an adopter that answers what is no session, or no date, has failed', async (t) => {
  const { visitor, old, logs } = await app(t, 'memory')
  for (const wrong of [{ data: null }, { data: [1] }, { data: new Map() }, {}, 'ann', { data: {}, createdAt: new Date(NaN) }, { data: {}, createdAt: 'soon' }, { data: {}, createdAt: null }, { data: {}, createdAt: 1n }, { get data () { return Promise.reject(new Error('nobody waits for it')) } }]) {
    old.sessions.set('wrong', wrong as never)
    t.equal((await visitor('wrong').get('/read')).statusCode, 503)
  }
  t.match(logs.find(({ level }) => level === 50), { err: { message: /must give \{ data, createdAt \}/ } })
})

t.test('a store of ours that fails at the look-up is for onStoreError, too; at the save, the request goes on and the next tries again', async (t) => {
  await eachKept(t, async (t, backend) => {
    const store = new FaultyStore(memoryStore())
    const { visitor, userOf } = await app(t, backend, kept(backend, store))
    const ann = visitor()
    store.break('load', rejects)
    t.equal((await ann.get('/read')).statusCode, 503)
    store.heal()
    store.break('create', rejects)
    t.match((await ann.get('/read')).json(), { userId: 'ann' })
    t.equal(ann.token, undefined)
    t.equal((await ann.get('/note')).statusCode, 503, 'what was asked for fails')
    store.heal()
    t.equal(await userOf(ann), 'ann')
    t.ok(ann.token)
  })
})

t.test('an answer that was lost on the way leaves a session that the next request finds', async (t) => {
  await eachKept(t, async (t, backend) => {
    stopTime(t)
    const store = new FaultyStore(memoryStore())
    const { visitor, userOf } = await app(t, backend, kept(backend, store))
    const ann = visitor()
    store.break('create', async (call) => { await call(); throw driverError() })
    await ann.get('/read')
    store.heal()
    t.equal(ann.token, undefined)
    t.equal(await userOf(ann), 'ann')
    t.ok(ann.token)
  })
})
