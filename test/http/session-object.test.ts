import { inspect } from 'node:util'
import t from 'tap'
import { z } from 'zod'
import { bytes, date, mapOf, setOf, url } from '../../lib/codecs.js'
import { eachBackend } from '../support/app.js'
import { scene } from '../support/scene.js'

const schema = z.object({
  n: z.int().default(0),
  text: z.string().optional(),
  deep: z.object({ a: z.object({ b: z.object({ c: z.object({ d: z.array(z.number()).default(() => []) }).prefault({}) }).prefault({}) }).prefault({}) }).prefault({}),
  list: z.array(z.object({ sku: z.string(), qty: z.int() })).default(() => []),
  item: z.object({ name: z.string().optional(), price: z.number().optional() }).optional(),
  map: mapOf(z.string(), z.object({ n: z.int() })).optional(),
  tags: setOf(z.string()).optional(),
  at: date().optional(),
  key: bytes().optional(),
  home: url().optional(),
  'dotted.key': z.number().optional()
})
type Data = z.output<typeof schema>

const seed = (): Partial<Data> => ({
  n: 1,
  text: 'a',
  deep: { a: { b: { c: { d: [1, 2, 3] } } } },
  list: [{ sku: 'tea', qty: 1 }, { sku: 'milk', qty: 2 }],
  item: { name: 'cup', price: 3 },
  map: new Map([['x', { n: 1 }]]),
  tags: new Set(['a']),
  at: new Date(1_000),
  key: new Uint8Array([1, 2, 3]),
  home: new URL('https://example.com/a'),
  'dotted.key': 5
})

interface Controls {
  get: (key: string) => unknown
  set: (key: string, value: unknown) => void
  has: (key: string) => boolean
  delete: (key: string) => boolean
  take: (key: string) => unknown
  data: () => Data
  clear: () => void
  replace: (data: object) => Live
  update: (fn: (data: Data) => unknown) => Promise<void>
  rotate: () => Promise<void>
  regenerate: (keep?: string[]) => Promise<void>
  destroy: () => Promise<void>
  touch: () => void
  save: () => Promise<void>
  reload: () => Promise<void>
  persist: (seconds?: number) => void
  id: string
  isNew: boolean
  createdAt: Date
  expiresAt: Date
  authenticatedAt: Date | null
}
// Wider than the public type on purpose: these tests also do what the compiler forbids.
type Live = Data & { [key: string]: unknown } & Controls
const defined = (data: object) => Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined))

const PROTO = '__proto__'
interface Row { readonly write: (session: Live) => unknown, readonly expect: (data: Data) => void }

