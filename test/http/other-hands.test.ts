import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { sessionCookie } from '../../lib/testing.js'
import type { Session, SessionStore } from '../../types/index.js'

const schema = z.object({ n: z.int().default(0), userId: z.string().optional(), notes: z.array(z.string()).default([]) })
type Work = (session: Session<z.output<typeof schema>>) => unknown
const HOUR = 3_600_000

/** An application whose handler is given with each request, and a hand in its store. */
async function open (t: { teardown (end: () => unknown): unknown }) {
  const memory = memoryStore()
  const hand = { key: '', before: async (_id: string): Promise<void> => {} }
  const store: SessionStore = {
    create: async (id, ...rest) => {
      hand.key = id
      return await memory.create(id, ...rest)
    },
    load: (id) => memory.load(id),
    replace: async (id, ...rest) => {
      await hand.before(id)
      return await memory.replace(id, ...rest)
    },
    touch: (id, deadline) => memory.touch(id, deadline),
    delete: (id) => memory.delete(id),
    findBySubject: (subject) => memory.findBySubject(subject)
  }
  const app = Fastify()
  t.teardown(() => app.close())
  const handle = createSession(schema, { secret: randomBytes(32), store, rotateOn: ['userId'], subject: 'userId' })
  await app.register(handle.plugin)
  let work: Work = () => {}
  app.get('/', async (request) => await work(handle.get(request)))
  const send = async (next: Work, cookie: string) => {
    work = next
    const response = await app.inject({ url: '/', headers: { cookie } })
    const set = response.headers['set-cookie']
    return { response, cookie: typeof set === 'string' ? set.split(';', 1).join() : undefined }
  }
  const cookie = await sessionCookie(app, { n: 1 }, handle)
  const overwrite = async (payload: string) => await memory.replace(hand.key, await memory.load(hand.key) ?? '', payload, Date.now() + HOUR)
  return { app, handle, memory, hand, send, cookie, overwrite }
}

const damaged = JSON.stringify({ version: 1, createdAt: Date.now(), usedAt: Date.now(), data: { n: 'one' } })

t.test('a record that no longer satisfies the schema is nothing to reload, to open or to merge with', async (t) => {
  await t.test('reload', async (t) => {
    const { send, cookie, overwrite } = await open(t)
    const { response } = await send(async (session) => {
      await overwrite(damaged)
      await session.reload()
    }, cookie)
    t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_ENDED' })
  })
  await t.test('open', async (t) => {
    const { app, handle, cookie, overwrite } = await open(t)
    t.match(await handle.sessions(app).open(cookie), { data: { n: 1 } })
    await overwrite(damaged)
    t.equal(await handle.sessions(app).open(cookie), null)
  })
  await t.test('merge', async (t) => {
    const { send, memory, hand, cookie, overwrite } = await open(t)
    const { response } = await send(async (session) => {
      await overwrite(damaged)
      session.n = 2
    }, cookie)
    t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_CONFLICT' })
    t.equal(await memory.load(hand.key), damaged, 'and is left as it is')
  })
})

t.test('a session that was ended is nothing to reload, and one that a sign-in has moved says so', async (t) => {
  for (const payload of ['{"ended":true}', JSON.stringify({ movedTo: 'elsewhere', at: Date.now(), final: true })]) {
    const { send, cookie, overwrite } = await open(t)
    const { response } = await send(async (session) => {
      await overwrite(payload)
      await session.reload()
    }, cookie)
    t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_ENDED' })
  }
  const { send, cookie, hand, memory } = await open(t)
  let other = ''
  const { response } = await send(async (session) => {
    other = (await send((own) => { own.userId = 'ann' }, cookie)).cookie ?? ''
    await session.reload()
  }, cookie)
  t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_MOVED' })
  t.not(other, '')
  t.match(JSON.parse(await memory.load(hand.key) ?? '{}').data, { userId: 'ann' })
})

