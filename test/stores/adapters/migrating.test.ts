import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import fc from 'fast-check'
import { connectStore } from '../../../lib/stores/adapters/connect.js'
import { fileStore } from '../../../lib/stores/file.js'
import { MemoryStore } from '../../../lib/stores/memory.js'
import { migratingStore } from '../../../lib/stores/adapters/migrating.js'
import { createTable, sqliteStore } from '../../../lib/stores/sqlite.js'
import type { SessionStore } from '../../../types/index.js'
import { buildApp, sessionOf } from '../../support/app.js'
import { conforms } from '../../support/conformance.js'
import { everyOrder, Interleaver, permutations } from '../../support/interleave.js'
import { drivers } from '../sqlite/engine.js'
import { collect, later } from '../../support/store-cases.js'

const memory = () => new MemoryStore({ maxEntries: 10_000 })

for (const prepare of [false, true]) {
  t.test(`memory → memory keeps the contract, ${prepare ? 'preparing' : 'moving'}`, async (t) => {
    conforms(t, () => migratingStore({ from: memory(), to: memory(), prepare }))
  })
}

const driver = drivers['better-sqlite3']
if (driver !== undefined && 'open' in driver) {
  t.test('file → SQLite keeps the contract', async (t) => {
    conforms(t, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'migrating-'))
      const database = driver.open(':memory:')
      await createTable(database)
      return {
        store: migratingStore({ from: fileStore({ directory: join(directory, 'sessions'), lockTimeout: 60 }), to: sqliteStore({ database }) }),
        close: () => {
          database.close()
          rmSync(directory, { recursive: true })
        }
      }
    })
  })
}

t.test('is refused what is no store', async (t) => {
  const invalid = { code: 'FST_TYPED_SESSION_INVALID_OPTION' }
  for (const wrong of [undefined, null, {}, 'redis://', { ...memory(), load: 1 }]) {
    t.throws(() => migratingStore({ from: wrong as unknown as SessionStore, to: memory() }), { ...invalid, message: /from/ })
    t.throws(() => migratingStore({ from: memory(), to: wrong as unknown as SessionStore }), { ...invalid, message: /to/ })
  }
})

t.test('promises, sweeps and finds no more than both stores do', async (t) => {
  const blind = () => connectStore({ get (_id, done) { done() }, set (_id, _session, done) { done() }, destroy (_id, done) { done() } })
  for (const store of [migratingStore({ from: blind(), to: memory() }), migratingStore({ from: memory(), to: blind() })]) {
    t.equal(store.atomic, false)
    t.equal(store.findBySubject, undefined)
    t.equal(await store.sweep?.(), 0)
  }
  t.equal(migratingStore({ from: blind(), to: blind() }).sweep, undefined)
})

t.test('sweeps and closes both, even if one of them fails', async (t) => {
  const done: string[] = []
  const part = (name: string, fails = false): SessionStore => Object.assign(memory(), {
    sweep: async () => { done.push(`sweep ${name}`); if (fails) throw new Error(name); return 1 },
    close: async () => { done.push(`close ${name}`); if (fails) throw new Error(name) }
  })
  const good = migratingStore({ from: part('a'), to: part('b') })
  t.equal(await good.sweep?.(), 2)
  const bad = migratingStore({ from: part('c', true), to: part('d') })
  await t.rejects(bad.sweep!(), { message: 'c' })
  await t.rejects(bad.close!(), { message: 'c' })
  t.strictSame(done, ['sweep a', 'sweep b', 'sweep c', 'sweep d', 'close c', 'close d'])
})

t.test('a session is read where it is, and moves with its subject when it is written', async (t) => {
  const [from, to] = [memory(), memory()]
  const store = migratingStore({ from, to })
  await from.create('id', 'first', later(), 'ann')
  t.equal(await store.load('id'), 'first')
  t.equal(to.size, 0, 'reading does not move')
  t.equal(await store.touch('id', later(120_000)), true)
  t.equal(to.size, 0, 'touching does not either: it does not know the subject')
  t.equal(await store.replace('id', 'other', 'second', later(), 'ann'), 'conflict')
  t.equal(to.size, 0)
  const deadline = later(90_000)
  t.equal(await store.replace('id', 'first', 'second', deadline, 'bob'), 'replaced')
  t.equal(from.size, 0)
  t.strictSame(await collect(to, 'bob'), [{ id: 'id', payload: 'second', expiresAt: deadline }])
  t.strictSame(await collect(to, 'ann'), [])
})

