import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionStore } from '../../types/index.js'
import { type BackendName, eachBackend, SECRET } from '../support/app.js'
import { scene } from '../support/scene.js'

interface Tree { name: string, children?: Tree[] | undefined }
const tree: z.ZodType<Tree, Tree> = z.object({ name: z.string(), get children () { return z.array(tree).optional() } })
const schema = z.object({
  n: z.int().min(0).default(0),
  ratio: z.number().optional(),
  text: z.string().max(20).optional(),
  kind: z.enum(['a', 'b']).default('a'),
  cart: z.array(z.object({ sku: z.string(), qty: z.int().positive() })).default(() => []),
  words: z.record(z.string(), z.unknown()).optional(),
  tree: tree.optional(),
  range: z.object({ from: z.int(), to: z.int() }).refine(({ from, to }) => from <= to, 'from before to').optional()
})
interface Live extends Record<string, unknown> {
  n: number
  cart: Array<Record<string, unknown>>
  set: (key: string, value: unknown) => void
  data: () => object
  save: () => Promise<void>
  replace: (data: object) => unknown
  update: (change: (data: Record<string, unknown>) => unknown) => Promise<void>
}
const SECRETIVE = 'hunter2-hunter2-hunter2'
const seed = (s: Live) => { Object.assign(s, { n: 1, text: 'a', cart: [{ sku: 'tea', qty: 1 }] }) }
const INVALID = 'FST_TYPED_SESSION_INVALID_DATA'
const UNKNOWN = 'FST_TYPED_SESSION_UNKNOWN_KEY'
const nested = (depth: number): Tree => depth === 0 ? { name: 'leaf' } : { name: 'x', children: [nested(depth - 1)] }
const cycle: Tree = { name: 'x' }
cycle.children = [cycle]

type Row = readonly [write: (s: Live) => unknown, code: string, path: string]
const INVALID_WRITES: Record<string, Row> = {
  'a string where a number belongs': [(s) => { s.set('n', SECRETIVE) }, INVALID, 'n (expected number'],
  'a number out of range': [(s) => { s.n = -1 }, INVALID, 'n ('],
  'a fraction for an integer': [(s) => { s.n = 1.5 }, INVALID, 'n ('],
  NaN: [(s) => { s['ratio'] = NaN }, INVALID, 'ratio ('],
  Infinity: [(s) => { s['ratio'] = -Infinity }, INVALID, 'ratio ('],
  'NaN where the schema takes anything': [(s) => { s['words'] = { a: [NaN] } }, INVALID, 'words[…][0] ('],
  'a text too long': [(s) => { s['text'] = SECRETIVE }, INVALID, 'text ('],
  'null for an optional key': [(s) => { s['text'] = null }, INVALID, 'text ('],
  'a member of no enum': [(s) => { s['kind'] = SECRETIVE }, INVALID, 'kind ('],
  'a bad item in a list': [(s) => { s.cart.push({ sku: SECRETIVE, qty: 0 }) }, INVALID, 'cart[1].qty ('],
  'a missing field in a list': [(s) => { s.cart.push({ sku: SECRETIVE }) }, INVALID, 'cart[1].qty ('],
  'an unknown field in a list': [(s) => { (s.cart[0] as object as { extra: string }).extra = SECRETIVE }, UNKNOWN, 'cart[0].extra'],
  'a refinement that fails': [(s) => { s['range'] = { from: 2, to: 1 } }, INVALID, 'range ('],
  'an unknown key': [(s) => { s['other'] = SECRETIVE }, UNKNOWN, 'no other'],
  'an unknown key that is only an empty object': [(s) => { s['other'] = {} }, UNKNOWN, 'no other'],
  'the key constructor': [(s) => { Object.defineProperty(s, 'constructor', { value: SECRETIVE, enumerable: true }) }, 'FST_TYPED_SESSION_RESERVED_KEY', '"constructor"'],
  'the key prototype': [(s) => { s['prototype'] = SECRETIVE }, INVALID, 'prototype ('],
  'an own __proto__ deep inside': [(s) => { s['words'] = JSON.parse(`{"a":{"__proto__":{"b":"${SECRETIVE}"}}}`) }, INVALID, 'words[…].__proto__ ('],
  'an own constructor deep inside': [(s) => { s['words'] = { a: { constructor: SECRETIVE } } }, INVALID, 'words[…].constructor ('],
  'a required key removed': [(s) => { delete (s as { n?: number }).n }, INVALID, 'n ('],
  'a function': [(s) => { s['words'] = { f: () => SECRETIVE } }, INVALID, 'words[…] ('],
  'a symbol': [(s) => { s['words'] = { f: Symbol(SECRETIVE) } }, INVALID, 'words[…] ('],
  'a bigint': [(s) => { s['words'] = { f: 10n } }, INVALID, 'words[…] ('],
  'a Date that no codec keeps': [(s) => { s['words'] = { at: new Date() } }, INVALID, 'words[…] ('],
  'a Map that no codec keeps': [(s) => { s['words'] = { at: new Map([[SECRETIVE, 1]]) } }, INVALID, 'words[…] ('],
  'data as deep as the stack (K-61)': [(s) => { s['tree'] = nested(5_000) }, INVALID, ''],
  'data a little too deep (K-61)': [(s) => { s['tree'] = nested(40) }, INVALID, 'tree'],
  'cyclic data': [(s) => { s['tree'] = cycle }, INVALID, ''],
  'a getter that throws': [(s) => { Object.defineProperty(s, 'text', { get () { throw new Error(SECRETIVE) }, enumerable: true, configurable: true }) }, '', ''],
  'replace() with bad data': [(s) => s.replace({ n: SECRETIVE }), INVALID, 'n ('],
  'update() with bad data': [(s) => s.update((d) => { d['n'] = SECRETIVE }), INVALID, 'n ('],
  'save() of bad data': [async (s) => { s.set('n', SECRETIVE); await s.save() }, INVALID, 'n (']
}

