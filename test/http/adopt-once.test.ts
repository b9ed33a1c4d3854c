import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { type BackendName, COOKIE, eachBackend, SECRET, setCookies, settled } from '../support/app.js'
import { pass, START, stopTime } from '../support/clock.js'
import { adoptingApp } from '../support/old-system.js'

const KEPT: readonly BackendName[] = ['revocable', 'memory']
const DAY = 86_400_000
const app = async (t: Test, backend: BackendName, options = {}, adopter = {}, forgets = true) => await adoptingApp(t, { backend, ...options }, adopter, forgets)
const eachKept = async (t: Test, test: (t: Test, backend: BackendName) => Promise<unknown>) => {
  for (const backend of KEPT) await t.test(`${backend} sessions`, async (t) => { await test(t, backend) })
}

t.test('eight parallel first requests are one session, and none of their changes is lost in a store', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, events, userOf } = await app(t, backend)
    const browsers = Array.from({ length: 8 }, () => visitor())
    const answers = await Promise.all(browsers.map((browser) => browser.get('/visit')))
    t.strictSame(answers.map(({ statusCode }) => statusCode), Array(8).fill(200))
    for (const browser of browsers) {
      browser.jar.delete('old')
      t.equal(await userOf(browser), 'ann')
    }
    const ids = new Set(await Promise.all(browsers.map(async (browser) => (await browser.get('/read')).json().id as string)))
    t.equal(ids.size, backend === 'cookie' ? 8 : 1)
    if (backend === 'memory') t.equal((await browsers[0]?.get('/read'))?.json().visits, 15)
    await settled()
    t.equal(events.filter(({ name }) => name === 'onCreate').length, backend === 'cookie' ? 8 : 1)
  })
})

t.test('eight parallel first requests that only read are one session as well', async (t) => {
  await eachKept(t, async (t, backend) => {
    const { visitor } = await app(t, backend)
    const browsers = Array.from({ length: 8 }, () => visitor())
    const answers = await Promise.all(browsers.map((browser) => browser.get(browser === browsers[0] ? '/ignore' : '/read')))
    t.strictSame(answers.map(({ statusCode }) => statusCode), Array(8).fill(200))
    const ids = new Set(await Promise.all(browsers.map(async (browser) => (await browser.get('/read')).json().id as string)))
    t.equal(ids.size, 1)
  })
})

t.test('a later request with only the old cookie finds the session of the first, and gets its cookie', async (t) => {
  await eachKept(t, async (t, backend) => {
    const { visitor, old } = await app(t, backend)
    const [first, second] = [visitor(), visitor()]
    await first.get('/note')
    old.sessions.set('ann-1', { data: { userId: 'ann', visits: 99 } })
    const { id } = (await first.get('/read')).json()
    const found = (await second.get('/read')).json()
    t.match(found, { userId: 'ann', id, isNew: false, ...(backend === 'memory' && { note: 'x', visits: 7 }) })
    second.jar.delete('old')
    t.match((await second.get('/read')).json(), { userId: 'ann', id })
  })
})

t.test('S-7.4.1: after signing out a copy of the old cookie is no session, whoever brings it', async (t) => {
  await eachKept(t, async (t, backend) => {
    const { visitor, old, userOf } = await app(t, backend, {}, {}, false)
    const ann = visitor()
    await userOf(ann)
    const out = await ann.get('/logout')
    t.match(setCookies(out.headers), [/^old=; Max-Age=0/, new RegExp(`^${COOKIE}=; Max-Age=0`)])
    t.equal(ann.jar.size, 0)
    for (let i = 0; i < 3; i++) t.equal(await userOf(visitor()), undefined)
    const again = visitor()
    t.equal((await again.get('/note')).statusCode, 200, 'a new session may begin')
    t.match((await again.get('/read')).json(), { note: 'x', visits: 0 })
    t.ok(old.sessions.has('ann-1'), 'although the old system still knows it')
  })
})

