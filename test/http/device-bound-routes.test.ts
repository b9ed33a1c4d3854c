import { once } from 'node:events'
import { connect } from 'node:http2'
import Fastify from 'fastify'
import t from 'tap'
import deviceBound from '../../lib/device-bound.js'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { RequestLike } from '../../types/index.js'
import { type AppSession, COOKIE, schema, SECRET } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'
import { BOUND, deviceApp, GRACE, LIFE, signedIn } from '../support/device-app.js'
import { FakeBrowser, makeKey, makeProof, parameter } from '../support/fake-browser.js'
import { driverError } from '../support/faulty-store.js'
import { listen } from '../support/wire.js'

const OFFER = 'secure-session-registration'
const REFRESH = '/.session/device/refresh'
const OTHER_SECRET = 'dG9wU2VjcmV0LW9mLWFub3RoZXItYXBwbGljYXRpb24xMg'.replace('dG9w', 'Qz7w')

t.test('S-d5: the routes take a POST without a body, of this very site, and nothing else', async t => {
  const scene = await deviceApp(t, { backend: 'memory' })
  const browser = await signedIn(scene)
  const { bound } = browser
  const headers = { cookie: browser.header, 'sec-secure-session-id': bound.id }
  const ask = async (more: object) => await scene.app.inject({ method: 'POST', url: REFRESH, ...more, headers: { ...headers, ...(more as { headers?: object }).headers } })
  const challenged = async (more: object) => 'secure-session-challenge' in (await ask(more)).headers
  t.equal(await challenged({}), true)
  t.equal(await challenged({ headers: { 'content-length': '0', 'content-type': 'application/json' } }), true, 'a type of nothing')
  t.equal(await challenged({ headers: { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:80' } }), true)
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS'] as const) t.equal((await ask({ method })).statusCode, 404, method)
  const refused = [
    { payload: 'a body' }, { payload: {} }, { headers: { 'transfer-encoding': 'chunked' }, payload: '' },
    ...['cross-site', 'same-site', 'anything'].map((site) => ({ headers: { 'sec-fetch-site': site } })),
    ...['https://evil.example', 'null', 'http://notlocalhost:80', 'http://localhost:81'].map((origin) => ({ headers: { origin } }))
  ]
  for (const more of refused) {
    const answer = await ask(more)
    t.equal(answer.statusCode, 403, JSON.stringify(more))
    t.notOk('secure-session-challenge' in answer.headers, JSON.stringify(more))
    t.match(answer.headers, { 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'no-store' })
    t.notOk('access-control-allow-origin' in answer.headers)
  }
})

t.test('trap: a challenge names the session and comes with a 403, and an ordinary route never asks for a proof', async t => {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'memory' }, { onUnbound: 'refuse' })
  const browser = await signedIn(scene)
  pass(LIFE)
  for (const url of ['/me', '/public', '/bound']) {
    const { headers, statusCode } = await browser.bare({ url })
    t.equal(statusCode, 401, url)
    t.notOk('secure-session-challenge' in headers, url)
  }
  const asked = await browser.ask()
  t.equal(asked.statusCode, 403)
  t.match(asked.headers['secure-session-challenge'], new RegExp(`^"[\\w-]{43}";id="${browser.bound.id}"$`))
})

t.test('trap: a store that has forgotten everything ends the binding in the browser, and the next sign-in makes another', async t => {
  stopTime(t)
  const store = memoryStore()
  const scene = await deviceApp(t, { backend: 'memory', store })
  const browser = await signedIn(scene)
  scene.spy.break('load', () => null)
  pass(LIFE)
  t.equal((await browser.get('/me')).json().user, null)
  t.equal(browser.sessions.size, 0)
  scene.spy.heal()
  await browser.get('/login')
  t.match((await browser.get('/me')).json(), { user: 'ann', device: { algorithm: 'ES256' } })
})

t.test('a browser that has bindings of two sign-ins is told to give up the one that is over', async t => {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'memory' })
  const browser = await signedIn(scene)
  browser.cookies.delete(COOKIE)
  await browser.get('/login?user=bob')
  t.equal(browser.sessions.size, 2)
  pass(LIFE)
  t.equal((await browser.get('/me')).json().user, 'bob')
  t.equal(browser.sessions.size, 1)
})

