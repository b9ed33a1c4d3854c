// Failures as an application's visitors see them: the same for every store over TCP, and beside them what
// `test/stores/<engine>/failures.ts` adds.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { busy } from '../support/busy.js'
import { clientOptions } from '../support/client-options.js'
import { openStore, type Reachable } from '../support/engine.js'
import { type DeadlyScene, type EngineFailures, failuresOf, type FaultScene } from '../support/engine-failures.js'
import { eachStore, type StoreRow } from '../support/engines.js'
import { RECOVERY, STORE_TIMEOUT, visitors } from '../support/fault-visitors.js'
import { watchProcess } from '../support/process-events.js'
import { type ProxyMode, startProxy } from '../support/proxy.js'
import { waitUntil } from '../support/server-process.js'
import { skipOrFail } from '../support/skip.js'

const FAULTS: Record<string, ProxyMode> = {
  'R-11 refused': { kind: 'refuse' },
  'R-11 reset': { kind: 'reset' },
  'R-11 closed before the answer': { kind: 'cut', bytes: 0 },
  'R-12 no answer': { kind: 'hang' },
  'R-13 answers that are too slow': { kind: 'delay', milliseconds: 1000 * STORE_TIMEOUT + 4500 }
}

async function overTheNetwork (t: Test, row: StoreRow, behind: Reachable, own: EngineFailures['ofServer']) {
  const { server } = row.running
  const proxy = await startProxy(behind.port, behind.host)
  const { store, close } = await openStore({ ...row.address, at: behind.through(proxy.port) }, { options: clientOptions })
  t.teardown(async () => {
    await close()
    await proxy.close()
  })
  const people = await visitors(t, store)
  const lenient = await visitors(t, store, { onStoreError: 'anonymous' })
  await people.begin(8)
  await lenient.begin(2)
  const scene = { row, behind, proxy, people, lenient }
  await throughTheProxy(t, scene)
  if (server) await stopped(t, { ...scene, server })
  await dying(t, scene)
  if (server) await killed(t, { ...scene, server })
  await downAtStart(t, scene)
  await people.recover()
  if (server) await own?.(t, { ...scene, server })
}

async function throughTheProxy (t: Test, { proxy, people, lenient }: FaultScene) {
  for (const [name, mode] of Object.entries(FAULTS)) {
    await t.test(`${name}: everybody is answered in time, with a 503 or as the policy says, and is back at once`, async t => {
      await proxy.set(mode)
      const [seen, read, written] = await Promise.all([people.everybody(), lenient.everybody('read'), lenient.everybody('write')])
      t.strictSame(seen, ['unavailable'])
      t.strictSame(read, ['anonymous'], 'who may read without a session does')
      t.strictSame(written, ['unavailable'], 'and opens no new one over it')
      await proxy.set({ kind: 'pass' })
      await people.recover()
      await lenient.recover()
    })
  }

  await t.test('R-13 slow answers are answers', async t => {
    await proxy.set({ kind: 'delay', milliseconds: 100 })
    t.strictSame(await people.everybody(), ['served'])
    await proxy.set({ kind: 'pass' })
  })

  await t.test('R-14 answers cut anywhere are a 503 or the truth', async t => {
    const seen = new Set<string>()
    for (const bytes of [1, 5, 20, 60, 150, 300, 600]) {
      await proxy.set({ kind: 'cut', bytes })
      for (const outcome of await people.everybody()) seen.add(outcome)
      await proxy.set({ kind: 'pass' })
      await people.recover()
    }
    t.notOk(seen.has('anonymous'), 'a cut answer is not "no such session"')
    t.ok(seen.has('unavailable'))
  })
}

async function stopped (t: Test, { server, people, proxy }: DeadlyScene) {
  await t.test('R-12, R-20 a stopped server: with every connection of the pool waiting, everybody is answered in time', async t => {
    await server.signal('SIGSTOP')
    for (let round = 0; round < 3; round++) t.strictSame(await people.everybody(), ['unavailable'])
    t.ok(proxy.connections <= 12, `${proxy.connections} connections`)
    await server.signal('SIGCONT')
    await people.recover()
  })
}

async function dying (t: Test, { proxy, people, row: { kind, address } }: FaultScene) {
  if (!kind.keepsDeadConnections?.includes(address.client)) {
    await t.test('R-12 connections that died without a word are given up, and new ones made', async () => {
      await proxy.set({ kind: 'lose' })
      await people.recover({ within: 3000 })
      await proxy.set({ kind: 'pass' })
    })
    return
  }
  await t.test('R-12 connections that died without a word: everybody is answered in time, and is back once they are closed', async t => {
    await proxy.set({ kind: 'lose' })
    for (let round = 0; round < 3; round++) t.notOk((await people.everybody()).includes('anonymous'))
    await proxy.set({ kind: 'reset' })
    await proxy.set({ kind: 'pass' })
    await people.recover()
  })
}

async function killed (t: Test, { server, people, row: { abilities: { durable, flushes } } }: DeadlyScene) {
  await t.test('R-15 killed while requests run and started again: 503 or the truth, and nobody is somebody else', async t => {
    const stop = people.hammer()
    // A busy machine may take its time to ask.
    await waitUntil('somebody was served', async () => stop.seen.has('served'))
    await server.signal('SIGKILL')
    await waitUntil('somebody was told', async () => stop.seen.has('unavailable'))
    await server.restart()
    await sleep(RECOVERY)
    const seen = await stop()
    // A server that is away is not "no such session".
    t.equal((seen.get('anonymous') ?? 0) > 0, !durable)
    if (durable) await people.recover({ lossy: !flushes })
  })

  await t.test('R-15 afterwards sessions begin and last as before', async t => {
    people.forget()
    await people.begin(4)
    t.strictSame(await people.everybody('write'), ['served'])
    await people.whole()
  })
}

async function downAtStart (t: Test, { row, behind, proxy }: FaultScene) {
  await t.test('R-10 an application whose server is down at its start serves everything else, and sessions once it is up', async t => {
    await proxy.set({ kind: 'refuse' })
    const { store, close } = await openStore({ ...row.address, at: behind.through(proxy.port) }, { options: clientOptions, down: true })
    t.teardown(close)
    const late = await visitors(t, store)
    late.app.get('/health', { config: { session: false } }, async () => 'ok')
    t.equal((await late.app.inject('/health')).body, 'ok')
    t.equal((await late.run((session) => session.isNew)).value, true, 'who has no cookie needs no store to read')
    const refused = await late.run((session) => { session.visits = 1 })
    t.equal(refused.statusCode, 503)
    await proxy.set({ kind: 'pass' })
    const start = performance.now()
    while ((await late.run((session) => { session.visits = 1 })).statusCode !== 200 && performance.now() - start < 10_000) await sleep(20)
    const took = Math.round(performance.now() - start)
    t.ok(took <= RECOVERY + busy(), `up after ${took} ms`)
    await late.begin(2)
    t.strictSame(await late.everybody(), ['served'])
  })
}

await eachStore({ atomic: true, apart: true }, async (t, row) => {
  const { behind } = row.running
  const own = await failuresOf(row.address.engine)
  if (behind === undefined && own.ofStore === undefined) return skipOrFail(t, `${row.name} is no single server that a proxy could stand before`)
  const { uncaught } = watchProcess(t)
  if (behind) await overTheNetwork(t, row, behind, own.ofServer)
  await own.ofStore?.(t, row)
  t.strictSame(uncaught, [], 'nothing was left unhandled')
})
