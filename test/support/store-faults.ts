import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { AsyncStore } from '../../types/store.js'
import { busy } from './busy.js'
import type { Proxy, ProxyMode } from './proxy.js'
import type { RunningServer } from './redis-servers.js'

/** A store whose client reaches a real server through a proxy. */
export interface FaultScene {
  store: AsyncStore
  proxy: Proxy
  server: RunningServer
}

/** Milliseconds within which a client with the recommended options has an answer or an error. */
const deadline = 2000
/** Milliseconds within which it is back once the server is. */
const recovery = 1000

const inAnHour = () => Date.now() + 3_600_000
const payloadOf = (id: string) => `${id}:`.repeat(2000)

/** How a call ended: its value, an error, or `'late'`. */
async function outcomeOf<T> (call: () => Promise<T>): Promise<{ value: T } | { error: unknown } | 'late'> {
  const late = new AbortController()
  const outcome = await Promise.race([
    call().then(value => ({ value }), (error: unknown) => ({ error })),
    sleep(deadline + busy(), 'late' as const, { signal: late.signal })
  ])
  late.abort()
  return outcome
}

/** Every call of the contract rejects in time: none is answered, not even with "no such session". */
async function allReject (t: Test, { store }: FaultScene): Promise<void> {
  const calls: Record<string, () => Promise<unknown>> = {
    load: () => store.load('a'),
    create: () => store.create('new', 'payload', inAnHour()),
    replace: () => store.replace('a', payloadOf('a'), payloadOf('a'), inAnHour()),
    touch: () => store.touch('a', inAnHour()),
    delete: () => store.delete('absent')
  }
  await Promise.all(Object.entries(calls).map(async ([name, call]) => {
    const outcome = await outcomeOf(call)
    t.ok(outcome !== 'late' && 'error' in outcome && outcome.error instanceof Error, `${name} rejects: ${JSON.stringify(outcome).slice(0, 80)}`)
  }))
}

/** Back within a second, and each session is still its own. */
async function recovers (t: Test, { store }: FaultScene, ids = ['a', 'b']): Promise<void> {
  const start = Date.now()
  while ('error' in Object(await outcomeOf(() => store.load('a'))) && Date.now() - start < 5000) await sleep(20)
  t.ok(Date.now() - start <= recovery + busy(), `recovered after ${Date.now() - start} ms`)
  for (const id of ids) t.equal(await store.load(id), payloadOf(id), `${id} is itself`)
}

/** The same faults for every store that talks to a server over TCP. R-11 … R-15. */
export async function storeFaults (t: Test, scene: FaultScene): Promise<void> {
  const { store, proxy, server } = scene
  const unhandled: unknown[] = []
  const note = (error: unknown) => { unhandled.push(error) }
  process.on('unhandledRejection', note)
  t.teardown(() => { process.removeListener('unhandledRejection', note) })
  for (const id of ['a', 'b']) await store.create(id, payloadOf(id), inAnHour())

  const faults: Record<string, ProxyMode> = {
    'R-11 refused': { kind: 'refuse' },
    'R-11 reset': { kind: 'reset' },
    'R-12 no answer': { kind: 'hang' },
    'R-13 answers that are too slow': { kind: 'delay', milliseconds: 5000 },
    'R-11 closed before the answer': { kind: 'cut', bytes: 0 }
  }
  for (const [name, mode] of Object.entries(faults)) {
    await t.test(`${name}: every call rejects in time, and the next one after it is back`, async t => {
      await proxy.set(mode)
      await allReject(t, scene)
      await proxy.set({ kind: 'pass' })
      await recovers(t, scene)
    })
  }

  await t.test('R-12 a stopped server: every call rejects in time, connections stay few', async t => {
    await server.signal('SIGSTOP')
    await allReject(t, scene)
    await Promise.all(Array.from({ length: 50 }, () => outcomeOf(() => store.load('a'))))
    t.ok(proxy.connections <= 10, `${proxy.connections} connections`)
    await server.signal('SIGCONT')
    await recovers(t, scene)
  })

  await t.test('R-12 connections that died without a word are given up, and new ones made', async t => {
    await proxy.set({ kind: 'lose' })
    const start = Date.now()
    while ('error' in Object(await outcomeOf(() => store.load('a'))) && Date.now() - start < 10_000) await sleep(20)
    t.ok(Date.now() - start <= deadline + recovery + busy(), `recovered after ${Date.now() - start} ms`)
    await proxy.set({ kind: 'pass' })
    await recovers(t, scene)
  })

  await t.test('R-13 slow answers are answers', async t => {
    await proxy.set({ kind: 'delay', milliseconds: 200 })
    t.equal(await store.load('a'), payloadOf('a'))
    await proxy.set({ kind: 'pass' })
  })

  await t.test('R-14 an answer cut short anywhere is an error, never a part of a session or of another one', async t => {
    for (const bytes of [1, 2, 3, 5, 10, 50, 100, 1000, 3999, 6000, 9000]) {
      await proxy.set({ kind: 'cut', bytes })
      const outcomes = await Promise.all(['a', 'b', 'a', 'b'].map(id => outcomeOf(() => store.load(id))))
      for (const [index, outcome] of outcomes.entries()) {
        const torn = outcome === 'late' || ('value' in outcome && outcome.value !== payloadOf('abab'[index]!))
        t.notOk(torn, `${bytes} bytes, load ${index}`)
      }
      await proxy.set({ kind: 'pass' })
      await recovers(t, scene)
    }
  })

  await t.test('R-15 killed while requests run and started again: errors or the truth, then at once back', async t => {
    const state = { running: true }
    const loads = Array.from({ length: 20 }, async (_, index) => {
      const id = index % 2 === 0 ? 'a' : 'b'
      while (state.running) {
        const outcome = await outcomeOf(() => store.load(id))
        const wrong = outcome === 'late' || ('value' in outcome && outcome.value !== null && outcome.value !== payloadOf(id))
        if (wrong) t.fail(`load of ${id}: ${JSON.stringify(outcome).slice(0, 80)}`)
        await sleep(5)
      }
    })
    await sleep(50)
    await server.signal('SIGKILL')
    await allReject(t, scene)
    await server.restart()
    const kept: string[] = []
    await recovers(t, scene, kept)
    state.running = false
    await Promise.all(loads)
    t.type(await store.create('after', 'payload', inAnHour()), 'boolean')
    t.equal(await store.load('after'), 'payload')
  })

  t.same(unhandled, [], 'no rejection was left unhandled')
}
