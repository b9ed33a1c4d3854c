import type { IncomingMessage } from 'node:http'
import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { readSession, sessionCookie } from '../../lib/testing.js'
import { buildApp, COOKIE, eachBackend, SECRET, setCookies, settled } from '../support/app.js'
import type { CookieSource } from '../../types/index.js'
import { pass, START, stopTime } from '../support/clock.js'
import { FAULTS, FaultyStore } from '../support/faulty-store.js'

t.test('policy() is what is in force, frozen, and says nothing secret', async t => {
  await eachBackend(t, async (t, backend) => {
    const { sessions } = await buildApp(t, { backend, idleTimeout: 60, absoluteTimeout: 600, rotateEvery: 30, version: 3, cookie: { persistent: true } })
    const policy = sessions.policy()
    t.match(policy, {
      name: 'session',
      backend: backend === 'memory' ? 'store' : 'cookie',
      cookie: { name: COOKIE, path: '/', domain: null, sameSite: 'lax', secure: true, httpOnly: true, partitioned: false, priority: null, persistent: true },
      idleTimeout: 60,
      absoluteTimeout: 600,
      touchAfter: 6,
      rotateOn: ['userId'],
      subject: false,
      rotateEvery: 30,
      rotationGrace: 10,
      version: 3,
      onInvalid: 'discard',
      onStoreError: 'fail',
      storeTimeout: 2
    })
    t.equal(policy.keyIds.length, 1)
    for (const part of [policy, policy.cookie, policy.rotateOn, policy.keyIds]) t.ok(Object.isFrozen(part))
    t.notMatch(JSON.stringify(policy), SECRET.slice(0, 8))
  })
})

t.test('policy() does not change when the options that were given do (K-7)', async t => {
  const rotateOn: Array<'userId' | 'theme'> = ['userId']
  const cookie = { name: '__Host-mine', sameSite: 'strict' as 'strict' | 'lax' }
  const { app, sessions, client } = await buildApp(t, { backend: 'memory', rotateOn, cookie })
  app.get('/write', async ({ session }) => { session.visits++ })
  const policy = sessions.policy()
  rotateOn.push('theme')
  cookie.name = 'other'
  cookie.sameSite = 'lax'
  t.strictSame(sessions.policy(), policy)
  t.match(setCookies((await client.get('/write')).headers)[0], /^__Host-mine=.*SameSite=Strict/)
})

t.test('open() reads the session of a Cookie header or a request, as a copy', async t => {
  await eachBackend(t, async (t, backend) => {
    stopTime(t)
    const { app, client, sessions } = await buildApp(t, { backend, idleTimeout: 600, absoluteTimeout: 6_000 })
    app.get('/login', async ({ session }) => { session.userId = 'u1'; session.cart.push({ sku: 'tea', qty: 1 }); session.lastSeen = new Date(5) })
    app.get('/id', async ({ session }) => session.id)
    app.get('/open', { config: { session: false } }, async (request) => await sessions.open(request))
    app.get('/cart', async ({ session }) => session.cart)
    t.equal(await sessions.open(''), null)
    t.equal(await sessions.open('a=b; c=d'), null)
    t.equal((await client.get('/open')).body, 'null')
    pass(1_000)
    await client.get('/login')
    const opened = await sessions.open(`a=b; ${client.header}; c=d`)
    t.match(opened, {
      id: (await client.get('/id')).body,
      data: { userId: 'u1', visits: 0, cart: [{ sku: 'tea', qty: 1 }], lastSeen: new Date(5) },
      createdAt: new Date(START + 1_000),
      expiresAt: new Date(START + 601_000),
      authenticatedAt: new Date(START + 1_000)
    })
    t.strictSame(JSON.parse(JSON.stringify(opened)), (await client.get('/open')).json())

    opened!.data.cart.push({ sku: 'stolen', qty: 9 })
    opened!.data.lastSeen!.setTime(0)
    t.match(await sessions.open(client.header), { data: { cart: [{ sku: 'tea' }], lastSeen: new Date(5) } })
    t.strictSame((await client.get('/cart')).json(), [{ sku: 'tea', qty: 1 }])

    for (const header of [`${client.header}x`, `${client.header}; ${client.header}`, `${COOKIE}=`, `x${client.header}`]) t.equal(await sessions.open(header), null, 'not one of ours')
    pass(600_000)
    t.equal(await sessions.open(client.header), null, 'expired')
  })
})

t.test('open() neither touches, nor writes, nor brings back what has ended', async t => {
  stopTime(t)
  const memory = memoryStore()
  const store = new FaultyStore(memory)
  const { app, client, sessions } = await buildApp(t, { backend: 'memory', store, idleTimeout: 600, touchAfter: 0 })
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/destroy', async ({ session }) => await session.destroy())
  app.get('/rotate', async ({ session }) => await session.rotate())
  await client.get('/write')
  const { header } = client
  store.calls.length = 0
  pass(500_000)
  t.ok(await sessions.open(header))
  t.strictSame(store.calls, ['load'])
  pass(100_000)
  t.equal(await sessions.open(header), null)
  await client.get('/write')
  const old = client.header
  await client.get('/rotate')
  t.equal(await sessions.open(old), null)
  t.ok(await sessions.open(client.header))
  const last = client.header
  await client.get('/destroy')
  t.equal(await sessions.open(last), null)
})