// Each write starts from `seed`; `expect` makes the same change to plain data.
const CHANGES: Record<string, Row> = {
  'a property set (P0.2, P1.3, P2.11)': { write: (s) => { s.text = 'b' }, expect: (d) => { d.text = 'b' } },
  'set() (P2.1)': { write: (s) => s.set('text', 'b'), expect: (d) => { d.text = 'b' } },
  'set() of undefined removes': { write: (s) => s.set('text', undefined), expect: (d) => { delete d.text } },
  'a property set to undefined is removed': { write: (s) => { s.text = undefined }, expect: (d) => { delete d.text } },
  'delete of a property (P0.9)': { write: (s) => { delete s.text }, expect: (d) => { delete d.text } },
  'delete() (P2.12)': { write: (s) => s.delete('text'), expect: (d) => { delete d.text } },
  'take() (P1.5, P2.18, P4.15)': { write: (s) => s.take('text'), expect: (d) => { delete d.text } },
  'a dotted key is a name, no path (P0.3)': { write: (s) => { s['dotted.key'] = 6 }, expect: (d) => { d['dotted.key'] = 6 } },
  'increment (P1.2)': { write: (s) => { s.n++ }, expect: (d) => { d.n++ } },
  'a push five levels deep (P2.19)': { write: (s) => s.deep.a.b.c.d.push(4), expect: (d) => { d.deep.a.b.c.d = [1, 2, 3, 4] } },
  'splice (P2.19)': { write: (s) => s.deep.a.b.c.d.splice(1, 1), expect: (d) => { d.deep.a.b.c.d = [1, 3] } },
  'sort and reverse': { write: (s) => s.deep.a.b.c.d.reverse(), expect: (d) => { d.deep.a.b.c.d = [3, 2, 1] } },
  'length = 0': { write: (s) => { s.list.length = 0 }, expect: (d) => { d.list = [] } },
  'a push into a list (P4.20)': { write: (s) => s.list.push({ sku: 'bike', qty: 1 }), expect: (d) => { d.list.push({ sku: 'bike', qty: 1 }) } },
  'a field of an object in a list (P2.15)': { write: (s) => { for (const i of s.list) i.qty *= 2 }, expect: (d) => { for (const i of d.list) i.qty *= 2 } },
  'nested delete (P2.17)': { write: (s) => { delete s.item?.name }, expect: (d) => { delete d.item?.name } },
  'Object.assign into a nested object': { write: (s) => { Object.assign(s.item as object, { price: 4 }) }, expect: (d) => { d.item = { name: 'cup', price: 4 } } },
  'Object.assign into the session': { write: (s) => { Object.assign(s, { n: 9, text: 'z' }) }, expect: (d) => { d.n = 9; d.text = 'z' } },
  'Object.defineProperty on the session': { write: (s) => { Object.defineProperty(s, 'text', { value: 'q', enumerable: true, configurable: true, writable: true }) }, expect: (d) => { d.text = 'q' } },
  'Map.set (P2.19)': { write: (s) => s.map?.set('y', { n: 2 }), expect: (d) => { d.map?.set('y', { n: 2 }) } },
  'a value inside a Map': { write: (s) => { (s.map?.get('x') as { n: number }).n = 7 }, expect: (d) => { d.map?.set('x', { n: 7 }) } },
  'Map.clear': { write: (s) => s.map?.clear(), expect: (d) => { d.map?.clear() } },
  'Set.add (P2.19)': { write: (s) => s.tags?.add('b'), expect: (d) => { d.tags?.add('b') } },
  'Set.delete': { write: (s) => s.tags?.delete('a'), expect: (d) => { d.tags?.clear() } },
  'Date.setTime (P2.19)': { write: (s) => s.at?.setTime(2_000), expect: (d) => { d.at = new Date(2_000) } },
  'one byte': { write: (s) => { (s.key as Uint8Array)[2] = 9 }, expect: (d) => { d.key = new Uint8Array([1, 2, 9]) } },
  'a part of a URL': { write: (s) => { (s.home as URL).pathname = '/b' }, expect: (d) => { d.home = new URL('https://example.com/b') } },
  'replace()': { write: (s) => s.replace({ n: 5, deep: s.deep, list: [] }), expect: (d) => { keepOnly(d, 'deep'); d.n = 5; d.list = [] } },
  'clear() (P0.10, P2.14)': { write: (s) => s.clear(), expect: (d) => { keepOnly(d); Object.assign(d, schema.parse({})) } },
  'update() that edits': { write: (s) => s.update((d) => { d.list.push({ sku: 'b', qty: 1 }) }), expect: (d) => { d.list.push({ sku: 'b', qty: 1 }) } },
  'update() that returns new data': { write: (s) => s.update((d) => ({ ...d, n: 8 })), expect: (d) => { d.n = 8 } },
  'update() that is asynchronous': { write: (s) => s.update(async (d) => { await null; d.n = 7 }), expect: (d) => { d.n = 7 } },
  'update() on top of what was written before': { write: async (s) => { s.text = 'b'; await s.update((d) => { d.n = 3 }); s.list.pop() }, expect: (d) => { d.text = 'b'; d.n = 3; d.list.pop() } },
  'rotate() keeps everything': { write: async (s) => { await s.rotate(); s.n = 2 }, expect: (d) => { d.n = 2 } },
  'regenerate() drops everything': { write: (s) => s.regenerate(), expect: (d) => { keepOnly(d); Object.assign(d, schema.parse({})) } },
  'regenerate() keeps what is named, and ignores names that are not there': { write: (s) => s.regenerate(['text', 'no such', 'toString', 'id']), expect: (d) => { keepOnly(d, 'text'); Object.assign(d, schema.parse({})) } },
  'regenerate() and writes after it': { write: async (s) => { await s.regenerate(['n']); s.text = 'new' }, expect: (d) => { keepOnly(d, 'n'); Object.assign(d, { ...schema.parse({}), n: 1, text: 'new' }) } },
  'destroy() and writes after it': { write: async (s) => { await s.destroy(); s.text = 'new' }, expect: (d) => { keepOnly(d); Object.assign(d, { ...schema.parse({}), text: 'new' }) } },
  'save() and writes after it': { write: async (s) => { s.n = 2; await s.save(); s.text = 'later' }, expect: (d) => { d.n = 2; d.text = 'later' } },
  'reload() forgets, writes after it stay': { write: async (s) => { s.n = 99; s.list.pop(); await s.reload(); s.text = 'later' }, expect: (d) => { d.text = 'later' } }
}

