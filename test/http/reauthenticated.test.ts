import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import * as z from 'zod'
import { createSession } from '../../lib/index.js'
import type { RotateEvent } from '../../types/index.js'
import { type AppOptions, type AppSession, buildApp, COOKIE, eachBackend, SECRET, sessionOf, setCookies, settled } from '../support/app.js'
import { pass, START, stopTime } from '../support/clock.js'

type Act = (session: AppSession, reply: FastifyReply) => unknown

interface Facts { readonly id: string, readonly created: number, readonly authenticated: number | null, readonly userId?: string, readonly visits: number, readonly isNew: boolean }

/** Seconds since the test began. */
const at = (date: Date | null) => date === null ? null : (date.getTime() - START) / 1000

/** An application at a time that stands still, where somebody has signed in 100 seconds ago; `act` is the next request. */
async function signedIn (t: Test, options: AppOptions) {
  stopTime(t)
  const scene = await buildApp(t, options)
  const { app, client, newClient, events } = scene
  let acting: Act = () => {}
  app.get('/login', async ({ session, query }) => { session.userId = (query as { user?: string }).user ?? 'u1' })
  app.get('/visit', async ({ session }) => { session.visits++ })
  app.get('/act', async ({ session }, reply) => {
    const value = await acting(session, reply)
    return reply.sent ? reply : { value }
  })
  app.get('/facts', async ({ session }) => ({
    ...session.data(), id: session.id, created: at(session.createdAt), authenticated: at(session.authenticatedAt), isNew: session.isNew
  }))
  const facts = async (by = client) => (await by.get('/facts')).json() as Facts
  const act = async (what: Act) => {
    acting = what
    return await client.get('/act')
  }
  const rotations = () => events.filter(({ name }) => name === 'onRotate').map(({ event }) => (event as RotateEvent<unknown>).reason)
  await client.get('/login')
  events.length = 0
  pass(100_000)
  /** Somebody who has kept the token of before. */
  const thief = newClient()
  thief.jar.set(COOKIE, client.token as string)
  return { ...scene, act, facts, rotations, thief }
}

t.test('S-7.2.4, S-7.5.1: reauthenticated() dates the proof anew and changes the id; data and beginning stay', t => eachBackend(t, async (t, backend) => {
  const { act, facts, rotations, thief, client } = await signedIn(t, { backend })
  await client.get('/visit')
  const before = await facts()
  t.match(before, { created: 0, authenticated: 0, userId: 'u1', visits: 1 })
  const response = await act((session) => session.reauthenticated())
  t.equal(setCookies(response.headers).length, 1)
  const after = await facts()
  t.strictSame(after, { ...before, id: after.id, authenticated: 100 })
  t.not(after.id, before.id)
  t.strictSame(rotations(), ['privilege'])
  if (backend === 'cookie') return t.match(await facts(thief), { userId: 'u1', authenticated: 0 }, 'a copy of the cookie is what it was, and no proof')
  t.match(await facts(thief), { isNew: true, authenticated: null, visits: 0 }, 'the old id is dead at once')
  t.equal((await thief.get('/visit')).json().code, 'FST_TYPED_SESSION_MOVED')
}))

t.test('S-7.3.2: however often somebody proves who they are, the absolute timeout counts from the beginning', t => eachBackend(t, async (t, backend) => {
  const { act, facts } = await signedIn(t, { backend, idleTimeout: 300, absoluteTimeout: 1_000 })
  for (let seconds = 100; seconds < 900; seconds += 100) {
    await act((session) => session.reauthenticated())
    t.equal((await facts()).authenticated, seconds)
    pass(100_000)
  }
  const { value } = (await act(async (session) => { await session.reauthenticated(); return at(session.expiresAt) })).json()
  t.equal(value, 1_000)
  pass(99_999)
  t.match(await facts(), { userId: 'u1', created: 0 })
  pass(1)
  t.match(await facts(), { isNew: true })
}))