t.test('open() of a request gives the session that its visitor has by then: the new one after a sign-in, none after a sign-out', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client, sessions } = await buildApp(t, { backend })
    const opened: unknown[] = []
    app.addHook('onResponse', async (request) => { opened.push((await sessions.open(request))?.data ?? null) })
    app.get('/write', async ({ session }) => { session.visits++ })
    app.get('/login', async ({ session }) => { session.userId = 'u1' })
    app.get('/read', async ({ session }) => session.visits)
    app.get('/off', { config: { session: false } }, async () => 'ok')
    app.get('/destroy', async ({ session }) => await session.destroy())
    for (const url of ['/read', '/write', '/write', '/login', '/read', '/off', '/destroy']) await client.get(url)
    await settled()
    t.match(opened, [null, { visits: 1 }, { visits: 2 }, { visits: 2, userId: 'u1' }, { userId: 'u1' }, { userId: 'u1' }, null])
  })
})

t.test('open() takes the request of a raw socket, and what it has no cookie in', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client, sessions } = await buildApp(t, { backend })
    app.get('/write', async ({ session }) => { session.visits++ })
    await client.get('/write')
    const opened: unknown[] = []
    app.server.on('request', ({ headers }: IncomingMessage) => opened.push(sessions.open({ headers }), sessions.open(headers.cookie)))
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    for (const headers of [{}, { cookie: client.header }]) await fetch(`${address}/404`, { headers })
    t.match(await Promise.all(opened), [null, null, { data: { visits: 1 } }, { data: { visits: 1 } }])
  })
})

t.test('open() finds the cookie in whatever holds headers, and refuses what does not', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client, sessions } = await buildApp(t, { backend })
    app.get('/write', async ({ session }) => { session.visits++ })
    await client.get('/write')
    const cookie = client.header
    const sources: Record<string, object> = {
      'a Request': new Request('https://a.example/', { headers: { cookie } }),
      'web Headers': { headers: new Headers({ cookie }) },
      'a list': { headers: { cookie: ['a=b', cookie] } },
      'another case': { headers: { host: 'a.example', Cookie: cookie } },
      'a Map': { headers: new Map([['cookie', cookie]]) }
    }
    for (const [what, source] of Object.entries(sources)) t.match(await sessions.open(source as CookieSource), { data: { visits: 1 } }, what)
    for (const source of [new Request('https://a.example/'), { headers: new Headers() }, { headers: {} }, null, undefined]) t.equal(await sessions.open(source), null)
    for (const source of [new Headers({ cookie }), { headers: null }, { headers: ['cookie', cookie] }, { headers: cookie }, {}, 7]) {
      await t.rejects(sessions.open(source as unknown as string), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, JSON.stringify(source))
    }
  })
})

t.test('open() rejects with a code when the store fails, in time', async t => {
  const store = new FaultyStore(memoryStore())
  const { app, client, sessions } = await buildApp(t, { backend: 'memory', store, storeTimeout: 0.05 })
  app.get('/write', async ({ session }) => { session.visits++ })
  await client.get('/write')
  for (const how of ['rejects', 'throws', 'hangs']) {
    store.break('load', FAULTS[how]!)
    await t.rejects(sessions.open(client.header), { code: 'FST_TYPED_SESSION_STORE_FAILED', statusCode: 503 }, how)
    store.heal()
  }
  t.ok(await sessions.open(client.header))
})

t.test('sweep() says how many it removed', async t => {
  await eachBackend(t, async (t, backend) => {
    stopTime(t)
    const { app, newClient, sessions } = await buildApp(t, { backend, idleTimeout: 60, sweepEvery: 0 })
    app.get('/write', async ({ session }) => { session.visits++ })
    for (let index = 0; index < 5; index++) await newClient().get('/write')
    t.equal(await sessions.sweep(), 0)
    pass(60_000 + 600_000) // a store keeps a record ten minutes longer than it lives
    t.equal(await sessions.sweep(), backend === 'cookie' ? 0 : 5)
    t.equal(await sessions.sweep(), 0)
  })
})

