import Fastify from 'fastify'
import { mock } from 'node:test'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { buildApp, Client, COOKIE, eachBackend, SECRET } from '../support/app.js'
import { scene } from '../support/scene.js'

interface Notes extends Record<string, unknown> {
  note?: string | undefined
  userId?: string | undefined
  color: string
  tags: string[]
  destroy: () => Promise<void>
  take: (key: string) => unknown
  data: () => object
}
const notes = z.object({
  note: z.string().optional(),
  userId: z.string().optional(),
  color: z.string().default('not set'),
  tags: z.array(z.string()).default(() => [])
})
const HIDDEN = 'attack-at-dawn'

t.test('P0.1, P3.3, P4.24: with a store the data are on the server, and the cookie holds none of them', async t => {
  const { run, client, store } = await scene<Notes>(t, notes, { backend: 'memory' })
  await run((s) => { s.note = HIDDEN })
  t.equal((await run((s) => s.note)).value, HIDDEN)
  t.ok((client.token as string).length < 80, 'an id and no more')
  t.notMatch(Buffer.from((client.token as string).slice(1), 'base64url').toString('latin1'), HIDDEN)
  const [id, payload] = store.arguments[0] as [string, string]
  t.match(payload, HIDDEN, 'an operator can read what is stored')
  t.notOk(id.includes((client.token as string).slice(2, 20)), 'what the store knows is not what the browser has (I8)')
})

t.test('P0.4, P0.6: lists come back as lists', t => eachBackend(t, async (t, backend) => {
  const { run } = await scene<Notes>(t, notes, { backend })
  await run((s) => { s.tags = ['red', 'green', 'blue'] })
  t.strictSame((await run((s) => s.tags.map((tag) => tag.length))).value, [3, 5, 4])
}))

t.test('P1.1, P4.5, P4.6: a secret is all that a cookie session needs; any instance that has it serves any visitor', async t => {
  const one = await scene<Notes>(t, notes, { backend: 'cookie' })
  const two = await scene<Notes>(t, notes, { backend: 'cookie' })
  await one.run((s) => { s.note = 'a' })
  two.client.jar.set(COOKIE, one.client.token as string)
  await two.run((s) => { s.note += 'b' })
  one.client.jar.set(COOKIE, two.client.token as string)
  t.equal((await one.run((s) => s.note)).value, 'ab')
  t.strictSame([one.store.calls, two.store.calls], [[], []])
})

t.test('P0.5: sessions outlive the application: a new one on the same store, or with the same secret, goes on', t => eachBackend(t, async (t, backend) => {
  const store = memoryStore()
  const options = backend === 'memory' ? { store } : backend === 'revocable' ? { revocations: store } : {}
  const before = await scene<Notes>(t, notes, { backend, options })
  await before.run((s) => { s.note = 'a' })
  await before.app.close()
  const after = await scene<Notes>(t, notes, { backend, options })
  after.client.jar.set(COOKIE, before.client.token as string)
  t.equal((await after.run((s) => s.note)).value, 'a')
}))

t.test('P1.7, P2.7, P4.7, P4.10: a cookie is sealed: nobody reads it without the secret, and nobody writes it', async t => {
  const { run, client } = await scene<Notes>(t, notes, { backend: 'cookie' })
  await run((s) => { s.note = HIDDEN })
  const sealed = client.token as string
  for (const encoding of ['base64url', 'base64', 'hex', 'latin1'] as const) {
    for (let from = 0; from < 4; from++) t.notMatch(Buffer.from(sealed.slice(from), encoding).toString('latin1'), HIDDEN, encoding)
  }
  const plain = `4abcdef${Buffer.from(`{"note":"${HIDDEN}"}`).toString('base64url')}`
  const found = [0, 1, 2, 3].some((from) => Buffer.from(plain.slice(from), 'base64url').toString('latin1').includes(HIDDEN))
  t.ok(found, 'the same search would find the text')
  client.jar.set(COOKIE, `${sealed.slice(0, -3)}AAA`)
  t.equal((await run((s) => s.note)).value, undefined)
})