function keepOnly (data: Data, ...keys: string[]): void {
  for (const key of Object.keys(data)) if (!keys.includes(key)) delete (data as Record<string, unknown>)[key]
}

const fill = (s: Live) => { Object.assign(s, seed()) }

for (const [name, { write, expect }] of Object.entries(CHANGES)) {
  t.test(`kept once, and read by the next request: ${name}`, t => eachBackend(t, async (t, backend) => {
    const { run, client, writes } = await scene<Live>(t, schema, { backend })
    await run(fill)
    const expected = copyOf(seed() as Data)
    expect(expected)
    const [before, token] = [writes(), client.token]
    const wrote = await run(async (s) => {
      await write(s)
      return { ...s }
    })
    t.equal(wrote.status, 200, String(wrote.code))
    const seen = defined(wrote.value as object)
    t.strictSame(seen, Object.fromEntries(Object.entries(expected).filter(([key]) => key in seen)), 'seen at once')
    const read = await run((s) => s.data())
    t.strictSame(read.value, expected)
    t.ok(backend === 'memory' ? writes() > before : client.token !== token, 'something was kept')
  }))
}

function copyOf (data: Data): Data {
  return { ...structuredClone({ ...data, home: undefined }), home: data.home && new URL(data.home) }
}

const NO_CHANGES: Record<string, (session: Live) => unknown> = {
  'reading everything': (s) => JSON.stringify(s),
  'the same values': (s) => { Object.assign(s, seed()) },
  'a push and a pop': (s) => { s.list.push({ sku: 'x', qty: 1 }); s.list.pop() },
  'a value written and written back': (s) => { s.n = 2; s.n = 1 },
  'a key removed and set again': (s) => { const { text } = s; delete s.text; s.text = text as string },
  'a nested object in another order of keys': (s) => { s.item = { price: 3, name: 'cup' } },
  'an unset key set to undefined': (s) => { s.set('item', s.item); delete s.item; s.item = { name: 'cup', price: 3 } },
  'deleting what is not there': (s) => { delete s.nothing; s.delete('nothing'); s.take('nothing') },
  'replace() by the same': (s) => s.replace(s.data()),
  'update() that changes nothing': (s) => s.update(() => {}),
  'update() that returns the same': (s) => s.update((d) => ({ ...d })),
  'save() without a change': (s) => s.save(),
  'reload()': (s) => s.reload(),
  'an equal Map, Set, Date, URL and bytes': (s) => {
    s.map = new Map([['x', { n: 1 }]]); s.tags = new Set(['a']); s.at = new Date(1_000); s.home = new URL('https://example.com/a'); s.key = Buffer.from([1, 2, 3])
  }
}

for (const [name, work] of Object.entries(NO_CHANGES)) {
  t.test(`costs neither a write nor a cookie: ${name}`, t => eachBackend(t, async (t, backend) => {
    const { run, writes } = await scene<Live>(t, schema, { backend })
    await run(fill)
    const before = writes()
    const response = await run((s) => work(s))
    t.equal(response.status, 200, String(response.code))
    t.strictSame(response.cookies, [])
    t.equal(writes(), before)
    t.strictSame((await run((s) => s.data())).value, seed())
  }))
}

