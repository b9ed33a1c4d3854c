import t from 'tap'
import type { Test } from 'tap'
import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { InferSession, SessionHooks } from '../../types/index.js'
import { Gate } from '../support/gate.js'
import { Chosen } from '../support/schedule.js'

const schema = z.object({ a: z.string().optional(), b: z.string().optional(), count: z.int().default(0), userId: z.string().optional() })
type Data = z.output<typeof schema>
type Handler = (session: InferSession<typeof schema>) => unknown

function open (t: Test, hooks: SessionHooks<Data> = {}) {
  const gate = new Gate(memoryStore())
  const lost: string[] = []
  const onReject: SessionHooks<Data>['onReject'] = ({ reason, paths }) => { if (reason === 'changed-too-late') lost.push(...paths) }
  const handle = createSession(schema, { secret: randomBytes(32), store: gate, rotateOn: ['userId'], storeTimeout: 60, hooks: { onReject, ...hooks } })
  let handler: Handler = () => {}
  const app = Fastify()
  app.register(handle.plugin)
  app.get('/', async (request) => {
    const answer = await handler(handle.get(request))
    return { answer, data: handle.get(request).data() }
  })
  t.teardown(async () => await app.close())

  async function send (token: string | null, run: Handler = () => {}) {
    handler = run
    const response = await app.inject({ url: '/', headers: token === null ? {} : { cookie: `__Host-Http-session=${token}` } })
    return { status: response.statusCode, cookie: response.cookies[0]?.value ?? null, ...response.json<{ code?: string, answer?: unknown, data: Data }>() }
  }
  /** Does `act` while the request waits for that call of the store; `0`: not at all. */
  async function whileWaiting (calls: number, token: string | null, run: Handler, act: Handler) {
    let current: InferSession<typeof schema> | null = null
    let call = 0
    const [answer] = await gate.race([async () => await send(token, (session) => {
      current = session
      return run(session)
    })], new Chosen(() => {
      if (++call === calls) act(current!)
      return 0
    }))
    t.ok(call >= calls, 'it came to that')
    return answer!
  }
  return { gate, lost, send, whileWaiting, begin: async () => (await send(null, (session) => { session.a = 'a0' })).cookie as string }
}

t.test('two updates at once in one request both count (P1.2)', async (t) => {
  const { send, begin } = open(t)
  const token = await begin()
  const increment = (data: Data) => { data.count++ }
  await send(token, async (session) => await Promise.all([session.update(increment), session.update(increment), session.update(increment)]))
  t.equal((await send(token)).data.count, 3)
})

t.test('an update that the handler did not wait for is saved, and so is the rest', async (t) => {
  const { send, begin, lost } = open(t)
  const token = await begin()
  await send(token, (session) => {
    session.update((data) => { data.count++ })
    session.a = 'a1'
  })
  const { data } = await send(token)
  t.match(data, { a: 'a1', count: 1 })
  t.same(lost, [])
})

t.test('what is changed while save() is under way is saved with the response', async (t) => {
  const { send, begin, lost } = open(t)
  const token = await begin()
  await send(token, async (session) => {
    session.a = 'a1'
    const saving = session.save()
    session.b = 'b1'
    await saving
  })
  t.match((await send(token)).data, { a: 'a1', b: 'b1' })
  t.same(lost, [])
})

t.test('what is changed while update() is under way stays, and is saved with the response', async (t) => {
  const { send, begin } = open(t)
  const token = await begin()
  await send(token, async (session) => {
    const updating = session.update((data) => { data.count++ })
    session.b = 'b1'
    await updating
    t.match(session.data(), { count: 1, b: 'b1' })
  })
  t.match((await send(token)).data, { a: 'a0', count: 1, b: 'b1' })
})

t.test('rotate() while the store saves still ends the old id (R-4)', async (t) => {
  const { send, begin, whileWaiting } = open(t)
  const token = await begin()
  const { cookie } = await whileWaiting(2, token, (session) => {
    session.a = 'a1'
    return session.save()
  }, (session) => session.rotate())
  t.match((await send(cookie)).data, { a: 'a1' })
  t.notOk((await send(token)).data.a)
})

t.test('destroy() while a new session is being saved leaves nothing (I4)', async (t) => {
  for (const calls of [0, 1]) {
    const { gate, whileWaiting } = open(t)
    const { cookie } = await whileWaiting(calls, null, async (session) => {
      session.a = 'a1'
      const saving = session.save()
      if (calls === 0) session.destroy()
      await saving
    }, (session) => session.destroy())
    t.same(await gate.sessions(), [])
    t.notOk(cookie)
  }
})

for (const [what, act] of Object.entries<Handler>({
  'save()': (session) => {
    session.a = 'a1'
    return session.save()
  },
  'update()': (session) => session.update((data) => { data.count++ }),
  'a rotation': (session) => {
    session.rotate()
    return session.save()
  }
})) {
  t.test(`destroy() while ${what} is under way ends the session (I4)`, async (t) => {
    for (const calls of what === 'a rotation' ? [0, 2, 3] : [0, 2]) {
      const { gate, send, begin, whileWaiting } = open(t)
      const token = await begin()
      const { cookie } = await whileWaiting(calls, token, async (session) => {
        const saving = act(session)
        if (calls === 0) session.destroy()
        await saving
      }, (session) => session.destroy())
      t.same(await gate.sessions(), [])
      t.equal(cookie, '', 'the cookie is removed')
      t.notOk((await send(token)).data.a)
    }
  })
}

t.test('destroy() while a hook comes before the save keeps nothing of what was to be saved (I4, I18)', async (t) => {
  let release = () => {}
  const { gate, send, begin } = open(t, {
    preSave: async ({ data }) => { if (data.a === 'a1') await new Promise<void>((resolve) => { release = resolve }) }
  })
  const token = await begin()
  await send(token, async (session) => {
    session.a = 'a1'
    const saving = session.save()
    session.destroy()
    release()
    await saving
  })
  t.same(await gate.sessions(), [])
})

t.test('what is changed while the response waits for its save is reported', async (t) => {
  const { send, begin, lost, whileWaiting } = open(t)
  const token = await begin()
  await whileWaiting(2, token, (session) => { session.a = 'a1' }, (session) => { session.b = 'late' })
  t.same(lost, ['b'])
  t.notOk((await send(token)).data.b)
})

t.test('a change given to update() that saves is refused instead of waiting for itself', async (t) => {
  const { send, begin } = open(t)
  const token = await begin()
  const { code } = await send(token, async (session) => await session.update(async () => { await session.save() }))
  t.equal(code, 'FST_TYPED_SESSION_REENTRANT')
  t.equal((await send(token)).data.a, 'a0')
})

t.test('after a failed save the session is as before, and the next one saves it', async (t) => {
  const { send, begin } = open(t)
  const token = await begin()
  const { answer } = await send(token, async (session) => {
    session.count = 0.5
    const code = await session.save().catch(({ code }) => code)
    session.count = 7
    return code
  })
  t.equal(answer, 'FST_TYPED_SESSION_INVALID_DATA')
  t.equal((await send(token)).data.count, 7)
})