t.test('on a 5xx nothing is proved; the id changes all the same, as with rotate()', t => eachBackend(t, async (t, backend) => {
  for (const [code, rotated] of [[500, ['requested']], [400, ['privilege']]] as const) {
    await t.test(String(code), async t => {
      const { act, facts, rotations } = await signedIn(t, { backend, undeclaredKeys: ['_csrf'] })
      await act((session) => { session.set('_csrf' as 'note', 'planted') })
      const before = await facts()
      await act(async (session) => {
        await session.reauthenticated()
        throw Object.assign(new Error('no'), { statusCode: code })
      })
      const after = await facts()
      t.not(after.id, before.id)
      t.equal(after.authenticated, code === 500 ? 0 : 100)
      t.strictSame('_csrf' in after, code === 500)
      t.strictSame(rotations(), rotated)
    })
  }
}))

t.test('K-5: the secret of @fastify/csrf-protection is renewed, as at sign-in', t => eachBackend(t, async (t, backend) => {
  const { act, facts } = await signedIn(t, { backend, undeclaredKeys: ['_csrf', 'flash'] })
  await act((session) => { session.set('_csrf' as 'note', 'planted'); session.set('flash' as 'note', 'kept') })
  t.match(await facts(), { _csrf: 'planted' })
  await act((session) => { session.visits++ })
  t.match(await facts(), { _csrf: 'planted', visits: 1 })
  await act((session) => session.reauthenticated())
  const after = await facts()
  t.notOk('_csrf' in after)
  t.match(after, { flash: 'kept' })
}))

t.test('a new session is dated if there is something to keep, and else not kept', t => eachBackend(t, async (t, backend) => {
  const { act, facts, rotations, client } = await signedIn(t, { backend, rotateOn: [] })
  client.jar.clear()
  const nothing = await act((session) => session.reauthenticated())
  t.strictSame(setCookies(nothing.headers), [])
  t.match(await facts(), { isNew: true, authenticated: null })
  await act(async (session) => { session.visits = 1; await session.reauthenticated() })
  t.match(await facts(), { isNew: false, authenticated: 100, created: 100 })
  t.strictSame(rotations(), [], 'its id is new')
}))

t.test('twice in one request is once', t => eachBackend(t, async (t, backend) => {
  const { act, facts, rotations } = await signedIn(t, { backend })
  const { headers } = await act(async (session) => { await session.reauthenticated(); await session.reauthenticated(); await session.rotate() })
  t.equal(setCookies(headers).length, 1)
  t.strictSame(rotations(), ['privilege'])
  t.equal((await facts()).authenticated, 100)
}))

t.test('save() does it at once, and the response no second time', t => eachBackend(t, async (t, backend) => {
  const { act, facts, rotations } = await signedIn(t, { backend })
  const response = await act(async (session) => {
    const before = session.id
    await session.reauthenticated()
    const asked = at(session.authenticatedAt)
    await session.save()
    return [asked, at(session.authenticatedAt), session.id !== before]
  })
  t.strictSame(response.json().value, [0, 100, true], 'until then it is not done')
  t.strictSame(rotations(), ['privilege'])
  t.equal(setCookies(response.headers).length, 1)
  t.match(await facts(), { authenticated: 100, userId: 'u1' })
  await act(async (session) => { await session.reauthenticated(); await session.save(); await session.reauthenticated() })
  t.strictSame(rotations(), ['privilege', 'privilege', 'privilege'], 'asked again after save(), done again')
}))

t.test('it comes with what else the request has changed, and stays asked for over reload()', t => eachBackend(t, async (t, backend) => {
  const { act, facts } = await signedIn(t, { backend })
  await act(async (session) => { await session.reauthenticated(); session.visits = 7; session.note = 'x' })
  t.match(await facts(), { authenticated: 100, visits: 7, note: 'x' })
  pass(1_000)
  await act(async (session) => { await session.reauthenticated(); session.visits = 8; await session.reload() })
  t.match(await facts(), { authenticated: 101, visits: 7 })
}))