t.test('S-7.6.2, P4.1: a new session that is only read, or brought back to what it was, is neither kept nor given a cookie', t => eachBackend(t, async (t, backend) => {
  const { run, store } = await scene<Live>(t, schema, { backend })
  for (const work of [
    (s: Live) => s.data(), (s: Live) => { s.n = 1; s.n = 0 }, (s: Live) => { s.text = 'a'; s.clear() }, (s: Live) => s.touch(), (s: Live) => s.rotate(),
    (s: Live) => s.destroy(), (s: Live) => s.persist(), (s: Live) => s.regenerate(), (s: Live) => s.save(), (s: Live) => s.reload(), (s: Live) => s.update(() => {})
  ]) {
    const response = await run((s) => work(s))
    t.strictSame([response.status, response.cookies], [200, []], String(work))
  }
  t.strictSame(store.calls, [])
}))

t.test('P1.6, P2.9, P2.13: it is what an ordinary object with the data would be to everything that looks at objects', t => eachBackend(t, async (t, backend) => {
  const { run } = await scene<Live>(t, schema, { backend })
  await run(fill)
  const { value } = await run((s) => {
    const data = seed()
    const names: string[] = []
    for (const key in s) names.push(key)
    t.strictSame(Object.keys(s).sort(), Object.keys(data).sort(), 'Object.keys (P0.8)')
    t.strictSame(names.sort(), Object.keys(data).sort(), 'for … in')
    t.strictSame(Reflect.ownKeys(s).sort(), Object.keys(data).sort(), 'nothing hidden')
    t.strictSame({ ...s }, data, 'spread')
    t.strictSame(Object.fromEntries(Object.entries(s)), data, 'Object.entries')
    t.strictSame(JSON.parse(JSON.stringify(s)), JSON.parse(JSON.stringify(data)), 'JSON.stringify')
    t.strictSame(structuredClone({ ...s, home: null }), { ...data, home: null }, 'structuredClone of the data')
    const { home } = s
    delete s.home
    t.strictSame(structuredClone(s), omit(data, 'home'), 'structuredClone of the session itself: no clone holds a URL')
    s.home = home as URL
    t.equal(inspect(s, { sorted: true }), `Session ${inspect(data, { sorted: true })}`, 'console.log shows the data and nothing else')
    t.strictSame(['text' in s, 'nothing' in s, Object.hasOwn(s, 'save')], [true, false, false], 'in (P0.7, P1.8, P2.10, P2.16)')
    const { text, ...rest } = s
    t.strictSame([text, 'text' in rest], ['a', false], 'destructuring')
    return 'looked at'
  })
  t.equal(value, 'looked at')
}))

const omit = (data: object, key: string) => Object.fromEntries(Object.entries(data).filter(([name]) => name !== key))

t.test('P0.7, P1.4, P1.13: reading by name sees own data only', t => eachBackend(t, async (t, backend) => {
  const { run } = await scene<Live>(t, schema, { backend })
  await run(fill)
  await run((s) => {
    for (const inherited of ['toString', 'constructor', '__proto__', 'hasOwnProperty', 'save', 'id', 'isNew', 'prototype', 'nothing', '']) {
      t.strictSame([s.get(inherited), s.has(inherited), s.take(inherited), s.delete(inherited)], [undefined, false, undefined, false], inherited)
    }
    t.strictSame([s.get('text'), s.has('text'), s.get('n')], ['a', true, 1])
    t.equal(s.take('text'), 'a')
    t.strictSame([s.take('text'), s.has('text'), s.delete('text')], [undefined, false, false], 'a second time there is nothing, and no error')
    s.text = undefined
    t.equal(s.has('text'), false, 'a key that holds undefined is absent')
    t.equal(s.delete('n'), true)
  })
}))

