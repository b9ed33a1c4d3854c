import Fastify from 'fastify'
import t, { type Test } from 'tap'
import deviceBound from '../../lib/device-bound.js'
import type { Adopter, StoredSession } from '../../types/index.js'
import { type AppOptions, type BackendName, COOKIE, schema, settled } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'
import { BOUND, deviceApp, GRACE, LIFE, signedIn } from '../support/device-app.js'
import { makeKey, makeProof, parameter } from '../support/fake-browser.js'

const OFFER = 'secure-session-registration'
/** A system of before, whose cookies say who somebody is. */
const old = (): Adopter<StoredSession<typeof schema>> => ({ cookie: 'old', until: new Date(Date.now() + 86_400_000), read: async (userId) => ({ data: { userId } }) })
const WHERE = '/.session/device/registration'
/** Where a session can be bound. */
const each = (name: string, fn: (t: Test, backend: BackendName) => Promise<unknown>) => {
  for (const backend of ['memory', 'revocable'] as const) t.test(`${name} (${backend})`, async (t) => await fn(t, backend))
}

each('the response in which somebody signs in offers to bind the session, and no other does', async (t, backend) => {
  const scene = await deviceApp(t, { backend })
  const browser = scene.browser()
  const offers = async (url: string) => OFFER in (await browser.bare({ url })).headers
  t.equal(await offers('/visit'), false)
  t.equal(await offers('/login'), true, 'a new id')
  for (const url of ['/login', '/visit', '/me', '/rotate']) t.equal(await offers(url), false, url)
  t.equal(await offers('/again'), true, 'reauthenticated')
  t.equal(await offers('/login?user=bob'), true, 'somebody else')
  t.equal(await offers('/leave'), false, 'nobody')
  t.equal(await offers('/logout'), false)
  t.equal(await offers('/login'), true, 'a first session')
})

each('the offer names algorithms, the address and a challenge of its own, and no id', async (t, backend) => {
  const { browser } = await deviceApp(t, { backend })
  const [one, other] = await Promise.all(['/login', '/login'].map(async (url) => String((await browser().bare({ url })).headers[OFFER])))
  t.match(one, /^\(ES256 RS256\);path="\/\.session\/device\/registration";challenge="[\w-]{79}"$/)
  t.not(one, other)
})

t.test('S-d4: a browser that does not know of it is never locked out: nothing changes for it, however long it stays', async t => {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'memory' }, { onUnbound: 'refuse' })
  const browser = scene.browser()
  await browser.bare({ url: '/login' })
  for (let hour = 0; hour < 5; hour++) {
    pass(3_600_000)
    t.match((await browser.bare({ url: '/me' })).json(), { user: 'ann', device: null })
  }
  t.strictSame([...browser.cookies.keys()], [COOKIE])
})

t.test('a session that is bound is offered nothing any more', async t => {
  const scene = await deviceApp(t, { backend: 'memory' })
  const browser = await signedIn(scene)
  for (const url of ['/again', '/login?user=bob', '/login']) t.notOk(OFFER in (await browser.bare({ url })).headers, url)
  t.match((await browser.get('/me')).json(), { user: 'ann', device: { algorithm: 'ES256' } }, 'all the while it is bound')
})

t.test('an adopted session is offered nothing, because its sign-in was elsewhere; the next proof of who it is, is', async t => {
  const { browser } = await deviceApp(t, { backend: 'memory', adopt: [old()] })
  const one = browser()
  one.cookies.set('old', { value: 'ann', until: Infinity })
  const adopted = await one.bare({ url: '/me' })
  t.match(adopted.json(), { user: 'ann', device: null })
  t.ok(one.cookies.has(COOKIE))
  t.notOk(OFFER in adopted.headers)
  t.ok(OFFER in (await one.bare({ url: '/again' })).headers)
})

t.test('where a session is bound to another device, the old cookie beside it brings no other one', async t => {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'memory', adopt: [old()] })
  const browser = await signedIn(scene, {}, '/login?user=bob')
  pass(GRACE)
  const thief = scene.thief(browser, [COOKIE])
  thief.cookies.set('old', { value: 'ann', until: Infinity })
  const { headers, body } = await thief.bare({ url: '/me' })
  t.equal(JSON.parse(body).user, null)
  t.notOk('set-cookie' in headers, 'which would take the place of the bound session in its own browser')
  browser.cookies.set('old', { value: 'ann', until: Infinity })
  pass(LIFE)
  t.equal((await browser.get('/me')).json().user, 'bob')
})