t.test('without an id, with one that is none of ours, or with several sessions a refresh is refused, and nothing ends', async t => {
  const scene = await deviceApp(t, { backend: 'memory' })
  const browser = await signedIn(scene)
  const ask = async (headers: object) => await browser.bare({ method: 'POST', url: REFRESH, headers: { ...headers } })
  for (const headers of [{}, { 'sec-secure-session-id': 'x' }, { 'sec-secure-session-id': '"><script>' }, { 'sec-secure-session-id': browser.bound.id, cookie: `${browser.header}; ${browser.header}` }]) {
    t.strictSame((await ask(headers)).json(), {})
    t.equal((await ask(headers)).statusCode, 403)
  }
  t.strictSame((await ask({ 'sec-secure-session-id': browser.bound.id, cookie: '' })).json(), { session_identifier: browser.bound.id, continue: false })
})

t.test('a store that fails, hangs or is changed all the while is a 503, which ends nothing in the browser', async t => {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'memory' })
  const browser = await signedIn(scene)
  pass(LIFE)
  scene.spy.break('load', () => { throw driverError() })
  t.equal((await browser.ask()).statusCode, 503)
  scene.spy.heal()
  scene.spy.break('replace', () => 'conflict')
  t.equal((await browser.ask()).statusCode, 503)
  scene.spy.heal()
  scene.spy.break('replace', () => 'missing', { times: 1 })
  t.equal((await browser.get('/me')).json().user, 'ann')
  t.equal(browser.sessions.size, 1)
})

for (const [backend, kept] of [['memory', 'store'], ['revocable', 'revocations']] as const) {
  t.test(`a cookie of a secret that this server does not know yet, or of no form that it knows, is a 503: another server may well know it (${backend})`, async t => {
    stopTime(t)
    const store = memoryStore()
    const here = await deviceApp(t, { backend, [kept]: store })
    const there = await deviceApp(t, { backend, [kept]: store, secret: [OTHER_SECRET, SECRET] })
    const browser = there.browser()
    await browser.get('/login')
    const old = here.thief(browser)
    old.sessions.set(browser.bound.id, browser.bound)
    for (const value of [browser.cookies.get(COOKIE)?.value ?? '', '', 'junk', `9${'A'.repeat(79)}`]) {
      old.cookies.set(COOKIE, { value, until: Infinity })
      t.equal((await old.ask()).statusCode, 503, value)
    }
    t.strictSame(here.logs.filter(({ level }) => level === 50), [], 'anybody can send such a cookie: that is no error')
    t.equal(old.sessions.size, 1)
  })
}

t.test('R-30: secrets can be changed while sessions are bound: cookies of the device and offers of before are good, too', async t => {
  stopTime(t)
  let secret: string[] = [SECRET]
  const scene = await deviceApp(t, { backend: 'memory', secret: () => secret })
  const browser = await signedIn(scene)
  const other = scene.browser()
  const offer = String((await other.bare({ url: '/login' })).headers[OFFER])
  secret = [OTHER_SECRET, SECRET]
  await scene.sessions.reloadSecrets()
  pass(GRACE)
  t.equal((await browser.get('/me')).json().user, 'ann')
  t.equal((await other.register(offer)).statusCode, 200)
  const before = browser.cookies.get(BOUND)?.value.slice(1, 7)
  await browser.refresh()
  t.not(browser.cookies.get(BOUND)?.value.slice(1, 7), before, 'by the newest secret')
  secret = [OTHER_SECRET]
  await scene.sessions.reloadSecrets()
  t.equal(await scene.user(scene.thief(other)), null)
})

