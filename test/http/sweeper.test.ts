import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionStore } from '../../types/index.js'
import { buildApp, settled } from '../support/app.js'
import { pass, stopTime, timed } from '../support/clock.js'
import { watchProcess } from '../support/process-events.js'

function sweepable (sweep: () => Promise<number>): SessionStore {
  const memory = memoryStore()
  return {
    create: memory.create.bind(memory),
    load: memory.load.bind(memory),
    replace: memory.replace.bind(memory),
    touch: memory.touch.bind(memory),
    delete: memory.delete.bind(memory),
    sweep
  }
}

/** Sweeps at these times, in seconds, if `Math.random` is always `random`. */
async function sweepsWith (t: Test, random: number, sweepEvery: number | undefined, step: number, steps: number): Promise<number[]> {
  const times: number[] = []
  await t.test(`with ${random}`, async t => {
    stopTime(t)
    const start = Date.now()
    const { random: original } = Math
    Math.random = () => random
    t.teardown(() => { Math.random = original })
    await buildApp(t, { backend: 'memory', store: sweepable(async () => { times.push((Date.now() - start) / 1_000); return 0 }), ...(sweepEvery !== undefined && { sweepEvery }) })
    for (let index = 0; index < steps; index++) {
      pass(step * 1_000)
      await settled()
    }
  })
  return times
}

t.test('a store is swept every sweepEvery seconds, or up to half as much later', async t => {
  t.strictSame(await sweepsWith(t, 0, undefined, 100, 20), [600, 1_200, 1_800])
  t.strictSame(await sweepsWith(t, 0.999999, 100, 10, 40), [150, 300])
  t.strictSame(await sweepsWith(t, 0, 0, 1_000, 10), [])
})

t.test('a sweep once a year does not become one every millisecond, as timers do that are too long', async t => {
  t.strictSame(await sweepsWith(t, 0, 365 * 86_400, 10, 10), [])
})

t.test('a sweep that fails is in the log, and the next one comes', async t => {
  stopTime(t)
  const { uncaught } = watchProcess(t)
  let sweeps = 0
  const { logs } = await buildApp(t, { backend: 'memory', sweepEvery: 10, store: sweepable(async () => { sweeps++; throw new Error('disk gone') }) })
  for (let second = 0; second < 40; second++) {
    pass(1_000)
    await settled()
  }
  t.ok(sweeps >= 2)
  t.match(logs.find(({ msg }) => /could not be swept/.test(String(msg))), { level: 50, err: { message: 'disk gone' } })
  t.strictSame(uncaught, [])
})

t.test('a sweep that throws at once does no harm either', async t => {
  stopTime(t)
  const { uncaught } = watchProcess(t)
  const { logs } = await buildApp(t, { backend: 'memory', sweepEvery: 10, store: sweepable(() => { throw new Error('thrown at once') }) })
  pass(15_000)
  await settled()
  t.match(logs.find(({ msg }) => /could not be swept/.test(String(msg))), { level: 50 })
  t.strictSame(uncaught, [])
})

t.test('R-28: a sweep that never ends is in the log after sweepEvery seconds, and the next one comes, each later than the one before', async t => {
  stopTime(t)
  const { uncaught } = watchProcess(t)
  t.intercept(Math, 'random', { value: () => 0 })
  let sweeps = 0
  const ends: Array<(error?: Error) => void> = []
  const store = sweepable(async () => {
    sweeps++
    await new Promise<void>((resolve, reject) => ends.push((error) => { if (error) reject(error); else resolve() }))
    return 1
  })
  const { logs } = await buildApp(t, { backend: 'memory', sweepEvery: 10, store })
  const seconds = async (count: number) => {
    for (let second = 0; second < count; second++) {
      pass(1_000)
      await settled()
    }
  }
  const reported = () => logs.filter(({ msg }) => /could not be swept/.test(String(msg))).length
  await seconds(19)
  t.equal(sweeps, 1)
  t.equal(reported(), 0)
  await seconds(1)
  t.match(logs.find(({ msg }) => /could not be swept/.test(String(msg))), { level: 50, err: { message: 'the sweep has not ended after 10000 ms' } })
  await seconds(19)
  t.equal(sweeps, 1)
  await seconds(1)
  t.equal(sweeps, 2, 'after twice the time')
  await seconds(10 + 39)
  t.equal(sweeps, 2)
  await seconds(1)
  t.equal(sweeps, 3, 'and the one after that later still: a slow server gets no more work for being slow')
  ends[2]!()
  ends[0]!(new Error('too late to matter'))
  ends[1]!()
  await settled()
  await seconds(9)
  t.equal(sweeps, 3)
  await seconds(1)
  t.equal(sweeps, 4, 'one after the other, however late the first ones ended')
  t.equal(reported(), 2)
  ends[3]!()
  t.strictSame(uncaught, [])
})

t.test('close() waits for a sweep under way, closes the store after it, and sweeps no more', async t => {
  stopTime(t)
  const order: string[] = []
  let finish = () => {}
  const store = sweepable(async () => { order.push('sweep'); await new Promise<void>((resolve) => { finish = resolve }); order.push('swept'); return 1 })
  store.close = async () => { order.push('closed') }
  const { app } = await buildApp({ teardown: () => {} }, { backend: 'memory', sweepEvery: 10, store })
  pass(15_000)
  await settled()
  const closing = app.close()
  await settled()
  t.strictSame(order, ['sweep'])
  finish()
  await closing
  t.strictSame(order, ['sweep', 'swept', 'closed'])
  pass(100_000)
  await settled()
  t.equal(order.length, 3)
})

t.test('I13, R-28: close() does not wait for ever for a sweep that hangs', async t => {
  stopTime(t)
  const { uncaught } = watchProcess(t)
  let closed = false
  const store = sweepable(async () => await new Promise<never>(() => {}))
  store.close = async () => { closed = true }
  const { app } = await buildApp({ teardown: () => {} }, { backend: 'memory', sweepEvery: 10, store })
  pass(15_000)
  await settled()
  const { took } = await timed(app.close(), 100, 60_000)
  t.ok(took <= 10_000, `closed after ${took} ms`)
  t.ok(closed)
  t.strictSame(uncaught, [])
})

t.test('the timer does not keep the process alive', async t => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  await buildApp(t, { backend: 'memory' })
  t.equal(timers(), before)
})