t.test('while preparing, a session stays where it is, and a new one begins in the old store', async (t) => {
  const [from, to] = [memory(), memory()]
  const store = migratingStore({ from, to, prepare: true })
  t.equal(await store.create('new', 'first', later(), 'ann'), true)
  t.equal(await store.replace('new', 'first', 'second', later(), 'ann'), 'replaced')
  t.equal(await from.load('new'), 'second')
  await to.create('moved', 'first', later())
  t.equal(await store.replace('moved', 'first', 'second', later()), 'replaced')
  t.equal(await to.load('moved'), 'second')
  t.equal(from.size + to.size, 2)
})

t.test('finds the sessions of a subject in both stores, each once, and none that has ended', async (t) => {
  const [from, to] = [memory(), memory()]
  const store = migratingStore({ from, to })
  for (const id of ['stays', 'moves', 'ends']) await from.create(id, 'payload', later(), 'ann')
  await store.create('new', 'payload', later(), 'ann')
  await store.replace('moves', 'payload', 'payload', later(), 'ann')
  from.delete = async () => { throw new Error('away') }
  await t.rejects(store.delete('ends'), { message: 'away' })
  t.strictSame((await collect(store, 'ann')).map(({ id }) => id).sort(), ['moves', 'new', 'stays'])
})

t.test('finds a session that moves from one store to the other while they are read', async (t) => {
  const [from, to] = [memory(), memory()]
  const store = migratingStore({ from, to })
  for (const id of ['a', 'b', 'c']) await from.create(id, 'payload', later(), 'ann')
  const found: string[] = []
  for await (const { id } of store.findBySubject!('ann')) {
    found.push(id)
    for (const id of ['a', 'b', 'c']) await store.replace(id, 'payload', 'payload', later(), 'ann')
  }
  t.strictSame(found.sort(), ['a', 'b', 'c'])
})

const operations = {
  load: (store: SessionStore) => store.load('id'),
  touch: (store: SessionStore) => store.touch('id', later()),
  delete: async (store: SessionStore) => { await store.delete('id') },
  save: (store: SessionStore, name: string) => store.replace('id', 'first', `second ${name}`, later(), 'ann'),
  again: (store: SessionStore) => store.replace('id', 'first', 'first', later(), 'ann')
}
type Operation = keyof typeof operations
/** Each by a process of its own. */
interface Step { readonly operation: Operation, readonly prepare: boolean }

/** What the stores can answer if each operation is one moment, in some order. */
async function possible (steps: readonly Step[]): Promise<string[]> {
  return await Promise.all(permutations([...steps.entries()]).map(async (order) => {
    const store = memory()
    await store.create('id', 'first', later(), 'ann')
    const answers: unknown[] = []
    for (const [index, { operation }] of order) answers[index] = await operations[operation](store, String(index))
    return JSON.stringify([answers.map((answer) => answer ?? null), await store.load('id'), (await collect(store, 'ann')).length])
  }))
}

async function race (steps: readonly Step[], choose: (waiting: number) => number): Promise<string> {
  const [from, to, interleaver] = [memory(), memory(), new Interleaver()]
  await from.create('id', 'first', later(), 'ann')
  const [slowFrom, slowTo] = [interleaver.wrap(from), interleaver.wrap(to)]
  const answers = await interleaver.run(steps.map(({ operation, prepare }, index) => () =>
    operations[operation](migratingStore({ from: slowFrom, to: slowTo, prepare }), String(index)) as Promise<unknown>), choose)
  const after = migratingStore({ from, to })
  return JSON.stringify([answers.map((answer) => answer ?? null), await after.load('id'), (await collect(after, 'ann')).length])
}

async function raceEvery (t: Test, steps: readonly Step[]): Promise<void> {
  const name = steps.map(({ operation, prepare }) => `${operation}${prepare ? ' (preparing)' : ''}`).join(' ∥ ')
  const expected = await possible(steps)
  const wrong = new Set<string>()
  const count = await everyOrder(async (choose) => {
    const outcome = await race(steps, choose)
    if (!expected.includes(outcome)) wrong.add(outcome)
  })
  t.strictSame([...wrong], [], `${name}: ${count} orders`)
}

t.test('R-2 R-4: two processes in every order: nothing is lost, nothing comes back, as if each call were one moment', async (t) => {
  const pairs: Array<[Operation, Operation]> = [
    ['save', 'save'], ['save', 'delete'], ['save', 'touch'], ['save', 'load'], ['save', 'again'], ['delete', 'delete'],
    ['delete', 'load'], ['delete', 'touch'], ['again', 'again'], ['again', 'load']
  ]
  for (const [a, b] of pairs) {
    for (const prepare of [false, true]) await raceEvery(t, [{ operation: a, prepare: false }, { operation: b, prepare }])
  }
  for (const other of ['delete', 'touch', 'load'] as const) {
    await raceEvery(t, [{ operation: 'save', prepare: true }, { operation: other, prepare: false }])
  }
})