t.test('P1.10, P4.15: taking a privilege key away is a logout too: a new id, and the old one is dead', async t => {
  const { run, client, newClient } = await scene<Notes>(t, notes, { backend: 'memory', options: { rotateOn: ['userId'] } })
  await run((s) => { s.userId = 'u1'; s.note = 'stays' })
  const thief = newClient()
  thief.jar.set(COOKIE, client.token as string)
  t.equal((await run((s) => s.take('userId'))).value, 'u1')
  t.not(client.token, thief.token)
  t.match((await run((s) => s.data())).value, { note: 'stays' })
  t.equal((await run((s) => s.userId, thief)).value, undefined)
})

t.test('P1.10, P4.16: destroy() is the logout: nothing stays, on the server or in the browser', async t => {
  const { run, client, newClient, store } = await scene<Notes>(t, notes, { backend: 'memory' })
  await run((s) => { s.userId = 'u1'; s.note = 'gone' })
  const thief = newClient()
  thief.jar.set(COOKIE, client.token as string)
  await run((s) => s.destroy())
  t.equal(client.jar.size, 0)
  t.strictSame((await run((s) => s.data(), thief)).value, { color: 'not set', tags: [] })
  t.notMatch(await store.load((store.arguments[0] as [string])[0]) ?? '', 'gone')
})

t.test('P1.11, P2.3, P4.12: an application without a good secret does not start, and is told how to make one', async t => {
  for (const secret of [undefined, '', 'supersecretkey', 'BAD_SECRET_KEY', 'a'.repeat(64), Buffer.alloc(32), [], ['short', SECRET]]) {
    const app = Fastify()
    app.register(createSession(notes, { secret } as never).plugin)
    await t.rejects(async () => await app.ready(), { code: 'FST_TYPED_SESSION_INVALID_SECRET', message: /npx fastify-typed-session keygen/ }, JSON.stringify(secret))
  }
  const made = Fastify()
  made.register(createSession(notes, { secret: [SECRET, Buffer.from(SECRET, 'base64url').reverse()] }).plugin)
  await made.ready()
  t.equal(made.sessions.policy().keyIds.length, 2, 'a list is a rotation')
  await made.close()
})

t.test('P1.12, P4.8, P4.18, P4.19: a session too big for a cookie is an error that says by how much and why, and one store option away from fitting', async t => {
  const grow = (s: Notes) => { s.note = 'x'.repeat(5_000) }
  const { run } = await scene<Notes>(t, notes, { backend: 'cookie' })
  const small = (s: Notes) => { s.note = 'small' }
  for (const round of [1, 2]) {
    t.equal((await run(small)).status, 200, `round ${round}`)
    const { status, code, cookies, response } = await run(grow)
    t.strictSame([status, code, cookies], [500, 'FST_TYPED_SESSION_TOO_LARGE', []])
    t.match(response.json().message, /would have \d{4} bytes .* above 4096.*note.*use a store/s)
    t.equal((await run((s) => s.note)).value, 'small', 'what was there is still there')
  }
  const stored = await scene<Notes>(t, notes, { backend: 'memory' })
  t.equal((await stored.run(grow)).status, 200)
  t.equal((await stored.run((s) => s.note?.length)).value, 5_000)
})

t.test('P1.14, P4.2, P4.22: data are kept until the time is over, which the session can tell', t => eachBackend(t, async (t, backend) => {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0) })
  t.teardown(() => mock.timers.reset())
  const { run } = await scene<Notes & { expiresAt: Date }>(t, notes, { backend, options: { idleTimeout: 60, absoluteTimeout: 100 } })
  await run((s) => { s.note = 'a' })
  mock.timers.tick(50_000)
  const seen = await run((s) => [s.note, s.expiresAt.getTime() - Date.now()])
  t.strictSame(seen.value, ['a', 10_000])
  mock.timers.tick(45_000)
  t.strictSame((await run((s) => [s.note, s.expiresAt.getTime() - Date.now()])).value, ['a', 5_000], 'the absolute timeout is the nearer one now')
  mock.timers.tick(5_000)
  t.equal((await run((s) => s.note)).value, undefined)
}))