t.test('it keeps its identity whatever is done to it, and so do its methods', t => eachBackend(t, async (t, backend) => {
  const { run, handle } = await scene<Live>(t, schema, { backend })
  await run(fill)
  await run(async (s, request) => {
    const works: Array<() => unknown> = [() => s.clear(), () => s.replace(seed()), () => s.regenerate(['n']), () => s.rotate(), () => s.reload(), () => s.update(() => {}), () => s.save(), () => s.touch(), () => s.persist(), () => s.destroy()]
    for (const work of works) {
      const result = await work()
      t.equal(handle.get(request), s, String(work))
      t.ok(result === undefined || result === s, `${String(work)} returns nothing, or the session`)
    }
  })
}))

t.test('P4.2: the facts', t => eachBackend(t, async (t, backend) => {
  const { run } = await scene<Live>(t, schema, { backend, options: { rotateOn: ['text'], idleTimeout: 100, absoluteTimeout: 1_000 } })
  const before = Date.now()
  const fresh = await run((s) => {
    t.equal(s.isNew, true)
    t.equal(s.authenticatedAt, null)
    t.match(s.id, /^[\w-]{22}$/)
    t.ok(s.createdAt.getTime() >= before && s.createdAt.getTime() <= Date.now())
    t.equal(Math.round((s.expiresAt.getTime() - s.createdAt.getTime()) / 1_000), 100)
    s.text = 'somebody'
    return [s.id, s.createdAt]
  })
  const kept = await run((s) => {
    t.equal(s.isNew, false)
    t.ok((s.authenticatedAt as Date).getTime() >= before, 'a rotateOn key was set')
    s.createdAt.setTime(0)
    t.ok(s.createdAt.getTime() >= before, 'a fact is a copy')
    return s.id
  })
  t.equal(kept.value, (fresh.value as unknown[])[0], 'the id that a new session shows is the one it keeps')
  const moved = await run(async (s) => { await s.rotate(); await s.save(); return s.id })
  t.not(moved.value, kept.value)
  const ended = await run(async (s) => { const { id } = s; await s.destroy(); return [id, s.id, s.isNew, s.authenticatedAt] })
  const [old, next, isNew, authenticatedAt] = ended.value as unknown[]
  t.equal(old, moved.value)
  t.not(next, old, 'after destroy() it is another one')
  t.strictSame([isNew, authenticatedAt], [true, null])
}))

t.test('facts and methods cannot be written over', t => eachBackend(t, async (t, backend) => {
  const { run, writes } = await scene<Live>(t, schema, { backend })
  await run(fill)
  const names = ['get', 'set', 'has', 'delete', 'take', 'data', 'clear', 'replace', 'update', 'rotate', 'reauthenticated', 'regenerate', 'destroy', 'touch', 'save', 'reload', 'persist',
    'id', 'isNew', 'createdAt', 'expiresAt', 'authenticatedAt', 'constructor']
  const before = writes()
  for (const name of names) {
    for (const write of [
      (s: Live) => { s[name] = 1 }, (s: Live) => s.set(name, 1), (s: Live) => s.replace({ ...seed(), [name]: 1 }),
      (s: Live) => s.update((data) => { Object.defineProperty(data, name, { value: 1, enumerable: true }) })
    ]) {
      const response = await run((s) => write(s))
      t.equal(response.status, 500)
      // The constructor is a plain property, frozen, which console.log wants to see.
      if (name === 'constructor' && response.code !== 'FST_TYPED_SESSION_RESERVED_KEY') continue
      t.equal(response.code, 'FST_TYPED_SESSION_RESERVED_KEY', `${name}: ${String(write)}`)
      t.match(response.response.json().message, `"${name}"`)
      t.strictSame(response.cookies, [])
    }
  }
  t.equal(writes(), before)
  t.strictSame((await run((s) => s.data())).value, seed(), 'the session is as it was')
}))