t.test('signing out on the first request leaves a mark, too', async (t) => {
  await eachKept(t, async (t, backend) => {
    const { visitor, userOf, events } = await app(t, backend, {}, {}, false)
    const ann = visitor()
    await ann.get('/logout')
    t.equal(ann.jar.size, 0)
    t.equal(await userOf(visitor()), undefined)
    await settled()
    t.match(events.filter(({ name }) => name === 'onDestroy'), [{ event: { data: { userId: 'ann' } } }])
  })
})

t.test('signing out on a route that begins no session, or of a session that is not the adopted one, ends the old one as well', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, userOf, newClient, old } = await app(t, backend, {}, {}, false)
    const ann = visitor()
    t.match(setCookies((await ann.get('/back-out')).headers), [/^old=/, /Max-Age=0/])
    const bob = newClient()
    await bob.get('/login')
    bob.jar.set('old', 'bob-1')
    old.sessions.set('bob-1', { data: { userId: 'bob' } })
    await bob.get('/logout')
    t.strictSame([ann.jar.size, bob.jar.size], [0, 0])
    const again = [await userOf(visitor()), await userOf(visitor('bob-1'))]
    t.strictSame(again, backend === 'cookie' ? ['ann', 'bob'] : [undefined, undefined], 'a cookie session without revocations has nowhere to remember it')
  })
})

t.test('a value that the old system does not know leaves no mark', async (t) => {
  const store = memoryStore()
  const { visitor } = await app(t, 'memory', { store }, {}, false)
  for (let i = 0; i < 5; i++) await visitor(`forged-${i}`).get('/logout')
  t.equal(store.size, 0)
})

t.test('all of several old cookies of one name are ended by destroy(), four at most', async (t) => {
  const { app: fastify, old, visitor, userOf } = await app(t, 'memory')
  const values = Array.from({ length: 6 }, (_, index) => `v${index}`)
  for (const value of values) old.sessions.set(value, { data: { userId: 'ann' } })
  const out = await fastify.inject({ url: '/logout', headers: { cookie: values.map((value) => `old=${value}`).join('; ') } })
  t.match(setCookies(out.headers)[0], /^old=; Max-Age=0/)
  t.strictSame(old.forgotten, values.slice(0, 4))
  for (const value of old.forgotten) old.sessions.set(value, { data: { userId: 'ann' } })
  t.strictSame(await Promise.all(values.map(async (value) => await userOf(visitor(value)))), [undefined, undefined, undefined, undefined, 'ann', 'ann'])
})

t.test('K-1: whoever has planted the old cookie has nothing after a sign-in, be it on the first request or later', async (t) => {
  await eachKept(t, async (t, backend) => {
    for (const before of [[], ['/read']]) {
      const { visitor, old, userOf, events } = await app(t, backend)
      old.sessions.set('planted', { data: { note: 'hello' } })
      const victim = visitor('planted')
      for (const url of before) await victim.get(url)
      await victim.get('/login')
      t.equal(await userOf(victim), 'bob')
      const thief = visitor('planted')
      t.equal(await userOf(thief), undefined)
      t.equal((await thief.get('/note')).statusCode, 409, 'within moments it may be the same browser')
      await settled()
      t.strictSame(events.filter(({ name }) => name === 'onCreate' || name === 'onRotate').map(({ name }) => name), ['onCreate', 'onRotate'])
    }
  })
})

t.test('a mark stays until `until`, but it keeps nobody from a new session', async (t) => {
  await eachKept(t, async (t, backend) => {
    stopTime(t)
    for (const url of ['/login', '/logout']) {
      const { visitor, userOf } = await app(t, backend, { rotationGrace: 0 }, {}, false)
      await visitor().get(url)
      pass(29 * DAY)
      const late = visitor()
      t.equal(await userOf(late), undefined, url)
      t.equal((await late.get('/note')).statusCode, 200)
      t.match((await late.get('/read')).json(), { note: 'x' })
    }
  })
})