t.test('a session that is destroyed in the same request ends', t => eachBackend(t, async (t, backend) => {
  for (const order of ['before', 'after']) {
    await t.test(`${order} the proof`, async t => {
      const { act, facts, rotations } = await signedIn(t, { backend })
      await act(async (session) => {
        if (order === 'before') await session.destroy()
        await session.reauthenticated()
        if (order === 'after') await session.destroy()
      })
      t.match(await facts(), { isNew: true, authenticated: null })
      t.strictSame(rotations(), [])
    })
  }
}))

t.test('after the head has left nothing of it happens, and that is reported', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  const { app, client, events, rejected } = await buildApp(t, { backend })
  const tryIt = (session: AppSession) => session.reauthenticated()
  app.get('/login', async ({ session }) => { session.userId = 'u1' })
  app.get('/when', async ({ session }) => at(session.authenticatedAt))
  app.get('/hijacked', async (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200)
    await tryIt(sessionOf(request))
    reply.raw.end()
  })
  app.get('/streamed', async (request, reply) => {
    sessionOf(request)
    async function * body () { await tryIt(sessionOf(request)); yield 'done' }
    return await reply.type('text/plain').send(Readable.from(body()))
  })
  await client.get('/login')
  pass(100_000)
  await client.get('/hijacked')
  await client.get('/streamed')
  await settled()
  t.strictSame(rejected().map(({ paths }) => String(paths)).sort(), ['reauthenticated()', 'rotate()'])
  t.equal((await client.get('/when')).body, '0')
  t.notOk(events.some(({ name }) => name === 'onRotate'))
}))

for (const backend of ['memory', 'revocable'] as const) {
  t.test(`${backend} sessions: a proof that is overtaken by a sign-in is no proof of whoever signed in`, async t => {
    const { act, facts, newClient, client } = await signedIn(t, { backend })
    const other = newClient()
    other.jar.set(COOKIE, client.token as string)
    pass(10_000)
    const response = await act(async (session) => {
      session.visits = 5
      await session.reauthenticated()
      await other.get('/login?user=u2')
      pass(9_000)
    })
    t.strictSame(setCookies(response.headers), [])
    t.equal(response.json().code, 'FST_TYPED_SESSION_MOVED')
    t.match(await facts(other), { userId: 'u2', authenticated: null, visits: 0 })
    t.match(await facts(), { isNew: true })
  })

  t.test(`${backend} sessions: a proof is kept where another request has only saved or moved the deadline`, async t => {
    const { act, facts, newClient, client, rotations } = await signedIn(t, { backend })
    const other = newClient()
    other.jar.set(COOKIE, client.token as string)
    await act(async (session) => { await session.reauthenticated(); await other.get('/visit') })
    t.match(await facts(), { userId: 'u1', authenticated: 100, visits: backend === 'memory' ? 1 : 0 })
    t.strictSame(rotations(), ['privilege'])
  })

  t.test(`${backend} sessions: a proof under an id that another request has just rotated is to be repeated`, async t => {
    const { act, facts, newClient, client, rotations } = await signedIn(t, { backend, rotateEvery: 100 })
    const other = newClient()
    other.jar.set(COOKIE, client.token as string)
    const response = await act(async (session) => { await session.reauthenticated(); await other.get('/visit') })
    t.equal(response.json().code, 'FST_TYPED_SESSION_MOVED')
    t.strictSame(rotations(), ['periodic'])
    t.match(await facts(other), { authenticated: 0, visits: 1 })
  })
}

const MOVES: Record<string, Act> = {
  'reauthenticated()': (session) => session.reauthenticated(),
  'reauthenticated() as somebody else': async (session) => { session.userId = 'u2'; await session.reauthenticated() },
  'a sign-in after destroy()': async (session) => { await session.destroy(); session.userId = 'u1' }
}