t.test('whatever hooks of the application do to these routes, a browser gets no answer that ends its binding', async t => {
  stopTime(t)
  const scene = await deviceApp(t, {
    backend: 'memory',
    before: (app) => {
      app.addHook('preHandler', async (request: { headers: Record<string, unknown> }) => {
        const status = request.headers['x-throw']
        if (status !== undefined) throw Object.assign(new Error('thrown by a hook'), status === 'plain' ? {} : { statusCode: Number(status) })
      })
    }
  })
  const browser = await signedIn(scene)
  for (const [thrown, answered] of [['401', 503], ['409', 503], ['404', 503], ['429', 429], ['500', 500], ['503', 503], ['plain', 500]] as const) {
    const { statusCode, body } = await browser.bare({ method: 'POST', url: REFRESH, headers: { 'x-throw': thrown } })
    t.strictSame([statusCode, body], [answered, '{}'], thrown)
  }
  const told = scene.logs.filter(({ msg }) => msg === 'a device could not be bound or refreshed')
  t.strictSame(told.map(({ level }) => level), [30, 30, 30, 30, 50, 50, 50], 'as Fastify tells of errors')
})

t.test('hooks of the application may use the session on these routes: what they write to it goes with the binding', async t => {
  const handle = createSession(schema, { secret: SECRET, store: memoryStore(), rotateOn: ['userId'] })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(handle)
  await app.register(deviceBound)
  const own = (request: object) => handle.get(request as RequestLike) as unknown as AppSession
  app.addHook('onRequest', async (request: object) => { own(request).visits++ })
  app.get('/login', async (request: object) => { own(request).userId = 'ann' })
  app.get('/me', async (request: object) => own(request).data())
  await app.ready()
  const browser = new FakeBrowser(async (request) => await app.inject(request))
  await browser.get('/login')
  t.match((await browser.get('/me')).json(), { userId: 'ann', visits: 3 })
  t.equal((await browser.refresh()).statusCode, 200)
  t.match((await browser.get('/me')).json(), { userId: 'ann' })
  const { headers } = await app.inject({ method: 'POST', url: REFRESH, headers: { 'sec-secure-session-id': browser.bound.id } })
  t.notOk('set-cookie' in headers, 'but no session begins there')
  t.equal(handle.sessions(app).policy().deviceBound, true)
})

t.test('a session that has no room for a binding stays as it is', async t => {
  const { does, browser } = await deviceApp(t, { backend: 'memory', maxSize: 2048 })
  does.fill = async ({ session }) => {
    session.userId = 'ann'
    session.note = 'x'.repeat(1800)
  }
  const one = browser()
  await one.get('/do/fill')
  t.strictSame(one.answers.map(({ statusCode }) => statusCode), [500])
  t.match((await one.bare({ url: '/me' })).json(), { user: 'ann', device: null })
})

t.test('a bound session that has as many bytes as it may can be refreshed all the same, and what would be too much is not saved', async t => {
  stopTime(t)
  const { does, browser } = await deviceApp(t, { backend: 'memory', maxSize: 2048 })
  const one = browser()
  await one.get('/login')
  const grow = async () => (await one.bare({ url: '/do/grow' })).statusCode
  does.grow = async ({ session }) => { session.note = `${session.note ?? ''}${'x'.repeat(10)}` }
  for (let grown = 0; grown < 200 && await grow() === 200; grown++);
  t.equal(await grow(), 500)
  for (let refresh = 0; refresh < 4; refresh++) {
    t.equal((await one.refresh()).statusCode, 200)
    t.equal((await one.ask()).statusCode, 403)
    pass(100_000)
  }
  pass(LIFE)
  t.match((await one.get('/me')).json(), { user: 'ann' })
})

t.test('a refresh where the schema does not know the data is a 503: another server may', async t => {
  stopTime(t)
  const store = memoryStore()
  const scene = await deviceApp(t, { backend: 'memory', store, version: 1 })
  const browser = await signedIn(scene)
  const older = await deviceApp(t, { backend: 'memory', store, version: 2, migrate: { 1: () => ({ visits: 'none' }) } })
  const there = older.thief(browser)
  there.sessions.set(browser.bound.id, browser.bound)
  t.equal((await there.ask()).statusCode, 503)
})

