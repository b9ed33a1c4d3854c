import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import inspector from '../../lib/inspector.js'
import { buildApp, COOKIE, eachBackend, SECRET, settled } from '../support/app.js'
import { pass, START, stopTime } from '../support/clock.js'
import { setEnvironment } from '../support/environment.js'
import { inspectorApp, seen, short } from '../support/inspector-app.js'

type Visitor = Parameters<typeof seen>[0]
const eventsOf = async (client: Visitor) => (await seen(client)).events.map(short)

t.test('the life of a session, newest first, carried along by each new id', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  const { client } = await inspectorApp(t, { backend })
  for (const url of ['/write', '/note', '/rotate', '/login']) await client.get(url)
  t.strictSame(await eventsOf(client), [
    'saved userId GET /login',
    'rotated privilege GET /login',
    'loaded GET /login',
    'rotated requested GET /rotate',
    'loaded GET /rotate',
    'saved visits+note GET /note',
    'loaded GET /note',
    'created visits GET /write'
  ])
  const { events } = await seen(client)
  t.strictSame(events.map(({ request }) => request! - events.at(-1)!.request!), [5, 5, 5, 3, 3, 1, 1, 0], 'events of one request belong together')
  t.ok(events.every(({ at }) => at === START))
  t.strictSame([...events].sort((a, b) => b.number - a.number), events)
}))

t.test('a copy of a cookie from before the new id sees nothing of it, even where nothing ends that copy', async t => {
  const { client, newClient } = await inspectorApp(t, { backend: 'cookie' })
  await client.get('/write')
  const copy = newClient()
  copy.jar.set(COOKIE, client.token as string)
  await client.get('/login')
  t.match(await seen(copy), { session: { data: { visits: 1 } } })
  t.strictSame((await seen(copy)).events, [])
})

t.test('a new id that was due is said to be', async t => {
  const { client } = await inspectorApp(t, { backend: 'memory', rotateEvery: 0.001 })
  await client.get('/write')
  await new Promise((resolve) => setTimeout(resolve, 2))
  await client.get('/id')
  t.match(await eventsOf(client), ['rotated periodic GET /id', 'loaded GET /id', 'created visits GET /write'])
})

t.test('the end is an event of the session that ended; the browser that has no cookie any more sees none of it', async t => {
  const { client } = await inspectorApp(t, { backend: 'memory' })
  await client.get('/write')
  await client.get('/destroy')
  t.match(await seen(client), { reason: 'no-cookie', session: null })
  t.strictSame((await seen(client)).events, [])
  t.equal(client.token, undefined)
  await client.get('/write')
  t.strictSame(await eventsOf(client), ['created visits GET /write'], 'nor does the next session')
})

t.test('cookies that anybody can make up push out no event of a session', async t => {
  const { client, newClient } = await inspectorApp(t, { backend: 'memory' })
  await client.get('/write')
  const stranger = newClient()
  for (let count = 0; count < 501; count++) {
    stranger.jar.set(COOKIE, `junk${count}`)
    await stranger.get('/id')
  }
  t.strictSame(await eventsOf(client), ['created visits GET /write'])
  stranger.jar.set(COOKIE, 'junk0')
  t.strictSame(await eventsOf(stranger), [], 'the oldest rejections are forgotten')
})

t.test('a session that another device has ended stays in sight of its owner: the cookie is not accepted', async t => {
  const { client, newClient, sessions } = await inspectorApp(t, { backend: 'memory', subject: 'userId' })
  const phone = newClient()
  await phone.get('/login')
  await client.get('/login')
  await sessions.destroy((await phone.get('/id')).body, 'u1')
  t.match(await seen(phone), { reason: 'unknown', session: null })
  await phone.get('/id')
  t.strictSame(await eventsOf(phone), ['rejected unknown GET /id'])
  t.strictSame(await eventsOf(client), ['created userId GET /login'])
})

t.test('two requests that were merged, with the keys that both had changed', async t => {
  const { app, client } = await inspectorApp(t, { backend: 'memory' })
  let go = () => {}
  const gate = new Promise<void>((resolve) => { go = resolve })
  app.get('/slow', async ({ session }) => { session.note = 'slow'; session.visits = 5; await gate })
  await client.get('/write')
  const slow = client.get('/slow')
  await settled()
  await client.get('/note')
  go()
  await slow
  t.match((await seen(client)).events.slice(0, 2).map(short).sort(), ['merged visits+note GET /slow', 'saved visits+note GET /slow'])
})

t.test('a change that came too late', async t => {
  stopTime(t)
  const { app, client } = await inspectorApp(t, { backend: 'memory' })
  let late = () => {}
  app.get('/late', async ({ session }) => { late = () => { session.note = 'late' }; return session.visits })
  await client.get('/write')
  await client.get('/late')
  await settled()
  late()
  pass(1000)
  t.match(await eventsOf(client), ['rejected changed-too-late GET /late', 'loaded GET /late', 'created visits GET /write'])
})