t.test('R-2: of two processes that create an id which was deleted a moment ago one succeeds, in every order', async (t) => {
  for (const [first, second] of [[true, true], [true, false], [false, false]] as const) {
    const outcomes = new Set<string>()
    const count = await everyOrder(async (choose) => {
      const [from, to, interleaver] = [memory(), memory(), new Interleaver()]
      await migratingStore({ from, to, prepare: first }).create('id', 'before', later())
      await migratingStore({ from, to, prepare: first }).delete('id')
      const slow = { from: interleaver.wrap(from), to: interleaver.wrap(to) }
      const created = await interleaver.run([first, second].map((prepare, index) => () =>
        migratingStore({ ...slow, prepare }).create('id', `of process ${index}`, later())), choose)
      const kept = await migratingStore({ from, to }).load('id')
      outcomes.add(JSON.stringify([created.filter(Boolean).length, kept === `of process ${created.indexOf(true)}`, from.load('id')]))
    })
    t.strictSame([...outcomes], ['[1,true,null]'], `${first ? 'preparing' : 'moving'}, ${second ? 'preparing' : 'moving'}: ${count} orders`)
  }
})

t.test('R-2 R-4: three processes in orders drawn at random', async (t) => {
  const step = fc.record({ operation: fc.constantFrom(...Object.keys(operations) as Operation[]), prepare: fc.boolean() })
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 3 }), fc.array(fc.nat(2), { maxLength: 40 }), async (steps, choices) => {
    const outcome = await race(steps, (waiting) => (choices.shift() ?? 0) % waiting)
    const expected = await possible(steps)
    if (!expected.includes(outcome)) throw new Error(`${outcome} is none of\n${expected.join('\n')}`)
  }), { numRuns: 2000 })
  t.pass()
})

t.test('R-17: a process that dies after any call of a move leaves the session as it was or as it was saved', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) })
  t.teardown(() => mock.timers.reset())
  const left = new Set<string | null>()
  for (let steps = 0; steps < 6; steps++) {
    const [from, to, interleaver] = [memory(), memory(), new Interleaver()]
    await from.create('id', 'first', later(3_600_000), 'ann')
    const dying = migratingStore({ from: interleaver.wrap(from), to: interleaver.wrap(to) })
    let calls = 0
    await interleaver.run([() => dying.replace('id', 'first', 'second', later(3_600_000), 'ann')], () => calls++ < steps ? 0 : undefined)
    const store = migratingStore({ from, to })
    const found = await store.load('id')
    left.add(found)
    t.ok(found === 'first' || found === 'second', String(found))
    t.strictSame((await collect(store, 'ann')).map(({ payload }) => payload), [found])
    t.equal(await store.touch('id', later(3_600_000)), true)
    t.equal(await store.replace('id', found!, 'third', later(3_600_000), 'ann'), 'replaced')
    t.equal(await store.replace('id', 'third', 'a tombstone', later(10_000)), 'replaced')
    mock.timers.tick(20_000)
    t.equal(await store.load('id'), null, 'what was left behind does not outlive what took its place')
    t.equal(from.size, 0)
  }
  t.strictSame([...left], ['first', 'second'])
})

t.test('R-17: a session whose mover died is touched and deleted like any other', async (t) => {
  for (const [end, subject] of [['touch', 'ann'], ['touch', undefined], ['delete', 'ann']] as const) {
    const [from, to, interleaver] = [memory(), memory(), new Interleaver()]
    await from.create('id', 'first', later(), subject)
    const dying = migratingStore({ from: interleaver.wrap(from), to: interleaver.wrap(to) })
    let calls = 0
    await interleaver.run([() => dying.replace('id', 'first', 'second', later(), subject)], () => calls++ < 2 ? 0 : undefined)
    const store = migratingStore({ from, to })
    await store[end]('id', later())
    t.equal(await store.load('id'), end === 'touch' ? 'second' : null)
    t.equal(from.size, 0)
    t.equal((await collect(store, 'ann')).length, end === 'touch' && subject === 'ann' ? 1 : 0)
  }
})

t.test('a save that is kept is a success, even if the new store fails at that moment', async (t) => {
  const [from, to] = [memory(), memory()]
  await from.create('id', 'first', later(), 'ann')
  const create = to.create.bind(to)
  to.create = () => { throw new Error('away') }
  const store = migratingStore({ from, to })
  t.equal(await store.replace('id', 'first', 'second', later(), 'ann'), 'replaced')
  t.equal(await store.load('id'), 'second')
  await t.rejects(store.replace('id', 'second', 'third', later(), 'ann'), { message: 'away' })
  to.create = create
  t.equal(await store.replace('id', 'second', 'third', later(), 'ann'), 'replaced')
  t.equal(await to.load('id'), 'third')
})

