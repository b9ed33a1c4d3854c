import t from 'tap'
import { mock } from 'node:test'
import { memoryStore } from '../../lib/stores/memory.js'
import { everyOperation, everyRace, PERIODIC, raceTrack } from '../support/races.js'

mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
const tick = (ms: number) => mock.timers.tick(ms)

for (const [name, settings] of Object.entries({ 'when only privilege moves it': {}, 'when it is time for a new id': PERIODIC })) {
  t.test(`two requests leave a good session in every order of their store calls, ${name} (R-9)`, async (t) => {
    const track = raceTrack(memoryStore, tick, settings)
    t.teardown(async () => await track.close())
    let count = 0
    const broken: string[] = []
    for (const [index, first] of everyOperation.entries()) {
      for (const second of everyOperation.slice(index)) {
        try {
          count += await everyRace(track, [first, second])
        } catch (error) { broken.push((error as Error).message.split('\n{')[0]!) }
      }
    }
    t.same(broken, [])
    t.comment(`${count} interleavings`)
    t.ok(count > 700, `${count} interleavings`)
  })
}