t.test('a session that was ended elsewhere stays ended for the request that finds out', async (t) => {
  const { send, hand, memory, cookie } = await open(t)
  const codes: string[] = []
  const { response, cookie: set } = await send(async (session) => {
    await memory.delete(hand.key)
    session.n = 2
    for (let tries = 0; tries < 2; tries++) await session.save().catch(({ code }: { code: string }) => codes.push(code))
  }, cookie)
  t.strictSame(codes, ['FST_TYPED_SESSION_ENDED', 'FST_TYPED_SESSION_ENDED'])
  t.equal(response.statusCode, 200)
  t.equal(set, undefined)
})

t.test('destroy() while a save finds out that the session has ended is no error', async (t) => {
  const { send, hand, memory, cookie } = await open(t)
  const { response, cookie: set } = await send(async (session) => {
    hand.before = async (id) => {
      hand.before = async () => {}
      await memory.delete(id)
      await session.destroy()
    }
    session.n = 2
    await session.save()
  }, cookie)
  t.equal(response.statusCode, 200)
  t.equal(set, '__Host-Http-session=', 'and the cookie is removed')
})

t.test('activity counts in a store also where no cookie can be sent any more', async (t) => {
  for (const store of [memoryStore(), undefined]) {
    const app = Fastify()
    t.teardown(() => app.close())
    const handle = createSession(schema, { secret: randomBytes(32), ...(store && { store }) })
    await app.register(handle.plugin)
    app.get('/', async (request, reply) => {
      const session = handle.get(request)
      session.touch()
      reply.hijack()
      reply.raw.writeHead(200)
      await session.save()
      reply.raw.end(String(session.expiresAt.getTime()))
    })
    const cookie = await sessionCookie(app, { n: 1 }, handle)
    const before = await handle.sessions(app).open(cookie)
    await new Promise((resolve) => setTimeout(resolve, 5))
    const response = await app.inject({ url: '/', headers: { cookie } })
    const moved = Number(response.body) - (before?.expiresAt.getTime() ?? 0)
    t.ok(store ? moved > 0 : moved === 0)
    t.equal(response.headers['set-cookie'], undefined)
  }
})

t.test('a session that is said to have moved to where it was has ended', async (t) => {
  const { send, hand, cookie, overwrite } = await open(t)
  const { response, cookie: set } = await send(async (session) => {
    await overwrite(JSON.stringify({ movedTo: hand.key, at: Date.now(), final: false }))
    session.n = 2
  }, cookie)
  t.equal(response.statusCode, 200)
  t.equal(set, undefined)
})

t.test('what is older than a sign-in has no say in the session it led to (R-4)', async (t) => {
  const { send, hand, memory, cookie } = await open(t)
  const first = hand.key
  let current = cookie
  const rotate = async (next: Work) => { current = (await send(next, current)).cookie ?? current }
  const { response } = await send(async (session) => {
    await rotate((own) => { own.userId = 'ann' })
    session.notes.push('late')
  }, cookie)
  t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_MOVED' })
  t.equal(response.headers['set-cookie'], undefined)
  t.not(hand.key, first)
  t.match(JSON.parse(await memory.load(hand.key) ?? '{}').data, { userId: 'ann', notes: [] })
})

t.test('the name that leads to a prototype leads to nothing in a session', async (t) => {
  const { send, cookie } = await open(t)
  const { response } = await send((session) => {
    const { __proto__: prototype } = session as unknown as { __proto__: unknown }
    return { prototype: prototype === undefined ? 'none' : 'one', frozen: Object.isFrozen(Object.getPrototypeOf(session)) }
  }, cookie)
  t.strictSame(response.json(), { prototype: 'none', frozen: true })
})

t.test('sessionCookie knows whose session it is', async (t) => {
  const { app, handle, memory } = await open(t)
  await sessionCookie(app, { userId: 'ann' }, handle)
  t.equal((await handle.sessions(app).list('ann')).length, 1)
  t.strictSame(await handle.sessions(app).list('bob'), [])
  for await (const record of memory.findBySubject('ann')) t.fail(`${record.id} lies there under a name`)
})
