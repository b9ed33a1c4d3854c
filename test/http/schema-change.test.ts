import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { HandleOptions, RejectEvent, SessionSchema } from '../../types/index.js'
import { buildApp, Client, SECRET, setCookies, settled } from '../support/app.js'
import { watchProcess } from '../support/process-events.js'

const v1 = z.object({ name: z.string().default(''), count: z.int().default(0) })
const v2 = z.object({ fullName: z.string().default(''), count: z.int().default(0) })
const v3 = z.object({ person: z.object({ fullName: z.string() }).optional(), count: z.int().default(0) })

type Stored = Record<string, unknown>
const renamed = ({ name, ...rest }: Stored): Stored => ({ ...rest, fullName: name })
const nested = ({ fullName, ...rest }: Stored): Stored => ({ ...rest, person: { fullName } })

/** A browser, and a store or none: what stays when the application is replaced by another version of it. */
interface Place { readonly store?: ReturnType<typeof memoryStore> }

/** Deploys a version of the application where the last one was, and takes over the browser's cookies. */
async function deploy<S extends SessionSchema> (t: Test, place: Place, schema: S, options: object, jar = new Map<string, string>()) {
  const rejected: RejectEvent[] = []
  const logs: object[] = []
  const app = Fastify({ logger: { level: 'error', stream: { write (line: string) { logs.push(JSON.parse(line)) } } } })
  const onReject = (event: RejectEvent) => { rejected.push(event) }
  const handle = createSession(schema as unknown as typeof v1, { secret: SECRET, ...place, ...options, hooks: { onReject } } as HandleOptions<typeof v1>)
  app.register(handle.plugin)
  app.get('/read', async (request) => ({ data: handle.get(request).data(), isNew: handle.get(request).isNew }))
  app.get('/public', async (request, reply) => {
    reply.header('cache-control', 'public, max-age=60')
    return (handle.get(request) as unknown as { fullName: string }).fullName
  })
  app.post('/write', async (request) => { Object.assign(handle.get(request), request.body) })
  app.post('/update', async (request) => await handle.get(request).update((data) => { Object.assign(data, request.body) }))
  app.post('/rotate', async (request) => await handle.get(request).rotate())
  app.post('/touch', async (request) => handle.get(request).touch())
  app.post('/destroy', async (request) => await handle.get(request).destroy())
  await app.ready()
  t.teardown(async () => await app.close())
  const client = new Client((request) => app.inject(request), '__Host-Http-session')
  for (const [name, value] of jar) client.jar.set(name, value)
  const read = async () => (await client.get('/read')).json() as { data: Record<string, unknown>, isNew: boolean }
  return { client, read, logs, rejected, reasons: () => rejected.map(({ reason }) => reason) }
}

async function eachPlace (t: Test, run: (t: Test, place: Place) => Promise<void>): Promise<void> {
  await t.test('in the cookie', async t => { await run(t, {}) })
  await t.test('in a store', async t => { await run(t, { store: memoryStore() }) })
}

const begin = async (t: Test, place: Place, schema: SessionSchema = v1, options = {}, data: object = { name: 'Ann', count: 3 }) => {
  const old = await deploy(t, place, schema, options)
  await old.client.post('/write', data)
  return old.client.jar
}

t.test('R-19: an old record is lifted step by step, and kept in the new form from then on', async t => {
  await eachPlace(t, async (t, place) => {
    const jar = await begin(t, place)
    const steps: string[] = []
    const migrate = {
      1: (stored: Stored) => { steps.push(`1: ${Object.keys(stored).sort()}`); return renamed(stored) },
      2: (stored: Stored) => { steps.push(`2: ${Object.keys(stored).sort()}`); return nested(stored) }
    }
    const now = await deploy(t, place, v3, { version: 3, migrate }, jar)
    t.match(await now.read(), { isNew: false, data: { person: { fullName: 'Ann' }, count: 3 } })
    t.strictSame(steps, ['1: count,name', '2: count,fullName'])
    t.match(await now.read(), { data: { person: { fullName: 'Ann' } } })
    t.equal(steps.length, 2, 'once')
    const later = await deploy(t, place, v3, { version: 3 }, now.client.jar)
    t.match(await later.read(), { isNew: false, data: { person: { fullName: 'Ann' }, count: 3 } })
    t.strictSame(later.reasons(), [])
  })
})

