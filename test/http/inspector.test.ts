import { channel } from 'node:diagnostics_channel'
import helmet from '@fastify/helmet'
import Fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import inspector from '../../lib/inspector.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { buildApp, COOKIE, eachBackend, SECRET, setCookies } from '../support/app.js'
import { pass, START, stopTime } from '../support/clock.js'
import { driverError, FaultyStore } from '../support/faulty-store.js'
import { setEnvironment } from '../support/environment.js'
import { inspectorApp, see, seen } from '../support/inspector-app.js'

const FILES = ['style.css', 'icon.svg', 'main.js', 'panel.js', 'cards.js', 'tree.js', 'log.js', 'words.js', 'dom.js']

t.test('the page and its files have nothing inline, nothing from elsewhere, and say so', async t => {
  const { app } = await inspectorApp(t, { backend: 'cookie' })
  const page = await app.inject('/.session')
  t.equal(page.statusCode, 200)
  t.match(page.headers, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  t.match(page.headers['content-security-policy'], /^default-src 'none'; script-src 'self'; style-src 'self'; .*frame-ancestors 'none'/)
  t.notMatch(page.headers['content-security-policy'], /unsafe|\*|https?:|data:/)
  t.notMatch(page.body, /<style|<script>|\sstyle=|\son\w+=|https?:/)
  const linked = [...page.body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, target]) => new URL(target as string, 'http://localhost/.session').pathname)
  t.ok(linked.length >= 3)
  for (const path of [...linked, ...FILES.map((name) => `/.session/${name}`)]) {
    const { statusCode, headers, body } = await app.inject(path)
    t.equal(statusCode, 200, path)
    t.equal(headers['content-security-policy'], page.headers['content-security-policy'])
    const imported = [...body.matchAll(/^import .* from '\.\/(.*)'$/gm)].map(([, name]) => name)
    t.strictSame(imported.filter((name) => !FILES.includes(name as string)), [])
  }
})

t.test('its policy holds where the application has another one', async t => {
  setEnvironment(t, 'test')
  const { app } = await buildApp(t, { backend: 'memory', before: async (app) => await app.register(helmet) })
  await app.register(inspector)
  for (const url of ['/.session', '/.session/main.js', '/.session/state']) {
    const policy = (await app.inject(url)).headers['content-security-policy']
    t.match(policy, /^default-src 'none'/)
    t.notMatch(policy, /unsafe-inline|upgrade-insecure-requests/)
  }
})

t.test('it shows the session of this browser, as the application has it', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  const { app, client, newClient, sessions } = await inspectorApp(t, { backend, idleTimeout: 600, absoluteTimeout: 3600, cookie: { persistent: true } })
  t.match(await seen(client), { name: 'session', reason: 'no-cookie', session: null, cookie: { bytes: 0, limit: 4096 } })
  t.strictSame((await seen(client)).events, [])
  await client.get('/write')
  pass(1000)
  await client.get('/login')
  const { body: id } = await client.get('/id')
  pass(5000)
  const { store, cookie, policy, reason, session } = await seen(client)
  t.equal(store, { cookie: null, revocable: 'memoryStore', memory: 'memoryStore' }[backend])
  t.equal(cookie.bytes, COOKIE.length + (client.token as string).length)
  t.strictSame(policy, JSON.parse(JSON.stringify(sessions.policy())))
  t.equal(reason, null)
  const at = (milliseconds: number) => new Date(START + milliseconds).toISOString()
  t.match(session, { id, version: 1, createdAt: at(0), usedAt: at(1000), authenticatedAt: at(1000), idleEnd: at(601_000), absoluteEnd: at(3_600_000), persists: true })
  t.match(session, { data: { visits: 1, userId: 'u1', theme: 'light', cart: [] }, hidden: { keys: 0, bytes: 0 }, devices: null })
  t.equal((await seen(newClient())).session, null)
  if (backend === 'memory') t.match(session?.record, { limit: 65_536 })
  else t.equal(session?.record, null)
  if (backend === 'memory') t.ok(session!.record!.bytes > 100)
  await app.close()
}))

