import t, { type Test } from 'tap'
import { EventEmitter } from 'node:events'
import { sessionSocket } from '../../lib/index.js'
import { readSession, sessionCookie } from '../../lib/testing.js'
import type { AppOptions } from '../support/app.js'
import { buildApp, COOKIE, settled } from '../support/app.js'
import { pass, setClock, stopTime } from '../support/clock.js'
import { BOUND, deviceApp, GRACE, LIFE, signedIn } from '../support/device-app.js'
import type { DeviceBoundOptions } from '../../lib/device-bound.js'

const UNBOUND = { statusCode: 401, code: 'FST_TYPED_SESSION_UNBOUND' }
const ARRIVAL = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
type Options = Partial<AppOptions> & { readonly immediate?: boolean }

/** Somebody whose session is bound, and a thief with the session's cookie alone. */
async function robbed (t: Test, options: Options = {}, device: DeviceBoundOptions = {}) {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'memory', subject: 'userId', ...options }, device)
  const browser = await signedIn(scene)
  pass(GRACE)
  return { ...scene, open: scene.browser, browser, thief: scene.thief(browser, [COOKIE]) }
}

for (const [where, options] of Object.entries({ 'in a store': {}, 'in a store that answers at once': { immediate: true }, 'in the cookie': { backend: 'revocable' } } as const)) {
  t.test(`without the cookie of the device a bound session is none: the request is anonymous, and may begin another (${where})`, async t => {
    const { browser, thief, events } = await robbed(t, options)
    t.match((await thief.bare({ url: '/me' })).json(), { user: null, isNew: true, device: null })
    t.match(events.at(-1), { name: 'onReject', event: { reason: 'unbound', paths: [] } })
    await thief.bare({ url: '/visit' })
    t.match((await thief.bare({ url: '/me' })).json(), { user: null, visits: 1, isNew: false }, 'a session of its own')
    t.match((await browser.get('/me')).json(), { user: 'ann', visits: 0 })
  })

  t.test(`onUnbound refuse: every request without it is a 401, public routes too, but not those without a session, nor ours (${where})`, async t => {
    const { browser, thief } = await robbed(t, options, { onUnbound: 'refuse' })
    for (const url of ['/me', '/visit', '/public', '/login', '/logout']) t.match((await thief.bare({ url })).json(), UNBOUND, url)
    t.equal((await thief.bare({ url: '/without' })).body, 'without')
    t.equal((await thief.bare({ url: '/nowhere' })).statusCode, 401, 'a page that is not there')
    t.equal((await thief.bare({ url: '/public', headers: { cookie: '' } })).body, 'public', 'without any cookie')
    pass(LIFE)
    t.equal((await browser.get('/me')).json().user, 'ann', 'the browser itself refreshes')
  })

  t.test(`somebody who comes from another site is sent on to the same page, once, so that the browser refreshes (${where})`, async t => {
    const { thief } = await robbed(t, options, where === 'in a store' ? { onUnbound: 'refuse' } : {})
    const came = await thief.bare({ url: '/visit', headers: ARRIVAL })
    t.match(came, { statusCode: 200, body: '', headers: { refresh: '0', 'cache-control': 'no-store', 'content-type': /^text\/html/ } })
    t.notOk('set-cookie' in came.headers)
    for (const header of [{ 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-mode': 'cors' }, { 'sec-fetch-dest': 'iframe' }]) {
      t.notOk('refresh' in (await thief.bare({ url: '/me', headers: { ...ARRIVAL, ...header } })).headers, JSON.stringify(header))
    }
    t.notOk('refresh' in (await thief.bare({ url: '/me', method: 'HEAD', headers: ARRIVAL })).headers)
  })
}

t.test('who comes from another site with a good cookie, with a session that is not bound, or with none, gets the page', async t => {
  const { app, browser, browser: { header }, ...scene } = await robbed(t, { immediate: true })
  const plain = scene.newClient()
  await plain.get('/login')
  for (const cookie of [header, plain.header, '', `${COOKIE}=junk`]) {
    const { headers, statusCode } = await app.inject({ url: '/me', headers: { ...ARRIVAL, cookie } })
    t.strictSame([statusCode, headers.refresh], [200, undefined], cookie)
  }
})

t.test('a request that was under way when the browser registered is served for ten seconds, whatever clocks say', async t => {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'memory' })
  const browser = await signedIn(scene)
  const early = scene.thief(browser, [COOKIE])
  const start = Date.now()
  pass(GRACE - 1)
  t.equal(await scene.user(early), 'ann')
  pass(1)
  t.equal(await scene.user(early), null)
  setClock(start - 59_999)
  t.equal(await scene.user(early), 'ann', 'another server may be behind by a minute')
  setClock(start - 60_000)
  t.equal(await scene.user(early), null, 'but not by more')
})

