import { mock } from 'node:test'
import { execFileSync } from 'node:child_process'
import assert from 'node:assert/strict'
import t from 'tap'
import fc from 'fast-check'
import { memoryStore } from '../../../lib/stores/memory.js'
import { createSubjectIndex } from '../../../lib/stores/internal/memory/subjects.js'
import type { MemoryStore } from '../../../lib/stores/memory.js'

const later = (): number => Date.now() + 60_000

const subjectIds = async (store: MemoryStore, subject: string): Promise<string[]> => {
  const found: string[] = []
  for await (const { id } of store.findBySubject(subject)) found.push(id)
  return found
}

t.test('a deadline is kept to the millisecond', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1000 })
  t.teardown(() => mock.timers.reset())
  const store = memoryStore()
  await store.create('id', 'payload', 2000)
  mock.timers.setTime(1999)
  t.equal(await store.load('id'), 'payload')
  mock.timers.setTime(2000)
  t.equal(await store.load('id'), null)
  t.equal(store.size, 0, 'and the record is let go')
})

t.test('R-25 neither limit is ever exceeded, and the least recently used goes first', async (t) => {
  const store = memoryStore({ maxEntries: 3 })
  for (const id of ['a', 'b', 'c']) await store.create(id, id, later(), 'ann')
  await store.load('a')
  await store.touch('b', later())
  await store.create('d', 'd', later(), 'ann')
  t.equal(await store.load('c'), null, 'evicted is not there, and no error')
  t.equal(await store.replace('c', 'c', 'back', later()), 'missing')
  t.same((await subjectIds(store, 'ann')).sort(), ['a', 'b', 'd'])
})

t.test('R-25 the subject index forgets what is evicted, deleted, expired or swept', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1000 })
  t.teardown(() => mock.timers.reset())
  const store = memoryStore({ maxEntries: 4 })
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await store.create(id, id, id < 'f' ? 2000 : 3000, id)
  t.equal(store.subjects, 4, 'two are evicted')
  await store.delete('c')
  t.equal(store.subjects, 3)
  mock.timers.setTime(2000)
  await store.load('d')
  t.equal(store.subjects, 2)
  const swept = store.sweep()
  await store.delete('f')
  t.equal(await swept, 1)
  t.equal(store.subjects, 0)
})

t.test('what is deleted while sweep goes from batch to batch is not counted', async (t) => {
  const store = memoryStore()
  for (let index = 0; index < 1500; index++) await store.create(`${index}`, '', Date.now() - 1)
  const swept = store.sweep()
  const left = store.size
  for (let index = 0; index < 1500; index++) await store.delete(`${index}`)
  t.equal(await swept, 1500 - left)
})

t.test('R-25 half a million inserts stay within the cap in entries and bytes', async (t) => {
  const store = memoryStore({ maxEntries: 5000, maxBytes: 2_000_000 })
  let most = 0
  for (let index = 0; index < 500_000; index++) {
    await store.create(`session:${index}`, 'x'.repeat(index % 500), later(), `user ${index % 7000}`)
    if (store.size > 5000 || store.bytes > 2_000_000) most = index
  }
  t.equal(most, 0)
  t.ok(store.size > 1000, `${store.size} are kept`)
})

t.test('R-25 one large session drives out as many as it needs and no more', async (t) => {
  const store = memoryStore({ maxBytes: 2_000_000 })
  for (let index = 0; index < 5000; index++) await store.create(`small ${index}`, 'x'.repeat(100), later(), 'ann')
  const before = store.size
  await store.create('large', 'x'.repeat(1_000_000), later())
  t.ok(store.bytes <= 2_000_000)
  t.equal((await store.load('large'))?.length, 1_000_000)
  t.ok(store.size > before / 3, `${store.size} of ${before} stay`)
  t.equal((await subjectIds(store, 'ann')).length, store.size - 1, 'the subject index forgot what was driven out')
})

t.test('a session larger than the whole store is refused, and what was there stays', async (t) => {
  const store = memoryStore({ maxBytes: 1000 })
  t.throws(() => store.create('id', 'x'.repeat(1000), later()), RangeError)
  t.equal(await store.create('id', 'small', later(), 'ann'), true)
  t.throws(() => store.replace('id', 'small', 'x'.repeat(1000), later(), 'bob'), RangeError)
  t.equal(await store.load('id'), 'small')
  t.same(await subjectIds(store, 'ann'), ['id'])
  t.same(await subjectIds(store, 'bob'), [])
})

t.test('text that needs two bytes per character counts twice', async (t) => {
  const store = memoryStore()
  await store.create('a', 'x'.repeat(1000), later())
  const narrow = store.bytes
  await store.create('b', 'ж'.repeat(1000), later())
  t.equal(store.bytes - narrow, narrow + 1000)
})

t.test('sweep lets other work go on between its batches', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1000 })
  t.teardown(() => mock.timers.reset())
  const store = memoryStore()
  for (let index = 0; index < 2500; index++) await store.create(`${index}`, '', index < 5 ? 9000 : 2000, 'ann')
  mock.timers.setTime(2000)
  let turns = 0
  const count = (): void => { turns++; if (store.size > 5) setImmediate(count) }
  setImmediate(count)
  t.equal(await store.sweep(), 2495)
  t.ok(turns >= 2, `${turns} turns`)
  t.equal(store.size, 5)
  t.equal((await subjectIds(store, 'ann')).length, 5)
})

t.test('the subject index holds what a Map of Sets would, and nothing for a subject without sessions', async (t) => {
  const step = fc.record({ add: fc.boolean(), subject: fc.constantFrom('a', 'b', '__proto__'), id: fc.constantFrom('1', '2', '3') })
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const index = createSubjectIndex()
    const model = new Map<string, Set<string>>()
    for (const { add, subject, id } of steps) {
      const ids = model.get(subject) ?? new Set()
      model.set(subject, ids)
      if (add) ids.add(id)
      else ids.delete(id)
      index[add ? 'add' : 'remove'](subject, id)
    }
    for (const [subject, ids] of model) assert.deepEqual(index.ids(subject).sort(), [...ids].sort())
    assert.equal(index.size, [...model.values()].filter((ids) => ids.size > 0).length)
  }), { numRuns: 1000 })
  t.pass()
})

for (const [name, value] of [['maxEntries', 0], ['maxEntries', 1.5], ['maxEntries', 2 ** 25], ['maxBytes', -1], ['maxBytes', NaN], ['maxBytes', '1']]) {
  t.test(`${name}: ${value} is refused`, async (t) => {
    t.throws(() => memoryStore({ [name as string]: value }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: new RegExp(name as string) })
  })
}

t.test('in production, and only there, it says once that it is neither shared nor durable', async (t) => {
  const program = `
    import { memoryStore } from ${JSON.stringify(new URL('../../../lib/stores/memory.js', import.meta.url).href)}
    const codes = []
    process.on('warning', ({ code }) => codes.push(code))
    memoryStore()
    memoryStore()
    setImmediate(() => console.log(codes.join()))
  `
  const run = (NODE_ENV: string) => execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], {
    env: { ...process.env, NODE_ENV, NODE_NO_WARNINGS: '1' }, encoding: 'utf8', cwd: new URL('../../..', import.meta.url)
  }).trim()
  t.equal(run('production'), 'FST_TYPED_SESSION_MEMORY_STORE')
  t.equal(run('development'), '')
})