t.test('K-46: what would exchange its prototype is refused, and changes nothing', t => eachBackend(t, async (t, backend) => {
  const { run, writes } = await scene<Live>(t, schema, { backend })
  await run(fill)
  const before = writes()
  const hostile = JSON.parse('{"__proto__":{"admin":true}}') as object
  const rows: Array<(s: Live) => unknown> = [
    (s) => { s[PROTO] = { admin: true } }, (s) => s.set('__proto__', { admin: true }), (s) => s.set('prototype', {}), (s) => { s['prototype'] = {} },
    (s) => { Object.assign(s, hostile) }, (s) => s.replace({ ...seed(), ...hostile }), (s) => { (s.item as object) = hostile },
    (s) => { Object.defineProperty(s, '__proto__', { value: { admin: true }, enumerable: true }) }, (s) => s.update((data) => ({ ...data, ...hostile }))
  ]
  for (const write of rows) {
    const response = await run(async (s) => {
      try {
        await write(s)
      } finally {
        t.notOk(s.admin, 'no name is inherited from what was assigned')
        t.equal(Object.getPrototypeOf(s).constructor.name, 'Session')
      }
    })
    t.equal(response.status, 500, String(write))
    t.match(response.code, /^FST_TYPED_SESSION_(RESERVED_KEY|INVALID_DATA|UNKNOWN_KEY)$/, String(write))
    t.strictSame(response.cookies, [])
  }
  t.equal(writes(), before)
  t.equal(({} as { admin?: boolean }).admin, undefined)
}))

t.test('code in sloppy mode is told as well', t => eachBackend(t, async (t, backend) => {
  const { run } = await scene<Live>(t, schema, { backend })
  // eslint-disable-next-line no-new-func
  const sloppy = new Function('session', 'session.id = "mine"') as (session: Live) => void
  t.equal((await run(sloppy)).code, 'FST_TYPED_SESSION_RESERVED_KEY')
}))

t.test('an object that was handed out is shared with no other request and not with the store (R-7)', t => eachBackend(t, async (t, backend) => {
  const { run, newClient, client } = await scene<Live>(t, schema, { backend })
  await run(fill)
  const ruin = (s: Live) => {
    s.deep.a.b.c.d.push(666)
    s.map?.clear()
    s.tags?.clear()
    s.at?.setTime(0)
    s.key?.fill(0)
    for (const item of s.list) item.qty = 666
    if (s.home !== undefined) s.home.href = 'https://evil.example/'
  }
  await run((s) => { throw Object.assign(new Error('failed'), { ruined: ruin(s) }) })
  t.strictSame((await run((s) => s.data())).value, seed(), 'of a request that failed')
  await run((s) => { ruin(s.data() as Live) })
  await run(async (s) => { await s.update((data) => { ruin(copyOf(data) as Live) }) })
  t.strictSame((await run((s) => s.data())).value, seed(), 'of copies')

  const same = newClient()
  same.jar.set([...client.jar.keys()][0] as string, client.token as string)
  let reached = () => {}
  const arrived = new Promise<void>((resolve) => { reached = resolve })
  let go = () => {}
  const released = new Promise<void>((resolve) => { go = resolve })
  const slow = run(async (s) => { reached(); await released; return s.data() }, same)
  await arrived
  await run((s) => { ruin(s); throw new Error('failed') })
  go()
  t.strictSame((await slow).value, seed(), 'of parallel requests of one session')

  const input = seed()
  await run((s) => { Object.assign(s, input) }, newClient())
  const other = newClient()
  await run((s) => { Object.assign(s, input) }, other)
  ruin(input as Live)
  t.strictSame((await run((s) => s.data(), other)).value, seed(), 'of what a handler wrote and changes later')
}))

t.test('what a handler holds on to stays a part of the session after save() and update(), unless that changed it', t => eachBackend(t, async (t, backend) => {
  const { run } = await scene<Live>(t, schema, { backend, options: { hooks: { preSave: ({ data }: { data: Data }) => { data['dotted.key'] = 7 } } } })
  await run(fill)
  await run(async (s) => {
    const { list, item, map } = s
    await s.update((data) => { data.n = 2; (data.item as { price: number }).price = 9 })
    list.push({ sku: 'after update', qty: 1 })
    t.not(s.item, item, 'this one is another now')
    t.strictSame(s.item, { name: 'cup', price: 9 })
    s.text = 'saved'
    await s.save()
    list.push({ sku: 'after save', qty: 1 })
    map?.set('after save', { n: 1 })
  })
  const { list, map, n, text } = (await run((s) => s.data())).value as Data
  t.strictSame(list.map(({ sku }) => sku), ['tea', 'milk', 'after update', 'after save'])
  t.strictSame([map?.size, n, text], [2, 2, 'saved'])
}))