t.test('a version without a step changes nothing in the record', async t => {
  await eachPlace(t, async (t, place) => {
    const jar = await begin(t, place)
    const now = await deploy(t, place, v2, { version: 7, migrate: { 4: renamed } }, jar)
    t.match(await now.read(), { data: { fullName: 'Ann', count: 3 } })
  })
})

t.test('a step may change its argument in place, and need not return it', async t => {
  await eachPlace(t, async (t, place) => {
    const rename = (stored: Stored) => { stored.fullName = stored.name; delete stored.name }
    for (const step of [rename, (stored: Stored) => { rename(stored); return stored }]) {
      const now = await deploy(t, place, v2, { version: 2, migrate: { 1: step } }, await begin(t, place))
      for (let turn = 0; turn < 2; turn++) t.match(await now.read(), { isNew: false, data: { fullName: 'Ann', count: 3 } })
      t.strictSame(now.logs, [])
    }
  })
})

const BROKEN: Readonly<Record<string, unknown>> = {
  throws: () => { throw new Error('broken') },
  'gives a promise': (stored: Stored) => Promise.resolve(renamed(stored)),
  'gives a promise that rejects': () => Promise.reject(new Error('broken')),
  'returns null': () => null,
  'returns a list': () => [],
  'returns what breaks the schema': () => ({ fullName: 5 }),
  'returns a hostile object': () => JSON.parse('{"__proto__":{"polluted":true}}')
}

for (const [how, step] of Object.entries(BROKEN)) {
  for (const onInvalid of ['discard', 'salvage'] as const) {
    t.test(`R-19: a step that ${how} (${onInvalid}): an event, and a session all the same`, async t => {
      await eachPlace(t, async (t, place) => {
        const jar = await begin(t, place)
        const { uncaught } = watchProcess(t)
        const now = await deploy(t, place, v2, { version: 2, migrate: { 1: step }, onInvalid }, jar)
        const { data } = await now.read()
        t.strictSame(data, { fullName: '', count: 0 })
        t.match(now.rejected, [{ reason: onInvalid === 'salvage' && how === 'returns what breaks the schema' ? 'salvaged' : /invalid|salvaged/ }])
        t.equal(({} as Record<string, unknown>).polluted, undefined)
        t.equal((await now.client.post('/write', { count: 1 })).statusCode, 200)
        t.match(await now.read(), { data: { count: 1 } })
        await settled()
        t.strictSame(uncaught, [], 'the process goes on')
      })
    })
  }
}

t.test('R-19: what is wrong with a step is in the log, once for each version', async t => {
  await eachPlace(t, async (t, place) => {
    const jars = [await begin(t, place), await begin(t, place)]
    for (const [why, step] of [['broken', () => { throw new Error('broken') }], ['it gave a promise', BROKEN['gives a promise']], ['it gave no object', () => []]] as const) {
      const now = await deploy(t, place, v3, { version: 3, migrate: { 1: renamed, 2: step } }, jars[0])
      t.match(await now.read(), { isNew: true })
      for (const [name, value] of jars[1]!) now.client.jar.set(name, value)
      t.match(await now.read(), { isNew: true })
      t.match(now.logs, [{ version: 2, session: 'session', err: { message: new RegExp(why) }, msg: 'a migrate step failed: sessions of that version are discarded' }])
      t.equal(now.logs.length, 1)
    }
  })
})

t.test('R-19: a field that was removed, renamed or has another type, without a step', async t => {
  const changes: ReadonlyArray<readonly [string, SessionSchema, object, object]> = [
    ['removed', z.object({ count: z.int().default(0) }), { count: 3 }, { count: 3 }],
    ['added', z.object({ name: z.string().default(''), count: z.int().default(0), extra: z.string().default('x') }), { name: 'Ann', extra: 'x' }, { name: 'Ann', extra: 'x' }],
    ['renamed', v2, { fullName: '', count: 3 }, { fullName: '', count: 3 }],
    ['of another type', z.object({ name: z.string().default(''), count: z.string().default('none') }), { name: '', count: 'none' }, { name: 'Ann', count: 'none' }],
    ['stricter', z.object({ name: z.string().default(''), count: z.int().max(2).default(0) }), { name: '', count: 0 }, { name: 'Ann', count: 0 }]
  ]
  for (const [what, schema, discarded, salvaged] of changes) {
    await t.test(what, async t => {
      await eachPlace(t, async (t, place) => {
        const jar = await begin(t, place)
        const discard = await deploy(t, place, schema, {}, jar)
        t.match((await discard.read()).data, discarded)
        const salvage = await deploy(t, place, schema, { onInvalid: 'salvage' }, jar)
        t.match(await salvage.read(), { isNew: false, data: salvaged })
      })
    })
  }
})