t.test('looking is no use: no deadline moves, nothing is sent, kept or told, also where a hook of the application reads the session', t => eachBackend(t, async (t, backend) => {
  for (const reads of [false, true]) {
    await t.test(reads ? 'a hook reads it' : 'nobody reads it', async t => {
      stopTime(t)
      setEnvironment(t, 'test')
      const { app, client, events, handle } = await buildApp(t, { backend, idleTimeout: 600 })
      app.get('/write', async ({ session }) => { session.visits = 7 })
      app.addHook('preHandler', async (request) => { if (reads) handle.get(request).data() })
      await app.register(inspector)
      await client.get('/write')
      events.length = 0
      for (let minute = 1; minute < 10; minute++) {
        pass(60_000)
        for (const url of ['/.session', '/.session/state', '/.session/main.js']) {
          const response = await client.get(url)
          t.equal(response.statusCode, 200)
          t.strictSame(setCookies(response.headers), [])
        }
        t.match(await seen(client), { session: { data: { visits: 7 }, idleEnd: new Date(START + 600_000).toISOString() } })
        t.strictSame((await seen(client)).events.map(({ what }) => what), ['created'])
      }
      t.strictSame(events.filter(({ name }) => name !== 'onLoad'), [])
      if (!reads) t.strictSame(events, [])
      pass(60_000)
      t.match(await seen(client), { reason: 'expired', session: null })
    })
  }
}))

t.test('the page begins no session, even where a hook of the application writes', t => eachBackend(t, async (t, backend) => {
  setEnvironment(t, 'test')
  const { app, client, handle } = await buildApp(t, { backend })
  app.addHook('preHandler', async (request) => { handle.get(request).visits++ })
  await app.register(inspector)
  for (const url of ['/.session', '/.session/state', '/.session/main.js']) t.strictSame(setCookies((await client.get(url)).headers), [])
  t.match(await seen(client), { reason: 'no-cookie' })
}))

t.test('what the session has of others is not shown: keys of plugins, and those that a loose schema lets in, are counted', async t => {
  setEnvironment(t, 'test')
  const app = Fastify()
  t.teardown(() => app.close())
  const handle = createSession(z.looseObject({ n: z.number().default(0) }), { secret: SECRET, undeclaredKeys: ['_csrf', /^oauth2:/], store: memoryStore() })
  app.register(handle)
  app.register(inspector)
  app.get('/write', async (request) => { Object.assign(handle.get(request), { n: 1, _csrf: 'hush-1', 'oauth2:x': { token: 'hush-2' }, loose: 'hush-3' }) })
  const { headers } = await app.inject('/write')
  const cookie = (headers['set-cookie'] as string).split(';')[0] as string
  const { body } = await app.inject({ url: '/.session/state', headers: { cookie } })
  t.match(JSON.parse(body).sessions[0], { session: { data: { n: 1 }, hidden: { keys: 3, bytes: 67 } }, events: [{ what: 'created', keys: ['n'], others: 3 }] })
  t.notMatch(body, /hush|csrf|oauth|loose/)
})

t.test('neither token, id nor secret is in an answer', t => eachBackend(t, async (t, backend) => {
  const { client, store } = await inspectorApp(t, { backend, subject: 'userId', ...(backend === 'cookie' && { subject: undefined }) } as never)
  await client.get('/write')
  await client.get('/login')
  await client.get('/rotate')
  const { body } = await client.get('/.session/state')
  t.match(body, '"u1"')
  for (const secret of [SECRET, client.token as string, (client.token as string).slice(8, 40)]) t.notOk(body.includes(secret))
  t.equal(store === undefined, backend !== 'memory')
}))

t.test('a cookie that stands for no session says why', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await inspectorApp(t, { backend })
  await client.get('/write')
  const good = client.token as string
  const reasonOf = async (cookie: string) => (await app.inject({ url: '/.session/state', headers: { cookie } })).json().sessions[0]
  t.match(await reasonOf(`${COOKIE}=~`), { reason: backend === 'memory' ? 'malformed' : 'forged', session: null, cookie: { bytes: COOKIE.length + 1 } })
  t.match(await reasonOf(`${COOKIE}=${good}; ${COOKIE}=${good}`), { reason: 'duplicate-cookie', session: null, cookie: { bytes: 2 * (COOKIE.length + good.length) } })
  await client.get('/destroy')
  t.match(await reasonOf(`${COOKIE}=${good}`), { reason: backend === 'cookie' ? null : 'unknown' })
}))

t.test('the old cookie of a session with a new id is told that it has moved, and sees nothing of the new one', async t => {
  const { client, newClient } = await inspectorApp(t, { backend: 'memory' })
  await client.get('/write')
  const old = newClient()
  old.jar.set(COOKIE, client.token as string)
  await client.get('/login')
  t.match(await seen(old), { reason: 'moved', session: null })
  t.strictSame((await seen(old)).events, [])
})

t.test('a record that does not satisfy the schema is not shown', async t => {
  const store = memoryStore()
  const { client } = await inspectorApp(t, { backend: 'memory', store })
  await client.get('/write')
  setEnvironment(t, 'test')
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(createSession(z.object({ visits: z.string() }), { secret: SECRET, store, initial: { visits: '' } }))
  await app.register(inspector)
  t.match((await app.inject({ url: '/.session/state', headers: { cookie: client.header } })).json().sessions, [{ reason: 'invalid', session: null }])
})