t.test('an old cookie does not open a record that is bound, should one ever lie under its id', async t => {
  stopTime(t)
  const { browser, spy, rejected } = await deviceApp(t, { backend: 'memory', adopt: [old()] })
  const one = browser()
  one.cookies.set('old', { value: 'ann', until: Infinity })
  await one.bare({ url: '/me' })
  one.cookies.delete(COOKIE)
  t.equal((await one.bare({ url: '/me' })).json().user, 'ann', 'the session that it has become')
  one.cookies.delete(COOKIE)
  const device = { id: 'i', algorithm: 'ES256', key: {}, boundAt: 1, refreshedAt: 1, challenges: [] }
  spy.break('load', async (call) => JSON.stringify({ ...JSON.parse(String(await call())), device }))
  t.match((await one.bare({ url: '/me' })).json(), { user: null, isNew: true })
  t.match(rejected(), [{ reason: 'unbound' }])
  t.notOk(one.cookies.has(COOKIE))
})

t.test('when(request) says which sign-ins are offered it; one that throws, or gives a promise, offers nothing and is in the log', async t => {
  const { browser, logs } = await deviceApp(t, { backend: 'memory' }, {
    when: ({ query }) => {
      const { user } = query as { user: string }
      if (user === 'throws') throw new Error('thrown by when')
      return (user === 'promise' ? Promise.resolve(true) : user === 'yes') as boolean
    }
  })
  const offered = async (user: string) => OFFER in (await browser().bare({ url: `/login?user=${user}` })).headers
  t.strictSame([await offered('yes'), await offered('no'), await offered('throws'), await offered('promise')], [true, false, false, false])
  await settled()
  t.strictSame(logs.filter(({ level }) => level === 50).map(({ err }) => (err as { message: string }).message), ['thrown by when', 'Session option when: must answer at once, not give a promise'])
})

t.test('the offer is on the response also where Fastify does not send it, and not on one that has left', async t => {
  const { app, browser, logs, spy } = await deviceApp(t, { backend: 'memory' })
  app.get('/hijacked', async ({ session }, reply) => {
    session.userId = 'ann'
    await session.save()
    reply.hijack()
    reply.raw.end('done')
  })
  app.get('/late', async ({ session }, reply) => {
    spy.break('create', async (call) => {
      reply.raw.writeHead(200)
      return await call()
    })
    reply.hijack()
    session.userId = 'ann'
    await session.save().catch(() => {})
    reply.raw.end('late')
  })
  t.match((await browser().bare({ url: '/hijacked' })).headers[OFFER], WHERE)
  t.notOk(OFFER in (await browser().bare({ url: '/late' })).headers)
  await settled()
  t.strictSame(logs.filter(({ level }) => level === 50), [], 'and that is no error')
})

t.test('an offer is for one sign-in: not for another, nor for another session of the same person', async t => {
  stopTime(t)
  const { browser, thief } = await deviceApp(t, { backend: 'memory' })
  const [ann, other] = [browser(), browser()]
  const first = String((await ann.bare({ url: '/login' })).headers[OFFER])
  pass(1)
  await other.bare({ url: '/login' })
  t.equal((await other.register(first)).statusCode, 403, 'another session')
  const second = String((await ann.bare({ url: '/login?user=bob' })).headers[OFFER])
  t.equal((await ann.register(first)).statusCode, 403, 'what was offered to ann is nothing for bob')
  await ann.bare({ url: '/rotate' })
  t.equal((await ann.register(second)).statusCode, 200, 'but another id is no other sign-in')
  t.equal((await thief(ann).register(second)).statusCode, 403, 'once')
})

t.test('an offer is worth nothing after the next proof of who it is, the next person or the next privilege', async t => {
  stopTime(t)
  const worth = async (options: Partial<AppOptions>, before: string, then: string) => {
    const { browser, does } = await deviceApp(t, { backend: 'memory', ...options })
    does.rise = async ({ session }) => { session.note = 'admin' }
    const one = browser()
    await one.bare({ url: '/login' })
    pass(1)
    const offer = String((await one.bare({ url: before })).headers[OFFER])
    pass(1)
    const other = String((await one.bare({ url: then })).headers[OFFER])
    return [(await one.register(offer)).statusCode, (await one.register(other)).statusCode]
  }
  const once = [403, 200]
  t.strictSame(await worth({}, '/again', '/again'), once, 'proved again')
  t.strictSame(await worth({ rotateOn: [], subject: 'userId' }, '/login?user=bob', '/login?user=eve'), once, 'another person')
  t.strictSame(await worth({ rotateOn: ['userId', 'note'], subject: 'userId' }, '/again', '/do/rise'), once, 'another privilege')
})

t.test('an offer is for one session: two that one person signs in to at once are two', async t => {
  stopTime(t)
  const { browser } = await deviceApp(t, { backend: 'memory' })
  const [one, other] = [browser(), browser()]
  await one.bare({ url: '/visit' })
  pass(1)
  await other.bare({ url: '/visit' })
  const offer = String((await one.bare({ url: '/login' })).headers[OFFER])
  await other.bare({ url: '/login' })
  t.equal((await other.register(offer)).statusCode, 403)
  t.equal((await one.register(offer)).statusCode, 200)
})