t.test('R-19: what cannot be salvaged, as a required field of another type, is discarded, and the event names the field', async t => {
  await eachPlace(t, async (t, place) => {
    const jar = await begin(t, place)
    const now = await deploy(t, place, z.object({ name: z.int(), count: z.int() }), { onInvalid: 'salvage', initial: { name: 7, count: 0 } }, jar)
    t.strictSame(await now.read(), { isNew: true, data: { name: 7, count: 0 } })
    t.match(now.rejected, [{ reason: 'invalid', paths: ['name'] }])
  })
})

t.test('R-19: a salvaged session that is only read stays as it was found, in a new version too, and every read says so', async t => {
  await eachPlace(t, async (t, place) => {
    for (const version of [1, 2]) {
      const jar = await begin(t, place, v1, {}, { name: 'Ann', count: 3 })
      const now = await deploy(t, place, z.object({ name: z.string().default(''), count: z.int().max(2).default(0) }), { onInvalid: 'salvage', version }, jar)
      for (let read = 0; read < 2; read++) t.match(await now.read(), { isNew: false, data: { name: 'Ann', count: 0 } })
      t.match(now.rejected, Array(2).fill({ reason: 'salvaged', paths: ['count'] }))
      const before = await deploy(t, place, v1, {}, now.client.jar)
      t.match(await before.read(), { isNew: false, data: { name: 'Ann', count: 3 } }, `nothing is lost by looking, version ${version}`)
    }
  })
})

t.test('an event tells the paths, and never a value (I15)', async t => {
  await eachPlace(t, async (t, place) => {
    const jar = await begin(t, place, v1, {}, { name: 'a-private-name', count: 3 })
    for (const onInvalid of ['discard', 'salvage'] as const) {
      const now = await deploy(t, place, z.object({ name: z.int().default(0), count: z.int().default(0) }), { onInvalid }, jar)
      t.match((await now.read()).data, { name: 0, count: onInvalid === 'salvage' ? 3 : 0 })
      const { request, ...event } = now.rejected[0]!
      t.match(event, { reason: onInvalid === 'salvage' ? 'salvaged' : 'invalid', paths: ['name'] })
      t.notMatch(JSON.stringify(event), 'a-private-name')
    }
  })
})

t.test('every request that reads a salvaged session says so, once, until one changes it', async t => {
  await eachPlace(t, async (t, place) => {
    const schema = z.object({ name: z.int().default(0), count: z.int().default(0) })
    const now = await deploy(t, place, schema, { onInvalid: 'salvage' }, await begin(t, place))
    await now.read()
    await now.read()
    t.match(now.rejected, [{ reason: 'salvaged', paths: ['name'] }, { reason: 'salvaged', paths: ['name'] }])
    await now.client.post('/write', { count: 4 })
    t.equal(now.rejected.length, 3)
    t.match(await now.read(), { data: { name: 0, count: 4 } })
    t.equal(now.rejected.length, 3)
  })
})

t.test('what was salvaged is kept once something is written, and what could not be saved has gone', async t => {
  await eachPlace(t, async (t, place) => {
    const jar = await begin(t, place)
    const schema = z.object({ name: z.int().default(0), count: z.int().default(0) })
    const now = await deploy(t, place, schema, { onInvalid: 'salvage' }, jar)
    await now.client.post('/write', { count: 4 })
    const strict = await deploy(t, place, schema, {}, now.client.jar)
    t.match(await strict.read(), { isNew: false, data: { name: 0, count: 4 } })
  })
})