for (const [name, [write, code, path]] of Object.entries(INVALID_WRITES)) {
  t.test(`P1.3: refused in its own request, naming the path and not the value; nothing is kept: ${name}`, t => eachBackend(t, async (t, backend) => {
    const { run, writes, newClient } = await scene<Live>(t, schema, { backend })
    await run(seed)
    const before = writes()
    const { status, response, cookies, ...refused } = await run(write)
    t.equal(status, 500)
    if (code !== '') {
      t.equal(refused.code, code)
      t.ok(response.json().message.includes(path), response.json().message)
      t.notOk(response.body.includes(SECRETIVE), 'no value in the answer')
    }
    t.strictSame(cookies, [])
    t.equal(writes(), before)
    t.match((await run((s) => s.data())).value, { n: 1, text: 'a', cart: [{ sku: 'tea', qty: 1 }] }, 'the record stays')
    const stranger = newClient()
    t.strictSame((await run(write, stranger)).cookies, [], 'nor does it open a session')
    t.equal(stranger.jar.size, 0)
  }))
}

t.test('P1.3: a handler that catches what save() throws may mend the data', t => eachBackend(t, async (t, backend) => {
  const { run } = await scene<Live>(t, schema, { backend })
  const { status } = await run(async (s) => {
    s.set('n', 'x')
    await t.rejects(s.save(), { code: INVALID })
    await t.rejects(s.update((d) => { d['kind'] = 'c' }), { code: INVALID })
    s.n = 5
  })
  t.equal(status, 200)
  t.match((await run((s) => s.data())).value, { n: 5, kind: 'a' })
}))

const record = z.object({ userId: z.string().optional(), n: z.int().default(0) })
type Kept = Record<string, unknown>

/** Two applications that share it are one to their visitors. */
function kept (backend: BackendName, store: SessionStore) {
  return { ...(backend === 'memory' && { store }), ...(backend === 'revocable' && { revocations: store }) }
}

