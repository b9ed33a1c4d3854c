import fc from 'fast-check'
import t from 'tap'
import { judge } from '../../../lib/backends/judge.js'
import type { Place } from '../../../lib/backends/place.js'
import type { Times } from '../../../lib/record/record.js'
import { CLOCK_SKEW } from '../../../lib/record/timeouts.js'
import { lasting } from '../../support/lasting.js'
import { LATEST, law, timesOf as at } from '../../support/records.js'

const timeouts = lasting(1_000, 10_000)
const T = 1_700_000_000_000
const HOUR = 3_600_000

const placeOf = (times: Times, usedAt: number): Place => ({
  raw: null, key: 'k', record: { kind: 'session', times, found: { data: {}, extra: null }, card: null, device: null }, payload: '', usedAt, stale: false
})
const verdict = (times: Times, usedAt: number, now: number) => {
  const judged = judge(placeOf(times, usedAt), timeouts, now)
  return judged.state === 'none' ? judged.reason : judged.state
}

const lives: Array<[what: string, times: Times, usedAt: number, now: number, verdict: string]> = [
  ['just made', at(T), T, T, 'found'],
  ['one millisecond before the idle timeout (S-7.3.1)', at(T), T, T + 999, 'found'],
  ['at the idle timeout (S-7.3.1)', at(T), T, T + 1_000, 'expired'],
  ['after the idle timeout (S-7.3.1)', at(T), T, T + 1_001, 'expired'],
  ['used again, before the next idle timeout', at(T), T + 900, T + 1_899, 'found'],
  ['used all the time, one millisecond before the absolute timeout (S-7.3.2)', at(T), T + 9_999, T + 9_999, 'found'],
  ['used all the time, at the absolute timeout (S-7.3.2)', at(T), T + 9_999, T + 10_000, 'expired'],
  ['used after the absolute timeout', at(T), T + 10_500, T + 10_500, 'expired'],
  ['used by a clock that is a day ahead (R-24)', at(T), T + 86_400_000, T, 'found'],
  ['used by a clock that is a day ahead, when its time is over (R-24, S-7.3.2)', at(T), T + 86_400_000, T + 10_000, 'expired'],
  ['made by a clock that is an hour ahead (R-24)', at(T + HOUR), T + HOUR, T, 'found'],
  ['made by a clock that is more than an hour ahead (S-9.2.1, R-24)', at(T + HOUR + 1), T, T, 'from-the-future'],
  ['made at the beginning of time', at(0), 0, T, 'expired'],
  ['made after 2038 (R-24)', at(2 ** 31 * 1000), 2 ** 31 * 1000, 2 ** 31 * 1000 + 1, 'found'],
  ['made at the end of time (S-9.2.1)', at(LATEST), LATEST, T, 'from-the-future']
]
for (const [what, times, usedAt, now, expected] of lives) {
  t.test(`a record ${what} is ${expected}`, async (t) => t.equal(verdict(times, usedAt, now), expected))
}

t.test('what lies ahead of our clock is read as now, but for the sign-in, and it is said by how much', async (t) => {
  const times = at(T + 5, { usedAt: T + 6, rotatedAt: T + 7, authenticatedAt: T + 8 })
  t.strictSame(judge(placeOf(times, T + 9), timeouts, T), {
    state: 'found', place: placeOf(at(T, { authenticatedAt: T + 8 }), T), at: T, ahead: 9
  })
  const early = placeOf(at(T - 5), T)
  const judged = judge(early, timeouts, T)
  t.match(judged, { state: 'found', ahead: 0 })
  t.equal(judged.state === 'found' && judged.place, early, 'else it is what it was found as')
  t.match(judge(placeOf(at(T + HOUR + 1), T), timeouts, T), { reason: 'from-the-future', ahead: HOUR + 1 })
})

t.test('no use, by whatever clock, makes a session live longer than the absolute timeout (S-7.3.2)', async (t) => {
  fc.assert(fc.property(fc.nat(20_000), fc.nat(20_000), (used, now) => verdict(at(T), T + used, T + now) !== 'found' || now < 10_000), law)
  t.pass()
})

t.test('a session that is found is as good for every clock that is not behind by more than an hour, and ends by the latest of them (R-24)', async (t) => {
  fc.assert(fc.property(fc.integer({ min: -HOUR, max: 999 }), fc.integer({ min: 1_000, max: 2 * HOUR }), (now, later) =>
    verdict(at(T), T, T + now) === 'found' && verdict(at(T), T, T + later) === 'expired'), law)
  t.ok(CLOCK_SKEW < HOUR)
})
