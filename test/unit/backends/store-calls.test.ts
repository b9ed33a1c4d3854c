import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { StoreCalls } from '../../../lib/backends/store-calls.js'
import { memoryStore } from '../../../lib/stores/memory.js'
import { stopTime, timed } from '../../support/clock.js'
import type { SessionStore } from '../../../types/index.js'

const FAILED = 'FST_TYPED_SESSION_STORE_FAILED'
const until = () => Date.now() + 60_000

/** The clock of steps stands still with the others. */
function stopClocks (t: Test): void {
  stopTime(t)
  mock.method(performance, 'now', () => Date.now())
  t.teardown(() => mock.restoreAll())
}

/** A memory store each of whose calls takes so many milliseconds. */
function slow (took: number): SessionStore & { calls: number } {
  const store = memoryStore()
  const late = async <T>(answer: () => T): Promise<T> => {
    members.calls++
    await new Promise((resolve) => setTimeout(resolve, took))
    return answer()
  }
  const members: SessionStore & { calls: number } = {
    calls: 0,
    name: 'slowStore',
    create: (...args) => late(() => store.create(...args)),
    load: (id) => late(() => store.load(id)),
    replace: (...args) => late(() => store.replace(...args)),
    touch: (...args) => late(() => store.touch(...args)),
    delete: (id) => late(() => store.delete(id)),
    async * findBySubject (subject) { for await (const record of store.findBySubject(subject)) yield await late(() => record) }
  }
  return members
}

t.test('what has no answer in time names the store, the call and the option', async (t) => {
  stopClocks(t)
  const calls = new StoreCalls(slow(3_000), 2_000)
  const cases: Array<[string, () => unknown]> = [
    ['create', () => calls.create('id', 'payload', until())],
    ['load', () => calls.load('id')],
    ['replace', () => calls.replace('id', 'payload', 'second', until())],
    ['delete', () => calls.delete('id')]
  ]
  for (const [name, call] of cases) {
    const { value, took } = await timed((async () => await call())().catch((error: unknown) => error))
    t.match(value, { code: FAILED, statusCode: 503, message: 'The session is unavailable', cause: { message: `${name}() of slowStore had no answer within 2000 ms (storeTimeout)` } })
    t.equal(took, 2_000)
  }
})

t.test('what fails names the store and the call, and a store without a name is the session store', async (t) => {
  const store = memoryStore()
  store.load = () => { throw new Error('read ECONNRESET') }
  t.throws(() => new StoreCalls(store, 2_000).load('id'), { code: FAILED, cause: { message: 'load() of memoryStore failed: read ECONNRESET' } })
  const { name: _, ...nameless } = { ...slow(0), load: async () => { throw new Error('read ECONNRESET') } }
  await t.rejects(async () => await new StoreCalls(nameless, 2_000).load('id'), { code: FAILED, cause: { message: 'load() of the session store failed: read ECONNRESET' } })
})

t.test('a step has one time limit for all its calls, and a call that would come too late is not made', async (t) => {
  stopClocks(t)
  const store = slow(900)
  const calls = new StoreCalls(store, 2_000)
  const step = { until: 0 }
  const all = async () => {
    await calls.create('id', 'payload', until(), 'ann', step)
    await calls.load('id', step)
    await calls.replace('id', 'payload', 'second', until(), 'ann', step)
  }
  const { value, took } = await timed(all().catch((error: unknown) => error))
  t.match(value, { code: FAILED, cause: { message: /^replace\(\) of slowStore had no answer/ } })
  t.equal(took, 2_000)
  const made = store.calls
  t.throws(() => calls.delete('id', step), { code: FAILED, cause: { message: /^delete\(\) of slowStore had no answer/ } })
  t.equal(store.calls, made)
})

t.test('calls without a step have their own time each, and so has each record of a search', async (t) => {
  stopClocks(t)
  const store = slow(900)
  const calls = new StoreCalls(store, 1_000)
  const all = async () => {
    for (const id of ['1', '2', '3']) await calls.create(id, 'payload', until(), 'ann')
    let found = 0
    for await (const { payload } of calls.findBySubject('ann')) found += payload.length
    return found
  }
  t.equal((await timed(all())).value, 3 * 'payload'.length)
  const search = async () => {
    const found = calls.findBySubject('ann', { until: 0 })
    for (let count = 0; count < 3; count++) await found.next()
  }
  const { value } = await timed(search().catch((error: unknown) => error))
  t.match(value, { code: FAILED, cause: { message: /^findBySubject\(\) of slowStore/ } }, 'in a step it has that of the step')
})

t.test('a store that answers at once costs a step no look at the clock', async (t) => {
  const calls = new StoreCalls(memoryStore(), 2_000)
  const step = { until: 0 }
  t.equal(calls.create('id', 'payload', until(), undefined, step), true)
  t.equal(calls.load('id', step), 'payload')
  t.equal(step.until, 0)
})

t.test('a call that holds the process up past the end of a step still has its answer, and Node warns of nothing', async (t) => {
  let now = 1_000
  mock.method(performance, 'now', () => now)
  const warnings: string[] = []
  const onWarning = ({ name }: Error) => { warnings.push(name) }
  process.on('warning', onWarning)
  t.teardown(() => {
    mock.restoreAll()
    process.off('warning', onWarning)
  })
  const store = { ...slow(0), load: async () => { now += 1_500; return 'payload' } }
  const calls = new StoreCalls(store, 1_000)
  const step = { until: 1_900 }
  t.equal(await calls.load('id', step), 'payload')
  await new Promise(setImmediate)
  t.strictSame(warnings, [])
})