t.test('an offer is good for five minutes', async t => {
  stopTime(t)
  const { browser } = await deviceApp(t, { backend: 'memory' })
  const [early, late] = [browser(), browser()]
  const offers = [String((await early.bare({ url: '/login' })).headers[OFFER]), String((await late.bare({ url: '/login' })).headers[OFFER])]
  pass(299_999)
  t.equal((await early.register(offers[0] ?? '')).statusCode, 200)
  pass(1)
  t.equal((await late.register(offers[1] ?? '')).statusCode, 403)
})

t.test('trap: the answer to a registration is a 200 with the origin, attributes without Max-Age that read as in the Set-Cookie, and no challenge', async t => {
  for (const [sameSite, written] of [['lax', 'Lax'], ['strict', 'Strict']] as const) {
    const scene = await deviceApp(t, { backend: 'memory', cookie: { sameSite } })
    const [answer] = (await signedIn(scene)).answers
    t.equal(answer?.statusCode, 200)
    const { session_identifier: id, ...instructions } = answer?.json()
    t.match(id, /^[\w-]{22}$/)
    t.strictSame(instructions, {
      refresh_url: '/.session/device/refresh',
      scope: { origin: 'http://localhost:80', include_site: false, scope_specification: [] },
      credentials: [{ type: 'cookie', name: BOUND, attributes: `Path=/; Secure; HttpOnly; SameSite=${written}` }]
    })
    const line = String(answer?.headers['set-cookie'])
    t.match(line, new RegExp(`^${BOUND}=[\\w-]{79}; Max-Age=570; Path=/; Secure; HttpOnly; SameSite=${written}$`))
    t.match(answer?.headers, { 'cache-control': 'no-store', 'cross-origin-resource-policy': 'same-origin' })
    t.notOk('secure-session-challenge' in (answer?.headers ?? {}))
  }
})

t.test('trap: behind a proxy that ends TLS the origin is https, with and without trustProxy', async t => {
  const forwarded = { host: 'shop.example', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'www.shop.example' }
  for (const [trustProxy, origin] of [[false, 'https://shop.example'], [true, 'https://www.shop.example']] as const) {
    const { browser } = await deviceApp(t, { backend: 'memory', fastify: { trustProxy } })
    const one = browser()
    const offer = String((await one.bare({ url: '/login', headers: forwarded })).headers[OFFER])
    const proof = makeProof(makeKey(), parameter(offer, 'challenge'), { bring: true })
    const answer = await one.bare({ method: 'POST', url: WHERE, headers: { ...forwarded, 'secure-session-response': proof } })
    t.equal(answer.json().scope.origin, origin)
  }
})

t.test('the cookie of the device has a name that browsers take in instructions, whatever the session\'s is called', async t => {
  for (const [name, bound] of [['sid', '__Secure-sid-bound'], ['__Host-s', '__Secure-s-bound'], ['__Http-s', '__Secure-s-bound'], ['__Secure-s', '__Secure-s-bound'], [COOKIE, BOUND]] as const) {
    const scene = await deviceApp(t, { backend: 'memory', cookie: { name } })
    t.strictSame([...(await signedIn(scene)).cookies.keys()], [name, bound])
  }
})

t.test('both routes are below the prefix, also below that of the plugin which registers it', async t => {
  const scene = await deviceApp(t, { backend: 'memory' }, { prefix: '/auth/device' })
  const browser = await signedIn(scene)
  t.equal(browser.bound.refreshUrl, '/auth/device/refresh')
  const { handle } = await deviceApp(t, { backend: 'memory' })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(handle)
  await app.register(async (api) => {
    await api.register(deviceBound, { prefix: '/device' })
    api.get('/in', async (request) => { handle.get(request).userId = 'ann' })
  }, { prefix: '/api' })
  const offer = String((await app.inject('/api/in')).headers[OFFER])
  t.equal(parameter(offer, 'path'), '/api/device/registration')
  t.equal((await app.inject({ method: 'POST', url: '/api/device/registration' })).statusCode, 403)
})

t.test('trap: a new value of the bound cookie at each refresh, and a record that only the binding changes in', async t => {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'memory' })
  const browser = await signedIn(scene)
  const values = new Set([browser.cookies.get(BOUND)?.value])
  const before = (await browser.get('/me')).json()
  for (let refresh = 0; refresh < 5; refresh++) {
    await browser.refresh()
    values.add(browser.cookies.get(BOUND)?.value)
  }
  t.equal(values.size, 6)
  pass(GRACE)
  t.match((await browser.get('/me')).json(), { ...before, device: { ...before.device, refreshedAt: new Date(Date.now() - GRACE).toISOString() } })
})