const moving = 'fastify-typed-session: moving '
const damaged = ['', '\n', '[', '[1', '{}\npayload', 'null\npayload', '[]\npayload', '["1",null]\npayload', '[9e15]\npayload', '[9e15,5]\npayload', '[9e15,"ann"']

for (const rest of damaged) {
  t.test(`R-14: a move that left ${JSON.stringify(rest)} is no session, and no error`, async (t) => {
    const [from, to] = [memory(), memory()]
    const store = migratingStore({ from, to })
    await from.create('id', moving + rest, later(), 'ann')
    t.equal(await store.load('id'), null)
    t.equal(await store.touch('id', later()), false)
    t.equal(await store.replace('id', 'payload', 'second', later(), 'ann'), 'missing')
    t.strictSame(await collect(store, 'ann'), [])
    t.equal(to.size, 0)
    t.equal(await store.create('id', 'anew', later(), 'ann'), true)
    t.equal(await store.load('id'), 'anew')
    await store.delete('id')
    t.equal(await store.load('id'), null)
    t.equal(from.size, 0)
  })
}

t.test('R-12: a new store that says of every id that it is both taken and unknown makes a deletion fail, and not go on for ever', async (t) => {
  const to: SessionStore = Object.assign(memory(), { create: () => false, load: () => null })
  const store = migratingStore({ from: memory(), to })
  await t.rejects(store.delete('id'), { message: /deletes nothing/ })
  to.load = () => 'payload'
  to.replace = () => 'conflict'
  await t.rejects(store.delete('id'), { message: /deletes nothing/ })
})

async function appOn (t: Test, store: SessionStore) {
  const built = await buildApp(t, { backend: 'memory', store, subject: 'userId' })
  built.app.get('/login', async (request) => { sessionOf(request).userId = 'ann'; return {} })
  built.app.get('/visit', async (request) => ({ visits: ++sessionOf(request).visits, user: sessionOf(request).userId ?? null }))
  built.app.get('/read', async (request) => ({ visits: sessionOf(request).visits, user: sessionOf(request).userId ?? null }))
  built.app.get('/logout', async (request) => { await sessionOf(request).destroy(); return {} })
  return built
}

t.test('rolling deployments there and back again log nobody out', async (t) => {
  const [from, to] = [memory(), memory()]
  const old = await appOn(t, from)
  const preparing = await appOn(t, migratingStore({ from, to, prepare: true }))
  const moving = await appOn(t, migratingStore({ from, to }))
  const done = await appOn(t, to)
  const browser = old.newClient()
  const visit = async ({ app }: typeof old, url = '/visit') => {
    const response = await app.inject({ url, headers: { cookie: browser.header } })
    browser.take([response.headers['set-cookie'] ?? []].flat().map(String))
    return response.json()
  }
  await browser.get('/login')
  let visits = 0
  const deployments = [[old, preparing], [preparing, moving], [moving, preparing], [preparing, moving], [moving, done]]
  for (const processes of deployments) {
    for (const app of [...processes, ...processes]) {
      t.strictSame(await visit(app), { visits: ++visits, user: 'ann' })
      t.strictSame(await visit(app, '/read'), { visits, user: 'ann' })
    }
  }
  t.equal(from.size, 0, 'it has moved')
  const copy = browser.header
  await visit(moving, '/logout')
  for (const { app } of [old, preparing, moving, done]) {
    const answer = await app.inject({ url: '/read', headers: { cookie: copy } })
    t.strictSame(answer.json(), { visits: 0, user: null }, 'once ended, it is ended for all')
  }
})

t.test('a login and a logout in the middle of a deployment, in either process, are seen by both', async (t) => {
  for (const order of [[0, 1], [1, 0]] as const) {
    const [from, to] = [memory(), memory()]
    const processes = [await appOn(t, migratingStore({ from, to, prepare: true })), await appOn(t, migratingStore({ from, to }))] as const
    const [first, second] = [processes[order[0]], processes[order[1]]]
    await first.client.get('/visit')
    const before = first.client.header
    await first.client.get('/login')
    const after = first.client.header
    const read = async (cookie: string) => (await second.app.inject({ url: '/read', headers: { cookie } })).json().user
    t.equal(await read(after), 'ann')
    t.equal(await read(before), null, 'the id from before the login is worth nothing')
    await second.app.inject({ url: '/logout', headers: { cookie: after } })
    t.equal((await first.app.inject({ url: '/read', headers: { cookie: after } })).json().user, null)
  }
})
