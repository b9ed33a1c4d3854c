import Fastify from 'fastify'
import t from 'tap'
import deviceBound, { type DeviceBoundOptions } from '../../lib/device-bound.js'
import { createSession, requireBound } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { HandleOptions, RequestLike } from '../../types/index.js'
import { type AppSession, buildApp, schema, SECRET } from '../support/app.js'
import { deviceApp, signedIn } from '../support/device-app.js'

type Options = Partial<HandleOptions<typeof schema>>
const REFUSED = 'FST_TYPED_SESSION_INVALID_OPTION'

const registering = async (session: Options, device: object = {}) => {
  const app = Fastify()
  await app.register(createSession(schema, { secret: SECRET, rotateOn: ['userId'], ...session }))
  await app.register(deviceBound, device as DeviceBoundOptions)
  await app.close()
}

t.test('a session whose cookies would not come back, or whose binding nothing would keep, is refused at register, with the reason', async t => {
  const store = memoryStore()
  const rows: Array<[Options, RegExp]> = [
    [{}, /store of session.*revocations/],
    [{ store: Object.assign(memoryStore(), { atomic: false }) }, /store of session.*atomic/],
    [{ revocations: Object.assign(memoryStore(), { atomic: false }) }, /revocations of session.*atomic/],
    [{ store, cookie: { secure: false } }, /cookie\.secure of session/],
    [{ store, cookie: { domain: 'example.com' } }, /cookie\.domain of session/],
    [{ store, cookie: { path: '/app' } }, /cookie\.path of session/],
    [{ store, cookie: { partitioned: true } }, /cookie\.partitioned of session/],
    [{ store, cookie: { sameSite: 'none' } }, /cookie\.sameSite of session/]
  ]
  for (const [session, message] of rows) await t.rejects(registering(session), { code: REFUSED, message }, String(message))
  await registering({ store })
  await registering({ revocations: memoryStore(), cookie: { sameSite: 'strict', name: 'sid' } })
})

t.test('options that make no sense are refused, with what to write instead', async t => {
  const store = memoryStore()
  const rows: Array<[object, RegExp]> = [
    [{ cookieLife: 299 }, /cookieLife.*300 seconds or more/], [{ cookieLife: 86_401 }, /cookieLife.*day/], [{ cookieLife: '600' }, /cookieLife/],
    [{ prefix: 'device' }, /prefix/], [{ prefix: '/device/' }, /prefix/], [{ prefix: '/' }, /prefix/], [{ prefix: '/a"b' }, /prefix/], [{ prefix: '/:id' }, /prefix/],
    [{ when: true }, /when/], [{ when: async () => true }, /when.*at once/],
    [{ onUnbound: 'deny' }, /onUnbound.*anonymous, refuse/], [{ session: 5 }, /session/], [{ required: true }, /required/]
  ]
  for (const [device, message] of rows) await t.rejects(registering({ store }, device), { code: REFUSED, message }, JSON.stringify(device))
  await t.rejects(registering({ store }, { session: 'adminSession' }), { code: 'FST_TYPED_SESSION_NOT_REGISTERED' })
  await registering({ store }, { cookieLife: 300, prefix: '/x', when: () => false, onUnbound: 'refuse', session: 'session' })
})

t.test('one session is bound once, two sessions need prefixes and cookies of their own, and the address must be one', async t => {
  const store = memoryStore()
  const session = createSession(schema, { secret: SECRET, store })
  const admin = createSession(schema, { secret: SECRET, store, name: 'adminSession' })
  const same = createSession(schema, { secret: SECRET, store, name: 'sameSession', cookie: { name: '__Secure-session' } })
  const rows: Array<[DeviceBoundOptions, RegExp, prefix?: string]> = [
    [{ prefix: '/again' }, /bound to devices already/],
    [{ session: admin }, /prefix.*another session/],
    [{ session: same, prefix: '/same' }, /__Secure-session-bound/],
    [{ session: admin }, /several addresses/, '/:tenant'],
    [{ session: admin }, /header/, '/café']
  ]
  for (const [options, message, prefix = ''] of rows) {
    const app = Fastify()
    t.teardown(async () => await app.close().catch(() => {}))
    for (const handle of [session, admin, same]) await app.register(handle)
    await app.register(deviceBound)
    await t.rejects(async () => await app.register(async (child) => { await child.register(deviceBound, options) }, { prefix }), { code: REFUSED, message }, String(message))
  }
})

t.test('a session of another name is bound by its handle', async t => {
  const admin = createSession(schema, { secret: SECRET, store: memoryStore(), name: 'adminSession', rotateOn: ['userId'] })
  const adminOf = (request: object) => admin.get(request as RequestLike) as unknown as AppSession
  const idOf = (request: object) => adminOf(request).userId
  const scene = await deviceApp(t, {
    backend: 'memory',
    before: async (app) => {
      await app.register(admin)
      await app.register(deviceBound, { session: admin, prefix: '/admin/device' })
      app.get('/admin', { onRequest: requireBound(admin) }, async (request: object) => idOf(request))
      app.get('/admin/login', async (request: object) => { adminOf(request).userId = 'root' })
    }
  })
  const browser = await signedIn(scene, {}, '/admin/login')
  t.equal((await browser.get('/admin')).body, 'root')
  t.equal(browser.bound.cookie, '__Secure-adminSession-bound')
  t.equal((await browser.get('/me')).json().user, null, 'the other session is none of its business')
  t.equal((await browser.get('/bound')).statusCode, 401)
})

t.test('requireBound lets those pass whose session is bound, and tells a program that binds nothing so', async t => {
  const scene = await deviceApp(t, { backend: 'memory' })
  const plain = scene.browser()
  t.match((await plain.bare({ url: '/bound' })).json(), { statusCode: 401, code: 'FST_TYPED_SESSION_UNBOUND' })
  await plain.bare({ url: '/login' })
  t.match((await plain.bare({ url: '/bound' })).json(), { statusCode: 401, code: 'FST_TYPED_SESSION_UNBOUND' })
  t.equal((await (await signedIn(scene)).get('/bound')).body, 'bound')
  const { app } = await buildApp(t, { backend: 'memory' })
  app.get('/never', { preHandler: requireBound() }, async () => 'never')
  t.match((await app.inject('/never')).json(), { statusCode: 500, code: REFUSED, message: /register fastify-typed-session\/device-bound/ })
  t.throws(() => requireBound(5 as never), { code: REFUSED })
})