const STAYS: Record<string, Act> = {
  'the same value': (session) => { session.userId = 'u1' },
  'an equal value': (session) => { session.cart = [] },
  'a value that is changed and changed back': (session) => { session.userId = 'u2'; session.userId = 'u1' },
  'another key': (session) => { session.visits++ },
  'update() of another key': (session) => session.update((data) => { data.visits++ }),
  reading: (session) => session.userId,
  'another rotateOn key': (session) => { session.cart.push({ sku: 'tea', qty: 1 }) },
  'another rotateOn key, once unset': (session) => { session.profile = { name: 'Ann' } },
  'touch()': (session) => session.touch(),
  'persist()': (session) => session.persist(),
  'rotate()': (session) => session.rotate(),
  'regenerate() with the key': (session) => session.regenerate(['userId'])
}

const ENDS: Record<string, Act> = {
  'somebody else': (session) => { session.userId = 'u2' },
  'somebody else, by set()': (session) => session.set('userId', 'u2'),
  'somebody else, by update()': (session) => session.update((data) => { data.userId = 'u2' }),
  'somebody else, by replace()': (session) => { session.replace({ ...session.data(), userId: 'u2' }) },
  'deleting the key': (session) => { delete session.userId },
  'clear()': (session) => session.clear(),
  'regenerate()': (session) => session.regenerate()
}

for (const [acts, authenticated] of [[MOVES, 100], [STAYS, 0], [ENDS, null]] as const) {
  for (const [what, how] of Object.entries(acts)) {
    t.test(`authenticatedAt ${authenticated === null ? 'is null after' : authenticated === 0 ? 'stays after' : 'moves by'} ${what}`, t => eachBackend(t, async (t, backend) => {
      const { act, facts } = await signedIn(t, { backend, rotateOn: ['userId', 'profile', 'cart'] })
      t.equal((await act(how)).statusCode, 200)
      t.equal((await facts()).authenticated, authenticated)
    }))
  }
}

t.test('a periodic rotation does not move authenticatedAt', t => eachBackend(t, async (t, backend) => {
  const { facts, client, rotations } = await signedIn(t, { backend, rotateEvery: 50 })
  await client.get('/visit')
  t.strictSame(rotations(), ['periodic'])
  t.equal((await facts()).authenticated, 0)
}))

for (const [what, subject] of Object.entries({ 'a key': 'userId', 'a function': ({ userId }: { userId?: string | undefined }) => userId?.toLowerCase() } as const)) {
  t.test(`whose session it is, by ${what}, decides about authenticatedAt and the id`, t => eachBackend(t, async (t, backend) => {
    const { act, facts, rotations } = await signedIn(t, { backend, rotateOn: [], subject })
    t.equal((await facts()).authenticated, 0)
    await act((session) => { session.visits++; session.userId = what === 'a function' ? 'U1' : 'u1' })
    t.match(await facts(), { authenticated: 0, visits: 1 })
    t.strictSame(rotations(), [])
    await act((session) => { session.userId = 'u2' })
    t.equal((await facts()).authenticated, null, 'who signs in over another has proved nothing')
    await act((session) => session.reauthenticated())
    t.equal((await facts()).authenticated, 100)
    await act((session) => { delete session.userId })
    t.equal((await facts()).authenticated, null)
    await act((session) => { session.userId = 'u1' })
    t.equal((await facts()).authenticated, 100)
    t.strictSame(rotations(), ['privilege', 'privilege', 'privilege', 'privilege'])
  }))
}

t.test('the name is taken: no key of a schema can have it', async t => {
  const schema = z.object({ reauthenticated: z.string().optional() })
  const { app } = await buildApp(t, { backend: 'cookie' })
  const handle = createSession(schema as never, { secret: SECRET, name: 'other' } as never) as { plugin: Parameters<typeof app.register>[0] }
  await t.rejects(async () => await app.register(handle.plugin), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /reauthenticated/ })
})