t.test('sessionCookie() makes a session that requests carry, readSession() reads what a response set', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, sessions } = await buildApp(t, { backend })
    app.get('/read', async ({ session }) => ({ ...session.data(), isNew: session.isNew, authenticatedAt: session.authenticatedAt }))
    app.get('/write', async ({ session }) => { session.visits++ })
    app.get('/destroy', async ({ session }) => await session.destroy())
    const cookie = await sessionCookie(app as never, { visits: 4, userId: 'u1' } as never)
    t.match((await app.inject({ url: '/read', headers: { cookie } })).json(), { visits: 4, userId: 'u1', theme: 'light', cart: [], isNew: false, authenticatedAt: String })
    t.match(await sessions.open(cookie), { data: { visits: 4 } })

    const anonymous = await sessionCookie(app as never, {} as never)
    t.equal((await app.inject({ url: '/read', headers: { cookie: anonymous } })).json().authenticatedAt, null)
    const written = await app.inject({ url: '/write', headers: { cookie: 'a=b' } })
    t.match(await readSession(app as never, written), { data: { visits: 1 } })
    t.equal(await readSession(app as never, await app.inject('/read')), null, 'none was set, none was there')
    const again = await app.inject({ url: '/write', headers: { cookie } })
    t.match(await readSession(app as never, again), { data: { visits: 5, userId: 'u1' } }, 'with a new cookie or without')
    const removed = await app.inject({ url: '/destroy', headers: { cookie } })
    t.equal(removed.cookies.length, 1)
    t.equal(await readSession(app as never, removed), null, 'it was removed')
  })
})

t.test('sessionCookie() refuses what could not be saved', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app } = await buildApp(t, { backend })
    await t.rejects(sessionCookie(app as never, { visits: 'many' } as never), { code: 'FST_TYPED_SESSION_INVALID_DATA' })
    await t.rejects(sessionCookie(app as never, { admin: true } as never), { code: 'FST_TYPED_SESSION_UNKNOWN_KEY' })
    if (backend === 'cookie') await t.rejects(sessionCookie(app as never, { note: 'x'.repeat(5_000) } as never), { code: 'FST_TYPED_SESSION_TOO_LARGE' })
  })
})

t.test('sessionCookie() makes any state of a union: of a new session it has what that state knows', async t => {
  const guest = z.object({ kind: z.literal('guest'), coupon: z.string(), cart: z.array(z.string()).default(() => []) })
  const user = z.object({ kind: z.literal('user'), userId: z.string(), cart: z.array(z.string()).default(() => []) })
  const handle = createSession(z.discriminatedUnion('kind', [guest, user]), { secret: SECRET, initial: { kind: 'guest', coupon: 'none', cart: ['tea'] } })
  const app = Fastify()
  t.teardown(async () => await app.close())
  app.register(handle.plugin)
  const made = async (data: Parameters<typeof sessionCookie<typeof handle.schema, 'session'>>[1]) => {
    const cookie = await sessionCookie(app, data, handle)
    return (await handle.sessions(app).open(cookie))?.data
  }
  t.strictSame(await made({ kind: 'user', userId: 'u1' }), { kind: 'user', userId: 'u1', cart: ['tea'] })
  t.strictSame(await made({ kind: 'guest', cart: [] }), { kind: 'guest', coupon: 'none', cart: [] })
  t.strictSame(await made({ cart: [] }), { kind: 'guest', coupon: 'none', cart: [] })
  await t.rejects(made({ kind: 'user' }), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /userId \(expected string\)/ })
})

t.test('named sessions have each their own instance, cookie, testing functions and secrets', async t => {
  for (const store of [undefined, memoryStore()]) {
    const common = { secret: SECRET, ...(store !== undefined && { store }) }
    const visitor = createSession(z.object({ theme: z.string().default('light') }), common)
    const admin = createSession(z.object({ level: z.int().default(0) }), { ...common, name: 'adminSession' })
    const app = Fastify()
    t.teardown(async () => await app.close())
    app.register(visitor.plugin)
    app.register(admin.plugin)
    app.get('/', async (request) => ({ theme: visitor.get(request).theme, level: admin.get(request).level }))
    app.get('/raise', async (request) => { admin.get(request).level++ })
    const cookies = [await sessionCookie(app, { theme: 'dark' }, visitor), await sessionCookie(app, { level: 7 }, admin)]
    t.match(cookies, [/^__Host-Http-session=/, /^__Host-Http-adminSession=/])
    const cookie = cookies.join('; ')
    t.strictSame((await app.inject({ url: '/', headers: { cookie } })).json(), { theme: 'dark', level: 7 })

    const raised = await app.inject({ url: '/raise', headers: { cookie: cookies[0] as string } })
    t.match(await readSession(app, raised, admin), { data: { level: 1 } })
    t.match(await readSession(app, raised, visitor), { data: { theme: 'dark' } }, 'as the request brought it')
    t.match(await admin.sessions(app).open(cookie), { data: { level: 7 } })
    t.match(await visitor.sessions(app).open(cookie), { data: { theme: 'dark' } })
    t.equal(admin.sessions(app).policy().name, 'adminSession')

    const swapped = cookies.map((line, index) => line.replace(/=.*/, `=${cookies[1 - index]!.split('=').slice(1).join('=')}`)).join('; ')
    t.strictSame((await app.inject({ url: '/', headers: { cookie: swapped } })).json(), { theme: 'light', level: 0 }, 'a token of one is nothing to the other')
  }
})