t.test('a bound cookie of another session, of another kind, from the future, or with a bit that is another, is none', async t => {
  const { thief, user, browser, app, open } = await robbed(t)
  const other = (await signedIn({ browser: open }, {}, '/login?user=bob')).cookies.get(BOUND)?.value ?? ''
  const value = browser.cookies.get(BOUND)?.value ?? ''
  const session = browser.cookies.get(COOKIE)?.value ?? ''
  const flipped = `${value.slice(0, 20)}${value[20] === 'A' ? 'B' : 'A'}${value.slice(21)}`
  const header = (bound: string) => `${COOKIE}=${session}; ${bound}`
  const asked = async (cookie: string) => (await app.inject({ url: '/me', headers: { cookie } })).json().user
  t.equal(await asked(header(`${BOUND}=${value}`)), 'ann')
  for (const wrong of [other, session, flipped, '', value.slice(1), `6${value.slice(1)}`, '5'.repeat(79)]) t.equal(await asked(header(`${BOUND}=${wrong}`)), null, wrong)
  t.equal(await asked(header(`${BOUND}=${flipped}; ${BOUND}=${value}`)), 'ann', 'one that somebody else has set is no matter')
  t.equal(await user(thief), null)
  setClock(Date.now() - GRACE - 61_000)
  t.equal(await asked(header(`${BOUND}=${value}`)), null, 'it would live for longer than any')
})

t.test('open() and readSession() have no bound session without the cookie of the device, and reload() refuses it', async t => {
  const { app, does, browser, thief, sessions } = await robbed(t)
  t.match(await sessions.open(browser.header), { data: { userId: 'ann' } })
  t.equal(await sessions.open(thief.header), null)
  t.equal(await sessions.open(undefined), null)
  does.open = async (request) => {
    await request.session.rotate()
    await request.session.save()
    return { ...await sessions.open(request as never) }
  }
  t.match((await browser.bare({ url: '/do/open' })).json(), { data: { userId: 'ann' } }, 'by the cookie that is under way and the one that came')
  t.match(await readSession(app as never, await browser.get('/me') as never), { data: { userId: 'ann' } })
  t.equal(await readSession(app as never, await thief.get('/me') as never), null)
})

t.test('the handle opens no bound session, not even for the device itself: without an application nobody can tell it', async t => {
  const { handle, browser, open } = await robbed(t)
  const plain = open()
  await plain.bare({ url: '/login?user=bob' })
  t.match(await handle.open(plain.header), { data: { userId: 'bob' } })
  t.equal(await handle.open(browser.header), null)
})

t.test('reload() of a session that was bound meanwhile is a 401', async t => {
  stopTime(t)
  const { does, browser } = await deviceApp(t, { backend: 'memory' })
  const one = browser()
  const offer = String((await one.bare({ url: '/login' })).headers['secure-session-registration'])
  does.slow = async ({ session }) => {
    session.visits = 5
    await one.register(offer)
    pass(GRACE)
    await session.reload()
  }
  const cookie = one.header
  t.match((await one.bare({ url: '/do/slow', headers: { cookie } })).json(), UNBOUND)
})