t.test('a session that has expired here is not adopted a second time', async (t) => {
  await eachKept(t, async (t, backend) => {
    stopTime(t)
    const { visitor, userOf } = await app(t, backend, { idleTimeout: 3600 })
    t.equal(await userOf(visitor()), 'ann')
    pass(3_600_001)
    const ann = visitor()
    t.equal(await userOf(ann), undefined)
    pass(DAY)
    t.equal(await userOf(ann), undefined)
    t.equal((await ann.get('/note')).statusCode, 200)
  })
})

t.test('from `until` on the old cookie is ignored, and that is said once an hour', async (t) => {
  await eachBackend(t, async (t, backend) => {
    stopTime(t)
    const { visitor, userOf, old, logs } = await app(t, backend, {}, { until: new Date(START + DAY) })
    pass(DAY - 1)
    t.equal(await userOf(visitor()), 'ann')
    pass(1)
    const late = visitor()
    for (let i = 0; i < 3; i++) t.equal(await userOf(late), undefined)
    await late.get('/logout')
    t.strictSame([old.reads.length, old.forgotten.length, late.jar.get('old')], [1, 0, 'ann-1'])
    const said = logs.filter(({ fault }) => fault === 'adoption-over')
    t.match(said, [{ cookie: 'old', until: new Date(START + DAY).toISOString(), times: 1, level: 40 }])
    t.equal(said.length, 1)
  })
})

t.test('until then is logged at the start, and may have passed', async (t) => {
  stopTime(t)
  const { logs, visitor, userOf } = await app(t, 'cookie', {}, { until: new Date(START - 1) })
  t.match(logs.filter(({ cookie }) => cookie === 'old'), [{ level: 30, msg: /more than once.*revocations/ }])
  t.equal(await userOf(visitor()), undefined)
  const kept = await app(t, 'memory')
  t.notMatch(kept.logs.find(({ cookie }) => cookie === 'old')?.msg, /more than once/)
})

t.test('a new secret changes nothing about sessions that were adopted, or have ended, under an older one', async (t) => {
  await eachKept(t, async (t, backend) => {
    const next = 'Zs8Kf1qLw3xV0bN7yT5mRj2hGd9aUeCoPiXvQkHt6B4'
    let secrets: string | string[] = SECRET
    const { visitor, userOf, sessions, old } = await app(t, backend, { secret: () => secrets }, {}, false)
    old.sessions.set('ann-2', { data: { userId: 'ann' } })
    const { id } = (await visitor().get('/read')).json()
    await visitor('ann-2').get('/logout')
    secrets = [next, SECRET]
    await sessions.reloadSecrets()
    t.match((await visitor().get('/read')).json(), { userId: 'ann', id })
    t.equal(await userOf(visitor('ann-2')), undefined)
  })
})

t.test('after revokeAll() an old session counts only if it is known to have begun later', async (t) => {
  await eachKept(t, async (t, backend) => {
    stopTime(t)
    const kept = memoryStore()
    const { visitor, userOf, old, sessions, rejected } = await app(t, 'cookie', backend === 'revocable' ? { revocations: kept } : { store: memoryStore(), revocations: kept })
    old.sessions.set('later', { data: { userId: 'ann' }, createdAt: new Date(START + 2) })
    old.sessions.set('earlier', { data: { userId: 'ann' }, createdAt: new Date(START) })
    t.equal(await userOf(visitor('ann-1')), 'ann')
    pass(1)
    await sessions.revokeAll()
    pass(10)
    t.strictSame([await userOf(visitor('later')), await userOf(visitor('earlier')), await userOf(visitor('ann-1'))], ['ann', undefined, undefined])
    old.sessions.set('undated', { data: { userId: 'ann' } })
    t.equal(await userOf(visitor('undated')), undefined)
    await settled()
    t.match(rejected(), [{ reason: 'revoked' }, { reason: 'revoked' }, { reason: 'revoked' }])
  })
})