/** What a request sees of a record that another version of the application, or somebody else, has written. */
async function readBack (t: Parameters<typeof scene>[0], backend: BackendName, written: object, options: object = {}) {
  const events: Array<{ reason: string, paths: readonly string[] }> = []
  const store = memoryStore()
  const shared = { ...kept(backend, store), ...options }
  const writer = await scene<Kept>(t, z.record(z.string(), z.unknown()), { backend, options: shared })
  const hooks = { onReject: (event: { reason: string, paths: readonly string[] }) => { events.push(event) } }
  const reader = await scene<Kept & { data: () => object, isNew: boolean }>(t, record, { backend, options: { ...shared, hooks } })
  await writer.run((s) => { Object.assign(s, written) })
  for (const [name, value] of writer.client.jar) reader.client.jar.set(name, value)
  const { value, status, cookies } = await reader.run((s) => [s.isNew, s.data()])
  return { value, status, cookies, events, run: reader.run }
}

const BAD_RECORDS: Record<string, readonly [written: object, path: string]> = {
  'of the wrong type': [{ n: 'one' }, 'n'],
  'with a number too big': [{ n: 2 ** 60 }, 'n'],
  'with null': [{ userId: null }, 'userId'],
  'with a list': [{ userId: ['a'] }, 'userId']
}

for (const [name, [written, path]] of Object.entries(BAD_RECORDS)) {
  t.test(`R-14, R-19: an authentic record that the schema does not take is a fresh session and an event with the path: ${name}`, t => eachBackend(t, async (t, backend) => {
    const { value, status, cookies, events } = await readBack(t, backend, { ...written, userId2: 'x' })
    t.equal(status, 200)
    t.strictSame(value, [true, { n: 0 }])
    t.strictSame(cookies, [])
    t.match(events, [{ reason: 'invalid', paths: [path] }])
    t.notMatch(JSON.stringify(events[0]?.paths), 'one')
  }))
}

t.test('a record with keys that the schema no longer has is read without them, and written without them', t => eachBackend(t, async (t, backend) => {
  const { value, events, run } = await readBack(t, backend, { userId: 'u1', old: { a: 1 } })
  t.strictSame(value, [false, { userId: 'u1', n: 0 }])
  t.strictSame(events, [])
  await run((s) => { s['n'] = 1 })
  t.strictSame((await run((s) => s.data())).value, { userId: 'u1', n: 1 })
}))

t.test("R-19: onInvalid: 'salvage' keeps what validates", t => eachBackend(t, async (t, backend) => {
  const { value, events } = await readBack(t, backend, { userId: 'u1', n: 'one' }, { onInvalid: 'salvage' })
  t.strictSame(value, [false, { userId: 'u1', n: 0 }])
  t.match(events, [{ reason: 'salvaged', paths: ['n'] }])
}))

t.test('R-19: older records are lifted step by step; a failing step is an event; a newer record is never overwritten', t => eachBackend(t, async (t, backend) => {
  const store = memoryStore()
  const at = async (version: number, migrate: object = {}, hooks: object = {}) =>
    await scene<Kept & { data: () => object }>(t, record, { backend, options: { version, migrate, hooks, ...kept(backend, store) } })
  const first = await at(1)
  await first.run((s) => { s['userId'] = 'u1' })
  const { jar } = first.client
  const third = await at(3, { 1: (d: Kept) => ({ ...d, n: 10 }), 2: (d: Kept) => ({ ...d, n: Number(d['n']) + 1 }) })
  for (const [name, value] of jar) third.client.jar.set(name, value)
  t.strictSame((await third.run((s) => s.data())).value, { userId: 'u1', n: 11 })
  const newer = third.client.jar
  const second = await at(2)
  for (const [name, value] of newer) second.client.jar.set(name, value)
  t.strictSame((await second.run((s) => s.data())).value, { userId: 'u1', n: 11 }, 'newer: it validates, so it is read')
  t.equal((await second.run((s) => { s['n'] = 0 })).code, 'FST_TYPED_SESSION_NEWER_VERSION')
  t.strictSame((await third.run((s) => s.data())).value, { userId: 'u1', n: 11 })

  const reasons: object[] = []
  const failing = await at(5, { 3: () => { throw new Error('no') } }, { onReject: (event: { reason: string, paths: string[] }) => { reasons.push([event.reason, event.paths]) } })
  for (const [name, value] of newer) failing.client.jar.set(name, value)
  t.strictSame((await failing.run((s) => s.data())).value, { n: 0 })
  t.strictSame(reasons, [['invalid', ['migrate']]])
}))

