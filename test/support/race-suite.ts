import { mock } from 'node:test'
import type { Test } from 'tap'
import { httpApp } from './http-scene.js'
import { raceProcesses } from './race-processes.js'
import { everyRace, PERIODIC, raceTrack, randomRaces } from './races.js'
import { eachStore, type Family, type StoreRow } from './stores.js'
import type { Operation } from './race-app.js'

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
async function manyUpdates (t: Test, { store }: StoreRow, rounds: number) {
  const { run, read, client } = await httpApp(t, store, { storeTimeout: 30 })
  await run((session) => { session.visits = 0; session.note = 'begun' })
  const refused: string[] = []
  await Promise.all(Array.from({ length: 64 }, async () => {
    for (let round = 0; round < rounds; round++) {
      const { statusCode, body } = await run((session) => session.update((data) => { data.visits++ }))
      if (statusCode !== 200) refused.push(body)
    }
  }))
  t.strictSame(refused, [])
  t.match(await read(client.token), { visits: 64 * rounds })
}

/** What parallel requests do to a session on every store of a family that keeps its contract under parallel writes. */
export async function raceSuite (family: Family): Promise<void> {
  await eachStore(family, async (t, row) => {
    await t.test('parallel requests leave a good session, in the order that was drawn (R-1 to R-5, R-9)', async t => { await drawnRaces(t, row) })
    await t.test('64 parallel update() of one session in one process all count, and none is refused (P1.2)', async t => { await manyUpdates(t, row, family === 'redis' || family === 'valkey' ? 10 : 1) })
    await t.test('two processes share the store (R-29)', async t => { await raceProcesses(t, row) })
  }, ({ atomic }) => atomic)
}