t.test('the page answers while the store does not', async t => {
  const store = new FaultyStore(memoryStore())
  const { client } = await inspectorApp(t, { backend: 'memory', store, subject: 'userId' })
  await client.get('/login')
  store.break('load', () => Promise.reject(driverError()))
  t.equal((await client.get('/.session')).statusCode, 200)
  t.match(await seen(client), { reason: 'store-failed', session: null, cookie: { limit: 4096 }, store: 'a store' })
  store.heal()
  t.match(await seen(client), { session: { devices: { total: 1 } } })
  Object.defineProperty(store, 'findBySubject', { value: () => { throw driverError() } })
  t.match(await seen(client), { session: { data: { userId: 'u1' }, devices: { total: 0, some: null } } }, 'what can be shown is shown')
})

t.test('what has not changed is not sent again', async t => {
  const { app, client } = await inspectorApp(t, { backend: 'memory' })
  await client.get('/write')
  const { headers: { etag } } = await client.get('/.session/state')
  const again = { 'if-none-match': etag as string }
  const same = await client.get('/.session/state', again)
  t.strictSame([same.statusCode, same.body], [304, ''])
  await client.get('/write')
  t.equal((await client.get('/.session/state', again)).statusCode, 200)
  await app.close()
})

t.test('several sessions are shown side by side, and so are those of an instance above', async t => {
  setEnvironment(t, 'test')
  const app = Fastify()
  t.teardown(() => app.close())
  const user = createSession(z.object({ n: z.number().default(0) }), { secret: SECRET })
  const admin = createSession(z.object({ level: z.number().default(0) }), { secret: SECRET, name: 'adminSession', store: memoryStore() })
  app.register(user)
  app.register(async (inner) => {
    inner.register(admin)
    inner.register(inspector)
    inner.get('/write', async (request) => { user.get(request).n = 5; admin.get(request).level = 9 })
  }, { prefix: '/back' })
  const { headers } = await app.inject('/back/write')
  const cookie = setCookies(headers).map((line) => line.split(';')[0]).join('; ')
  const get = async (url: string) => await app.inject({ url, headers: { cookie } })
  const sessions = await see({ get }, '/back/.session')
  t.strictSame(sessions.map(({ name, session }) => [name, session?.data]), [['session', { n: 5 }], ['adminSession', { level: 9 }]])
  t.strictSame(sessions.map(({ events }) => events.map(({ what }) => what)), [['created'], ['created']])
  t.match((await get('/back/.session')).body, 'src="./.session/main.js"')
})

t.test('it lies where prefix says, and finds its files however its address is written', async t => {
  setEnvironment(t, 'test')
  const app = Fastify({ routerOptions: { ignoreTrailingSlash: true } })
  t.teardown(() => app.close())
  await app.register(createSession(z.object({}), { secret: SECRET }))
  await app.register(inspector, { prefix: '/dev/sessions' })
  for (const url of ['/dev/sessions', '/dev/sessions/', '/dev/sessions?x=/', '/dev/sessions/?x']) {
    const { body } = await app.inject(url)
    const script = /src="([^"]*main\.js)"/.exec(body)?.[1] as string
    t.equal(new URL(script, `http://localhost${url}`).pathname, '/dev/sessions/main.js', url)
  }
  t.equal((await app.inject('/dev/sessions/main.js')).statusCode, 200)
  t.equal((await app.inject('/.session')).statusCode, 404)
})

t.test('to somebody whom allow does not let in, it does not exist', async t => {
  setEnvironment(t, 'production')
  for (const [answer, status] of [[true, 200], [false, 404], [async () => true, 200], [async () => false, 404], ['yes', 404], [undefined, 404], [() => { throw new Error('a secret') }, 404], [async () => { throw new Error('a secret') }, 404]] as const) {
    const app = Fastify()
    t.teardown(() => app.close())
    app.setNotFoundHandler(async (_request, reply) => await reply.code(404).send('not here'))
    await app.register(createSession(z.object({}), { secret: SECRET }))
    const asked: FastifyRequest[] = []
    await app.register(inspector, { allow: (request) => { asked.push(request); return (typeof answer === 'function' ? answer() : answer) as boolean } })
    for (const url of ['/.session', '/.session/state', '/.session/main.js']) {
      const response = await app.inject(url)
      t.equal(response.statusCode, status, `${url} ${answer}`)
      if (status === 404) t.equal(response.body, 'not here')
    }
    t.equal((await app.inject({ method: 'POST', url: '/.session/end/session/x', headers: { 'sec-fetch-site': 'same-origin' } })).statusCode, status)
    t.equal(asked.length, 4)
  }
})