t.test('R-32: a record of a newer version is read if it can be, and never overwritten', async t => {
  await eachPlace(t, async (t, place) => {
    const newer = z.object({ name: z.string().default(''), count: z.int().default(0), added: z.string().default('') })
    const jar = await begin(t, place, newer, { version: 2 }, { name: 'Ann', count: 3, added: 'by the newer version' })
    const old = await deploy(t, place, v1, { version: 1 }, jar)
    t.match(await old.read(), { isNew: false, data: { name: 'Ann', count: 3 } })
    for (const url of ['/write', '/update']) {
      const response = await old.client.post(url, { count: 4 })
      t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_NEWER_VERSION' }, url)
      t.strictSame(setCookies(response.headers), [])
    }
    const token = old.client.header
    for (const url of ['/touch', '/rotate']) t.equal((await old.client.post(url)).statusCode, 200, `${url} is no change`)
    t.not(old.client.header, token)
    const now = await deploy(t, place, newer, { version: 2 }, old.client.jar)
    t.strictSame((await now.read()).data, { name: 'Ann', count: 3, added: 'by the newer version' }, 'all of it is there')
    await now.client.post('/write', { count: 5 })
    const again = await deploy(t, place, v1, { version: 1 }, now.client.jar)
    t.equal((await again.client.post('/destroy')).statusCode, 200, 'it can be ended')
    t.equal(again.client.jar.size, 0)
  })
})

t.test('R-32: a record of a newer version that cannot be read is no session, and stays as it is', async t => {
  await eachPlace(t, async (t, place) => {
    const newer = z.object({ name: z.int().default(0) })
    const jar = await begin(t, place, newer, { version: 2 }, { name: 7 })
    const old = await deploy(t, place, v1, { version: 1 }, jar)
    t.match(await old.read(), { isNew: true, data: { name: '', count: 0 } })
    t.strictSame(old.reasons(), ['invalid'])
    const now = await deploy(t, place, newer, { version: 2 }, jar)
    t.match(await now.read(), { isNew: false, data: { name: 7 } })
  })
})

t.test('a public response stays public: what was lifted is kept with the next one', async t => {
  await eachPlace(t, async (t, place) => {
    const jar = await begin(t, place)
    const { client, read } = await deploy(t, place, v2, { version: 2, migrate: { 1: renamed } }, jar)
    const response = await client.get('/public')
    t.equal(response.body, 'Ann')
    t.equal(response.headers['cache-control'], 'public, max-age=60')
    t.strictSame(setCookies(response.headers), [])
    await read()
    const later = await deploy(t, place, v2, { version: 2 }, client.jar)
    t.match(await later.read(), { isNew: false, data: { fullName: 'Ann' } })
  })
})

t.test('a failed response does not keep what was lifted, the next one does', async t => {
  await eachPlace(t, async (t, place) => {
    const jar = await begin(t, place)
    const app = await deploy(t, place, v2, { version: 2, migrate: { 1: renamed } }, jar)
    const response = await app.client.post('/write', { count: 'many' })
    t.equal(response.statusCode, 500)
    t.strictSame(setCookies(response.headers), [])
    t.match((await app.read()).data, { fullName: 'Ann', count: 3 })
  })
})

for (const [what, options] of Object.entries({
  'a step from the present version': { version: 2, migrate: { 2: renamed } },
  'a step from version 0': { version: 2, migrate: { 0: renamed } },
  'a step without a number': { version: 2, migrate: { one: renamed } },
  'a step that is no function': { version: 2, migrate: { 1: {} } },
  'a step that is asynchronous': { version: 2, migrate: { 1: async (stored: Stored) => renamed(stored) } },
  'version 0': { version: 0 },
  'version 1.5': { version: 1.5 },
  'version 65536': { version: 65_536 },
  'onInvalid that does not exist': { onInvalid: 'keep' }
})) {
  t.test(`refused at register: ${what}`, async t => {
    await t.rejects(deploy(t, {}, v2, options), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
  })
}

t.test('onDestroy of a session that does not satisfy the schema any more comes without data', async t => {
  const store = memoryStore()
  const before = await buildApp(t, { backend: 'memory', store })
  before.app.get('/write', async ({ session }) => { session.visits = 5 })
  await before.client.get('/write')
  const events: unknown[] = []
  const handle = createSession(z.object({ visits: z.string().default('') }), { secret: SECRET, store, hooks: { onDestroy: ({ data }) => { events.push(data) } } })
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(handle)
  app.get('/out', async (request) => await handle.get(request).destroy())
  t.equal((await app.inject({ url: '/out', headers: { cookie: before.client.header } })).statusCode, 200)
  t.strictSame(events, [{}])
  t.equal((await before.client.get('/write')).statusCode, 200)
  t.match(before.rejected(), [{ reason: 'unknown' }], 'and it has ended')
})