t.test('undeclaredKeys: what plugins write is kept, tracked and checked to be JSON, outside the data of the schema', t => eachBackend(t, async (t, backend) => {
  const { run, writes } = await scene<Live & { take: (key: string) => unknown, regenerate: (keep?: string[]) => Promise<void>, clear: () => void }>(
    t, schema, { backend, options: { undeclaredKeys: ['flash', /^oauth2:/] } })
  await run((s) => { s['flash'] = { info: ['a'] }; s['oauth2:a.example'] = { state: 'x' } })
  await run((s) => { (s['flash'] as { info: string[] }).info.push('b'); (s['oauth2:a.example'] as { verifier?: string }).verifier = 'v' })
  t.match((await run((s) => s.data())).value, { flash: { info: ['a', 'b'] }, 'oauth2:a.example': { state: 'x', verifier: 'v' } })
  const before = writes()
  t.strictSame((await run((s) => { s['flash'] = { info: ['a', 'b'] } })).cookies, [])
  t.equal(writes(), before, 'an equal write is none')
  t.equal((await run((s) => { s['oauth1:a'] = 1 })).code, UNKNOWN, 'no pattern matches')
  t.equal((await run((s) => { s['flash'] = { at: new Date() } })).code, INVALID, 'no JSON')
  t.equal((await run((s) => { s['flash'] = JSON.parse('{"a":{"__proto__":1}}') })).code, INVALID)
  await run((s) => s.replace({ n: 4, kind: 'b', cart: [] }))
  t.match((await run((s) => s.data())).value, { n: 4, kind: 'b', flash: { info: ['a', 'b'] } }, 'replace() leaves them alone')
  t.match((await run((s) => s.take('flash'))).value, { info: ['a', 'b'] })
  t.notOk('flash' in ((await run((s) => s.data())).value as object), 'taken is gone')
  await run((s) => { s['flash'] = { info: ['c'] } })
  await run((s) => s.regenerate(['flash']))
  t.strictSame((await run((s) => s.data())).value, { n: 0, kind: 'a', cart: [], flash: { info: ['c'] } })
  await run((s) => s.clear())
  t.strictSame((await run((s) => s.data())).value, { n: 0, kind: 'a', cart: [] })
}))

const register = async (backend: BackendName, given: z.ZodType, options: object = {}) => {
  const app = Fastify()
  const handle = createSession(given as never, { secret: SECRET, ...(backend === 'memory' && { store: memoryStore() }), ...options } as never)
  try {
    await app.register(handle.plugin)
    await app.ready()
  } finally {
    await app.close()
  }
}

const BAD_SCHEMAS: Record<string, readonly [() => z.ZodType, string]> = {
  'a default that sessions would share': [() => z.object({ a: z.object({ list: z.array(z.string()) }).default({ list: [] }) }), 'session.a'],
  'a catch that sessions would share': [() => z.object({ a: z.array(z.string()).catch([]) }), 'session.a'],
  'an asynchronous refinement': [() => z.object({ a: z.string().refine(async () => true) }), 'session.a'],
  'a one-way transform': [() => z.object({ a: z.string().transform((text) => text.length) }), 'session.a'],
  'a date without a codec': [() => z.object({ at: z.date() }), 'session.at'],
  'the name of a method': [() => z.object({ save: z.string().optional() }), 'session.save'],
  'the name of a fact': [() => z.object({ id: z.string().optional() }), 'session.id'],
  'an array': [() => z.array(z.string()), 'session'],
  'no new session': [() => z.object({ a: z.string() }), 'a']
}

for (const [name, [make, path]] of Object.entries(BAD_SCHEMAS)) {
  t.test(`refused at register, with the path: ${name}`, t => eachBackend(t, async (t, backend) => {
    await t.rejects(register(backend, make()), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: new RegExp(path.replace('.', '\\.')) })
  }))
}

t.test('the same, made well, is accepted', t => eachBackend(t, async (t, backend) => {
  await t.resolves(register(backend, z.object({ a: z.object({ list: z.array(z.string()) }).default(() => ({ list: [] })), b: z.array(z.string()).catch(() => []) })))
  await t.resolves(register(backend, z.object({ a: z.string() }), { initial: { a: 'x' } }))
}))