t.test('a session of which the cookie has the data: who comes with that of before a sign-in is asked to come again', async t => {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'revocable', subject: 'userId' })
  const browser = await signedIn(scene)
  const old = scene.thief(browser)
  old.sessions.set(browser.bound.id, browser.bound)
  await browser.get('/login?user=bob')
  t.equal((await old.ask()).statusCode, 503)
  t.equal((await browser.refresh()).statusCode, 200)
  t.strictSame((await scene.sessions.list('bob')).map(({ device }) => device?.algorithm), ['ES256'])
  const revoked = scene.thief(browser)
  revoked.sessions.set(browser.bound.id, browser.bound)
  await scene.sessions.revokeAll()
  t.equal((await revoked.ask()).json().continue, false, 'revokeAll() ends bindings')
})

t.test('so is who comes with that of before the next person, although neither has a date; but where sessions have no subject, nobody has to', async t => {
  stopTime(t)
  for (const [options, answered] of [[{ subject: 'userId' }, 503], [{}, 403]] as const) {
    const { thief, ...scene } = await deviceApp(t, { backend: 'revocable', ...options })
    const browser = await signedIn(scene)
    await browser.get('/login?user=bob')
    const old = thief(browser)
    old.sessions.set(browser.bound.id, browser.bound)
    await browser.get('/login?user=eve')
    t.equal((await old.ask()).statusCode, answered)
  }
})

t.test('over HTTP/2 a body is refused also where nothing says how long it is', async t => {
  const { app } = await deviceApp(t, { backend: 'memory', fastify: { http2: true, forceCloseConnections: true } as object })
  const client = connect(await listen(app))
  t.teardown(() => client.destroy())
  const status = async (body: boolean) => {
    const stream = client.request({ ':method': 'POST', ':path': '/.session/device/refresh', 'sec-secure-session-id': 'a'.repeat(22) }, { endStream: !body })
    if (body) stream.end('a body')
    const [headers] = await once(stream, 'response') as [Record<string, unknown>]
    stream.close()
    return headers[':status']
  }
  t.equal(await status(false), 200)
  t.equal(await status(true), 403)
})

t.test('over the wire: registered and refreshed, without a body and with no content type', async t => {
  const scene = await deviceApp(t, { backend: 'memory' })
  const url = await listen(scene.app)
  const signIn = await fetch(`${url}/login`)
  const cookie = String(signIn.headers.get('set-cookie')).split(';', 1).join()
  const offer = String(signIn.headers.get(OFFER))
  const proof = makeProof(makeKey(), parameter(offer, 'challenge'), { bring: true })
  const answer = await fetch(`${url}${parameter(offer, 'path')}`, { method: 'POST', headers: { cookie, 'secure-session-response': proof } })
  t.equal(answer.status, 200)
  t.match(await answer.json(), { scope: { origin: url } })
})

t.test('S-d6: refreshes prolong nothing: the idle and the absolute timeout end a bound session, and then its binding', async t => {
  stopTime(t)
  const before = (app: { addHook (name: string, hook: (request: object) => Promise<void>): void }) => {
    app.addHook('preHandler', async (request) => { t.type((request as { session: AppSession }).session, 'object') })
  }
  const scene = await deviceApp(t, { backend: 'memory', idleTimeout: 3600, touchAfter: 60, absoluteTimeout: 7200, before })
  const [idle, busy] = [await signedIn(scene), await signedIn(scene, {}, '/login?user=bob')]
  for (let minute = 0; minute < 59; minute++) {
    pass(60_000)
    t.equal((await idle.refresh()).statusCode, 200)
    for (let ask = 0; ask < 2; ask++) t.equal((await idle.ask()).statusCode, 403)
    if (minute % 10 === 0) t.equal((await busy.get('/me')).json().user, 'bob')
  }
  pass(60_000)
  const { id } = idle.bound
  t.strictSame((await idle.refresh()).json(), { session_identifier: id, continue: false })
  t.equal(idle.sessions.size, 0)
  t.equal((await idle.get('/me')).json().user, null)
  for (let minute = 60; minute < 119; minute++) {
    pass(60_000)
    if (minute % 10 === 0) t.equal((await busy.get('/me')).json().user, 'bob')
  }
  pass(60_000)
  t.equal((await busy.get('/me')).json().user, null)
  t.equal((await busy.refresh()).json().continue, false)
})
