import t from 'tap'
import { mock } from 'node:test'
import { memoryStore } from '../../lib/stores/memory.js'
import { PERIODIC, raceTrack, randomRaces } from '../support/races.js'

mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
const tick = (ms: number) => mock.timers.tick(ms)
const seed = Number(process.env.RACE_SEED ?? 20_251_121)
const numRuns = Number(process.env.RACE_RUNS ?? 400)

for (const [name, settings] of Object.entries({ 'when only privilege moves it': {}, 'when it is time for a new id': PERIODIC })) {
  // All races of two are in parallel-exhaustive.test.ts.
  for (const length of [3, 5]) {
    t.test(`${length} parallel requests leave a good session, ${name} (R-1 to R-5, R-9)`, async (t) => {
      const track = raceTrack(memoryStore, tick, settings)
      t.teardown(async () => await track.close())
      await randomRaces(track, { length, numRuns, seed })
      t.pass()
    })
  }
}