t.test('replace() and update() put new data in place of the old, and leave alone what plugins wrote', t => eachBackend(t, async (t, backend) => {
  const ways: Array<(s: Live, data: object) => unknown> = [(s, data) => s.replace(data), (s, data) => s.update(() => data), (s, data) => s.update(async () => data)]
  for (const way of ways) {
    const { run } = await scene<Live>(t, schema, { backend, options: { undeclaredKeys: ['passport', /^oauth2:/] } })
    await run((s) => { Object.assign(s, seed(), { passport: 'u1', 'oauth2:a': { state: 'x' } }) })
    await run((s) => way(s, { n: 7, deep: s.deep, list: [] }))
    t.strictSame((await run((s) => s.data())).value, { n: 7, deep: seed().deep, list: [], passport: 'u1', 'oauth2:a': { state: 'x' } }, String(way))
    await run((s) => s.update((data) => { delete (data as { passport?: string }).passport }))
    await run((s) => way(s, { ...s, 'oauth2:a': { state: 'y' } }))
    const { value } = await run((s) => s.data())
    t.match(value, { 'oauth2:a': { state: 'y' } }, 'unless it is among the new data')
    t.notOk('passport' in (value as object), 'or was removed')

    const open = await scene<Live>(t, z.record(z.string(), z.string()), { backend, options: { undeclaredKeys: ['passport'] } })
    await open.run((s) => { Object.assign(s, { a: 'x', b: 'y', passport: { id: 1 } }) })
    await open.run((s) => way(s, { b: 'z' }))
    t.strictSame((await open.run((s) => s.data())).value, { b: 'z', passport: { id: 1 } }, 'in a schema that takes any key, the old ones are gone')
  }
}))

t.test('reload() forgets changes, but not that a new id was asked for', t => eachBackend(t, async (t, backend) => {
  for (const ask of [(s: Live) => s.rotate(), (s: Live) => s.regenerate(['n'])]) {
    const { run, client } = await scene<Live>(t, schema, { backend })
    await run(fill)
    const before = (await run((s) => s.id)).value
    const token = client.token
    await run(async (s) => { await ask(s); s.n = 99; await s.reload() })
    t.not(client.token, token, String(ask))
    t.not((await run((s) => s.id)).value, before)
    t.strictSame((await run((s) => s.data())).value, seed())
  }
}))

t.test('reload() during a save waits for it, and brings back nothing from before', async t => {
  const { run, store } = await scene<Live>(t, schema, { backend: 'memory' })
  await run(fill)
  store.break('replace', async (call) => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return await call()
  }, { times: 1 })
  const { value } = await run(async (s) => {
    s.n = 2
    const saving = s.save()
    await s.reload()
    await saving
    return s.n
  })
  t.equal(value, 2)
  t.equal((await run((s) => s.n)).value, 2)
})

t.test('destroy() during reload() is not undone by it (I4)', async t => {
  const { run, client } = await scene<Live>(t, schema, { backend: 'memory' })
  await run(fill)
  const { value } = await run(async (s) => {
    const reloading = s.reload()
    await s.destroy()
    await reloading
    return [s.isNew, s.data()]
  })
  t.strictSame(value, [true, schema.parse({})])
  t.equal(client.jar.size, 0)
})

t.test('new sessions share their defaults with nobody', t => eachBackend(t, async (t, backend) => {
  const { run, newClient } = await scene<Live>(t, schema, { backend })
  await run((s) => { s.list.push({ sku: 'a', qty: 1 }); s.deep.a.b.c.d.push(1) })
  t.strictSame((await run((s) => s.data(), newClient())).value, schema.parse({}))
}))