t.test('P3.4: what is not there has the default of the schema, always', t => eachBackend(t, async (t, backend) => {
  const { run } = await scene<Notes>(t, notes, { backend })
  t.equal((await run((s) => s.color)).value, 'not set')
  await run((s) => { s.color = 'red' })
  t.equal((await run((s) => s.color)).value, 'red')
}))

t.test('P2.4, P4.4, P4.11: where a session lives is one option, and no handler can tell', async t => {
  const life = async (backend: 'cookie' | 'memory') => {
    const { app, client } = await buildApp(t, { backend })
    app.get('/', async ({ session }) => {
      session.cart.push({ sku: `item ${session.visits}`, qty: 1 })
      session.visits++
      if (session.visits === 2) session.userId = 'u1'
      if (session.visits === 3) await session.rotate()
      if (session.visits === 4) await session.regenerate(['visits'])
      if (session.visits === 5) await session.update((data) => { data.note = 'updated' })
      if (session.visits === 6) await session.destroy()
      return { ...session.data(), isNew: session.isNew, authenticated: session.authenticatedAt !== null }
    })
    const seen: unknown[] = []
    for (let i = 0; i < 8; i++) seen.push((await client.get('/')).json())
    return seen
  }
  t.strictSame(await life('cookie'), await life('memory'))
})

t.test('P4.1: a thousand visitors who only look leave no record and get no cookie', t => eachBackend(t, async (t, backend) => {
  const { app, store, handle } = await scene<Notes>(t, notes, { backend })
  app.get('/look', async (request) => (handle as unknown as { get: (request: object) => Notes }).get(request).data())
  const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(40))).toString('base64url')
  for (let i = 0; i < 1_000; i++) {
    const response = await app.inject({ url: '/look', headers: i % 2 === 0 ? {} : { cookie: `${COOKIE}=${random()}` } })
    if (response.statusCode !== 200 || response.headers['set-cookie'] !== undefined) t.fail(response.body)
  }
  t.strictSame(store.calls, [])
}))

t.test('P4.17, P4.25: each browser has a session of its own, on every page, also when two pages are asked for at once', t => eachBackend(t, async (t, backend) => {
  const { run, newClient } = await scene<Notes>(t, notes, { backend })
  const [one, two] = [newClient(), newClient()]
  await Promise.all([run((s) => { s.note = 'one' }, one), run((s) => { s.note = 'two' }, two)])
  t.equal((await run((s) => s.note, one)).value, 'one')
  t.equal((await run((s) => s.note, two)).value, 'two')
}))

t.test('P4.25: two writers at once, and both keys survive, where there is a store', async t => {
  const { app, handle } = await scene<Notes>(t, notes, { backend: 'memory' })
  const get = (request: object) => (handle as unknown as { get: (request: object) => Notes }).get(request)
  let arrived = 0
  let open = () => {}
  const both = new Promise<void>((resolve) => { open = resolve })
  const meet = async () => { if (++arrived === 2) open(); await both }
  app.get('/note', async (request) => { const s = get(request); s.note = 'a'; await meet() })
  app.get('/color', async (request) => { const s = get(request); s.color = 'red'; await meet() })
  app.get('/seed', async (request) => { get(request).tags.push('x') })
  app.get('/data', async (request) => get(request).data())
  const client = new Client((request) => app.inject(request), COOKIE)
  await client.get('/seed')
  await Promise.all([client.get('/note'), client.get('/color')])
  t.strictSame((await client.get('/data')).json(), { note: 'a', color: 'red', tags: ['x'] })
})
