import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { Session, SessionHooks, SessionStore } from '../../types/index.js'

const secret = randomBytes(32)
const schema = z.object({ n: z.int().default(0), userId: z.string().optional() })
type Data = z.output<typeof schema>
type Work = (session: Session<Data>) => unknown

interface Settings {
  readonly store?: SessionStore
  readonly onStoreError?: 'anonymous'
  readonly hooks?: SessionHooks<Data>
  readonly version?: number
  readonly schema?: z.ZodType
}

async function open (t: { teardown (end: () => unknown): unknown }, { schema: other, ...settings }: Settings = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  const handle = createSession((other ?? schema) as typeof schema, { secret, rotateOn: ['userId'], ...settings } as never)
  await app.register(handle.plugin)
  let work: Work = () => {}
  app.get('/', async (request) => {
    await work(handle.get(request))
    return 'done'
  })
  return async (next: Work, cookie = '') => {
    work = next
    const response = await app.inject({ url: '/', headers: { cookie } })
    const set = response.headers['set-cookie']
    return { status: response.statusCode, body: response.body, cookie: typeof set === 'string' ? set.split(';', 1).join() : undefined }
  }
}

function unhandled (t: { teardown (end: () => unknown): unknown }): unknown[] {
  const seen: unknown[] = []
  const see = (error: unknown) => seen.push(error)
  process.on('unhandledRejection', see)
  t.teardown(() => process.off('unhandledRejection', see))
  return seen
}

const round = () => new Promise((resolve) => setImmediate(resolve))

t.test('a call that nobody waits for does not end the process, and destroy() is not believed to have worked (R-22)', async (t) => {
  const seen = unhandled(t)
  const memory = memoryStore()
  let down = false
  const store: SessionStore = {
    create: (...call) => memory.create(...call),
    load: async (id) => {
      if (down) throw new Error('down')
      return await memory.load(id)
    },
    replace: async (...call) => {
      if (down) throw new Error('down')
      return await memory.replace(...call)
    },
    touch: (...call) => memory.touch(...call),
    delete: (id) => memory.delete(id)
  }
  const send = await open(t, { store, onStoreError: 'anonymous' })
  const { cookie } = await send((session) => { session.n = 1 })
  down = true
  t.match(await send((session) => { session.destroy() }, cookie), { status: 503, cookie: undefined })
  t.match(await send(async (session) => await session.destroy(), cookie), { status: 503, cookie: undefined })
  down = false
  t.equal((await send((session) => {
    down = true
    session.n = 2
    session.save()
  }, cookie)).status, 503)
  await round()
  t.strictSame(seen, [])
})

for (const [backend, store] of [['cookie', undefined], ['memory', memoryStore()]] as const) {
  const kept = store && { store }
  t.test(`${backend}: destroy() ends a session also where it no longer satisfies the schema`, async (t) => {
    const before = await open(t, { ...kept })
    const after = await open(t, { ...kept, schema: schema.extend({ n: z.string().default('') }) })
    const { cookie } = await before((session) => { session.n = 1 })
    const ended = await after(async (session) => await session.destroy(), cookie)
    t.match(ended, { status: 200, cookie: '__Host-Http-session=' })
    if (store) t.ok((await before((session) => { t.ok(session.isNew) }, cookie)).status === 200)
  })

  t.test(`${backend}: a record of a newer version that cannot be read is not written over (R-19)`, async (t) => {
    const newer = await open(t, { ...kept, version: 2, schema: schema.extend({ n: z.string().default('') }) })
    const older = await open(t, { ...kept })
    const { cookie } = await newer((session) => { Object.assign(session, { n: 'b' }) })
    t.match(await older((session) => { session.n++ }, cookie), { status: 409, cookie: undefined })
    t.equal((await newer((session) => { t.equal(session.n as unknown, 'b') }, cookie)).status, 200)
  })
}

t.test('a hook that comes after the save cannot save again, and the process goes on (R-22)', async (t) => {
  const codes: string[] = []
  const onSave: NonNullable<SessionHooks<Data>['onSave']> = async ({ request }) => {
    try {
      await (request as unknown as { session: Session<Data> }).session.save()
    } catch (error) {
      codes.push((error as { code: string }).code)
    }
  }
  const send = await open(t, { store: memoryStore(), hooks: { onSave } })
  t.equal((await send((session) => { session.n = 1 })).status, 200)
  await round()
  t.strictSame(codes, ['FST_TYPED_SESSION_REENTRANT'])
})

t.test('asynchronous updates and saves of one request wait for each other', async (t) => {
  const send = await open(t, { store: memoryStore(), hooks: { preSave: async () => { await round() } } })
  const { cookie } = await send((session) => { session.n = 1 })
  const add = async (data: Data) => {
    await round()
    data.n++
  }
  t.equal((await send(async (session) => await Promise.all([session.update(add), session.update(add), session.save()]), cookie)).status, 200)
  t.equal((await send((session) => { t.equal(session.n, 3) }, cookie)).status, 200)
})

t.test('regenerate keeps the keys it is given, and nothing for what is no list of keys', async (t) => {
  const send = await open(t, { store: memoryStore() })
  const { cookie } = await send((session) => { session.userId = 'ann' })
  const { cookie: next } = await send(async (session) => await session.regenerate('userId' as never), cookie)
  t.equal((await send((session) => { t.equal(session.userId, undefined) }, next)).status, 200)
})