t.test('a socket is closed with 1013 when the proof that it came with is over, and at once without one', async t => {
  const { app, does, browser, thief } = await robbed(t)
  const closed: unknown[] = []
  does.socket = async (request) => {
    const socket = Object.assign(new EventEmitter(), { close: (...why: unknown[]) => { closed.push(why) } })
    sessionSocket(socket as never, request as never, { revalidateEvery: 5 })
    return closed.length
  }
  const { header: cookie } = browser
  const open = async (by: string) => (await app.inject({ url: '/do/socket', headers: { cookie: by } })).json()
  t.equal(await open(cookie), 0)
  t.equal(await open(thief.header), 1)
  t.strictSame(closed.splice(0), [[1008, 'session ended']])
  for (let left = LIFE - GRACE; left > 0; left -= 5000) {
    pass(5000)
    await settled()
    if (left > 5000) t.strictSame(closed, [], `${left} ms before`)
  }
  t.strictSame(closed, [[1013, 'session unavailable']])
  await app.close()
})

t.test('without the plugin bound sessions are rejected, and that is said; the others are not', async t => {
  const { app, browser, store } = await robbed(t, { immediate: true })
  await app.inject('/public')
  const without = await buildApp(t, { backend: 'memory', store: store as never })
  without.app.get('/me', async ({ session }) => ({ user: session.userId ?? null, device: session.device }))
  without.app.get('/login', async ({ session }) => { session.userId = 'bob' })
  const asked = await without.app.inject({ url: '/me', headers: { cookie: browser.header } })
  t.strictSame(asked.json(), { user: null, device: null })
  t.match(without.rejected(), [{ reason: 'unbound', paths: [] }])
  t.match(without.logs.filter(({ level }) => level === 40), [{ fault: 'no-gate', msg: /register fastify-typed-session\/device-bound/ }])
  await without.client.get('/login')
  t.strictSame((await without.client.get('/me')).json(), { user: 'bob', device: null })
  t.equal(without.sessions.policy().deviceBound, false)
})

t.test('Secure-Session-Skipped changes the event, never the answer', async t => {
  const { thief, rejected } = await robbed(t)
  const skips: Record<string, string[]> = {
    'quota_exceeded;session_identifier="x"': ['quota_exceeded'],
    'unreachable;session_identifier="a", server_error;session_identifier="b"': ['unreachable', 'server_error'],
    'anything else': [],
    my_quota_exceeded: []
  }
  const plain = (await thief.bare({ url: '/me' })).body
  for (const [header, paths] of Object.entries(skips)) {
    t.equal((await thief.bare({ url: '/me', headers: { 'secure-session-skipped': header } })).body, plain)
    t.strictSame(rejected().at(-1)?.paths, paths, header)
  }
})

t.test('a session that is not usable here for lack of the proof is ended by destroy() all the same', async t => {
  const { thief, browser } = await robbed(t)
  const left = await thief.bare({ url: '/logout' })
  t.match(String(left.headers['set-cookie']), `${COOKIE}=; Max-Age=0`)
  pass(LIFE)
  t.equal((await browser.get('/me')).json().user, null)
  t.equal(browser.sessions.size, 0)
})

t.test('a logout removes the cookie of the device too, where there is one and a response to put it on', async t => {
  const { browser, does, sessions } = await robbed(t)
  t.match([(await browser.bare({ url: '/logout' })).headers['set-cookie']].flat().join(), `${BOUND}=; Max-Age=0; Path=/; Secure`)
  await browser.bare({ url: '/login' })
  t.notMatch([(await browser.bare({ url: '/logout' })).headers['set-cookie']].flat().join(), BOUND)
  const again = await signedIn({ browser: () => browser } as never)
  does.hijack = async ({ session }, reply) => {
    reply.hijack()
    await session.destroy()
    reply.raw.end('done')
  }
  await again.bare({ url: '/do/hijack' })
  await again.bare({ url: '/login' })
  t.equal(await sessions.destroyAll('ann'), 1, 'outside a request there is none')
})

t.test('sessionCookie() of the testing entry makes a session that is not bound', async t => {
  const { app } = await deviceApp(t, { backend: 'memory' })
  const cookie = await sessionCookie(app as never, { userId: 'ann' } as never)
  t.match((await app.inject({ url: '/me', headers: { cookie } })).json(), { user: 'ann', device: null })
})