t.test('a rejection is told with its reason only, and only to the browser that caused it', t => eachBackend(t, async (t, backend) => {
  const { client, newClient } = await inspectorApp(t, { backend })
  const [forger, other] = [newClient(), newClient()]
  await client.get('/write')
  forger.jar.set(COOKIE, `${client.token!.slice(0, -2)}xx`)
  other.jar.set(COOKIE, '~')
  await forger.get('/id')
  await other.get('/id')
  await other.get('/data')
  const malformed = backend === 'memory' ? 'malformed' : 'forged'
  t.strictSame(await eventsOf(forger), ['rejected forged GET /id'])
  t.strictSame(await eventsOf(other), [`rejected ${malformed} GET /data`, `rejected ${malformed} GET /id`])
  t.strictSame(await eventsOf(client), ['created visits GET /write'])
  t.strictSame(await eventsOf(newClient()), [])
  t.strictSame(Object.keys((await seen(other)).events[0] as object).sort(), ['at', 'number', 'request', 'route', 'what', 'why'])
}))

t.test('a browser whose cookie was not accepted and that begins anew sees both', async t => {
  const { client } = await inspectorApp(t, { backend: 'memory' })
  client.jar.set(COOKIE, '~')
  await client.get('/write')
  t.strictSame(await eventsOf(client), ['created visits GET /write', 'rejected malformed GET /write'])
})

t.test('an address is told by its route, never as it was asked for', async t => {
  const { app, client } = await inspectorApp(t, { backend: 'memory' })
  app.get('/reset/:token', async ({ session }) => { session.visits++ })
  app.setNotFoundHandler(async ({ session }) => { session.visits++ })
  await client.get('/reset/hush-1?key=hush-2')
  await client.get('/nowhere/hush-3')
  const { body } = await client.get('/.session/state')
  t.notMatch(body, /hush/)
  t.match(await eventsOf(client), ['saved visits GET (no route)', 'loaded GET (no route)', 'created visits GET /reset/:token'])
})

t.test('a hundred are kept of a session, and of five hundred sessions', async t => {
  const { client, newClient } = await inspectorApp(t, { backend: 'memory' })
  await client.get('/write')
  for (let i = 0; i < 120; i++) await client.get('/id')
  const { events } = await seen(client)
  t.equal(events.length, 100)
  t.equal(new Set(events.map(({ number }) => number)).size, 100)
  t.ok(events.every(({ what }) => what === 'loaded'))
  for (let i = 0; i < 500; i++) await newClient().get('/write')
  t.strictSame((await seen(client)).events, [])
})

t.test('it listens to its own application, among others of the process, and to none when it is closed', async t => {
  setEnvironment(t, 'test')
  const options = { secret: SECRET }
  const schema = z.object({ n: z.number().default(0) })
  const build = async () => {
    const app = Fastify()
    t.teardown(() => app.close())
    const handle = createSession(schema, options)
    await app.register(handle)
    await app.register(inspector)
    app.get('/write', async (request) => { handle.get(request).n++ })
    return app
  }
  const [here, there] = [await build(), await build()]
  const cookie = ((await here.inject('/write')).headers['set-cookie'] as string).split(';')[0] as string
  const headers = { cookie }
  await there.inject({ url: '/write', headers })
  const told = async (app: typeof here) => (await app.inject({ url: '/.session/state', headers })).json().sessions[0].events.map(short)
  t.strictSame(await told(here), ['created n GET /write'])
  t.strictSame(await told(there), ['saved n GET /write', 'loaded GET /write'])
})

t.test('a session of the same name in another part of the application is another one', async t => {
  setEnvironment(t, 'test')
  const app = Fastify()
  t.teardown(() => app.close())
  for (const part of ['ours', 'theirs']) {
    const handle = createSession(z.object({ n: z.number().default(0) }), { secret: SECRET, cookie: { name: part, secure: false } })
    app.register(async (scope) => {
      scope.register(handle)
      scope.get(`/${part}`, async (request) => ++handle.get(request).n)
      if (part === 'ours') scope.register(inspector)
    })
  }
  const cookie = ((await app.inject('/ours')).headers['set-cookie'] as string).split(';')[0] as string
  const headers = { cookie: `${cookie}; theirs=junk` }
  await app.inject({ url: '/theirs', headers })
  const [shown] = (await app.inject({ url: '/.session/state', headers })).json().sessions
  t.strictSame([shown.reason, shown.events.map(short)], [null, ['created n GET /ours']])
})

t.test('an open page can tell the events of a process from those of the one before it, and which came first', async t => {
  stopTime(t)
  const numberIn = async () => {
    const { app, client } = await inspectorApp(t, { backend: 'memory' })
    await client.get('/write')
    const { events } = await seen(client)
    await app.close()
    return events[0]!.number
  }
  const before = await numberIn()
  pass(1)
  t.ok(await numberIn() > before)
})

t.test('a session of another name is not told', async t => {
  const { client } = await inspectorApp(t, { backend: 'memory' })
  const { app, client: stranger } = await buildApp(t, { backend: 'memory', name: 'otherSession' } as never)
  app.get('/write', async (request) => { (request as unknown as { otherSession: { visits: number } }).otherSession.visits++ })
  await stranger.get('/write')
  t.strictSame(await eventsOf(client), [])
})