t.test('allow may ask the session, and that is no event either', async t => {
  setEnvironment(t, undefined)
  const { app, client, handle } = await buildApp(t, { backend: 'memory' })
  app.get('/in', async ({ session }) => { session.userId = 'ada' })
  await app.register(inspector, { allow: (request: FastifyRequest) => handle.get(request).userId === 'ada' })
  t.equal((await client.get('/.session')).statusCode, 404)
  await client.get('/in')
  t.match((await seen(client)).events.map(({ what }) => what), ['created'])
  t.match((await seen(client)).events.map(({ what }) => what), ['created'])
})

t.test('without allow it registers in development and tests only; in production that is a line in the log', async t => {
  for (const [environment, there] of [['development', true], ['test', true], ['production', false]] as const) {
    await t.test(environment, async t => {
      setEnvironment(t, environment)
      const { app, logs } = await buildApp(t, { backend: 'memory' })
      await app.register(inspector)
      t.equal((await app.inject('/.session')).statusCode, there ? 200 : 404)
      t.equal(logs.some(({ msg }) => /no session inspector/.test(String(msg))), !there)
    })
  }
  for (const environment of [undefined, 'staging', 'Production', '']) {
    setEnvironment(t, environment)
    const { app } = await buildApp(t, { backend: 'memory' })
    await t.rejects(async () => await app.register(inspector), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /allow is missing|option allow: is missing/ }, String(environment))
  }
})

t.test('a mistake in its options is told at register', async t => {
  setEnvironment(t, 'test')
  const register = async (options: object, session = true) => {
    const app = Fastify()
    t.teardown(() => app.close())
    if (session) await app.register(createSession(z.object({}), { secret: SECRET }))
    await app.register(inspector, options)
  }
  const refused = (message: RegExp) => ({ code: 'FST_TYPED_SESSION_INVALID_OPTION', message })
  await t.rejects(register({ allow: true }), refused(/allow: must be a function/))
  await t.rejects(register({ alow: () => true }), refused(/alow: there is no such option, did you mean allow/))
  for (const prefix of ['/', 'sessions', '/sessions/', '/:tenant', '']) await t.rejects(register({ prefix }), refused(/prefix: must be a path such as/), prefix)
  await t.rejects(register({}, false), refused(/inspector: there is no session/))
  await t.resolves(register({ logLevel: 'error' }))
})

t.test('a session that is registered after it would not be shown: that is told before the application starts', async t => {
  setEnvironment(t, 'test')
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(createSession(z.object({}), { secret: SECRET }))
  app.register(inspector)
  app.register(async (inner) => { inner.register(createSession(z.object({}), { secret: SECRET, name: 'innerSession' })) })
  await t.resolves(async () => await app.after(), 'one that it cannot see is no matter')
  app.register(createSession(z.object({}), { secret: SECRET, name: 'laterSession' }))
  await t.rejects(async () => await app.ready(), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /laterSession was registered after it/ })
})

t.test('its routes are no part of a described API, and write no lines of requests into the log', async t => {
  setEnvironment(t, 'test')
  const routes: Array<{ url: string, schema?: { hide?: unknown } }> = []
  const { app, client, logs } = await buildApp(t, { backend: 'memory', before: (app) => { app.addHook('onRoute', (route: object) => { routes.push(route as never) }) } })
  await app.register(inspector)
  await client.get('/.session')
  logs.length = 0
  await client.get('/.session/state')
  t.strictSame(logs, [])
  t.ok(routes.length > 10)
  t.strictSame(routes.filter(({ schema }) => schema?.hide !== true), [])
})

t.test('a state that another site asks for is refused', async t => {
  const { client } = await inspectorApp(t, { backend: 'memory' })
  for (const [site, status] of [['same-origin', 200], ['none', 200], ['same-site', 403], ['cross-site', 403], ['nonsense', 403]] as const) {
    t.equal((await client.get('/.session/state', { 'sec-fetch-site': site })).statusCode, status, site)
  }
})

t.test('it closes with its application, and listens no longer', async t => {
  const listens = () => ['load', 'save', 'rotate', 'destroy', 'reject', 'conflict'].map((name) => channel(`fastify-typed-session:${name}`).hasSubscribers)
  t.notOk(listens().includes(true))
  const { app } = await inspectorApp(t, { backend: 'memory' })
  t.notOk(listens().includes(false))
  await app.close()
  t.notOk(listens().includes(true))
})
