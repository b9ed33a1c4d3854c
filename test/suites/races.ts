// What parallel requests do to a session, on every store that keeps its contract under parallel writes.
import { mock } from 'node:test'
import type { Test } from 'tap'
import { eachStore, type StoreRow } from '../support/engines.js'
import { httpApp } from '../support/http-scene.js'
import { met, race } from '../support/race.js'
import type { Operation } from '../support/race-app.js'
import { raceProcesses } from '../support/race-processes.js'
import { everyRace, PERIODIC, raceTrack, randomRaces } from '../support/races.js'
import { later } from '../support/store-cases.js'

const seed = Number(process.env.RACE_SEED ?? 20_251_121)
const numRuns = Number(process.env.RACE_RUNS ?? 12)

/** Small enough to try all their interleavings, or the first of them. */
const PROGRAMS: ReadonlyArray<readonly Operation[]> = [['writeA', 'destroy'], ['add', 'add'], ['login', 'writeB'], ['rotate', 'rotate']]

async function drawnRaces (t: Test, { store }: StoreRow) {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => mock.timers.reset())
  const tick = (milliseconds: number) => mock.timers.tick(milliseconds)
  const track = raceTrack(() => store, tick)
  const periodic = raceTrack(() => store, tick, PERIODIC)
  t.teardown(async () => await Promise.all([track.close(), periodic.close()]))
  for (const program of PROGRAMS) t.ok(await everyRace(track, program, numRuns) > 1, program.join(' ∥ '))
  for (const length of [3, 5]) {
    await randomRaces(track, { length, numRuns, seed })
    await randomRaces(periodic, { length, numRuns, seed })
  }
}

/**
 * What many tabs, or a page with many requests, do to one session of one process: 64 at a time, each again and again, so
 * that whoever has lost a race meets others that are fresh.
 */
async function manyUpdates (t: Test, { store, address: { client } }: StoreRow) {
  const rounds = ['ioredis', 'node-redis'].includes(client) ? 10 : 1
  const { run, read, client: visitor } = await httpApp(t, store, { storeTimeout: 30 })
  await run((session) => { session.visits = 0; session.note = 'begun' })
  const refused: string[] = []
  await Promise.all(Array.from({ length: 64 }, async () => {
    for (let round = 0; round < rounds; round++) {
      const { statusCode, body } = await run((session) => session.update((data) => { data.visits++ }))
      if (statusCode !== 200) refused.push(body)
    }
  }))
  t.strictSame(refused, [])
  t.match(await read(visitor.token), { visits: 64 * rounds })
}

/** Without an application: whoever writes, and whoever creates. */
async function twoWriters (t: Test, { store, address }: StoreRow) {
  const ids = Array.from({ length: 300 }, (_, index) => `id-${index}`)
  await store.create('counter', '0', later())
  const results = await race(t, { address, counter: 'counter', increments: 300, ids })
  t.equal(await store.load('counter'), '600')
  t.equal(results.reduce((sum, { created }) => sum + created, 0), 300)
  t.ok(met(results), 'they met')
  await Promise.all(['counter', ...ids].map(async (id) => await store.delete(id)))
}

await eachStore({ atomic: true }, async (t, row) => {
  await t.test('parallel requests leave a good session, in the order that was drawn (R-1 to R-5, R-9)', async t => { await drawnRaces(t, row) })
  await t.test('64 parallel update() of one session in one process all count, and none is refused (P1.2)', async t => { await manyUpdates(t, row) })
  await t.test('two processes lose no write, and never both create one id', async t => { await twoWriters(t, row) })
  await t.test('two processes share the store (R-29)', async t => { await raceProcesses(t, row) })
})
