import fc from 'fast-check'
import t from 'tap'
import { CLOCK_SKEW, deadline, isLive } from '../../../lib/record/timeouts.js'
import type { Times } from '../../../lib/record/record.js'
import { lasting } from '../../support/lasting.js'
import { LATEST, law, timesOf as at } from '../../support/records.js'

const timeouts = lasting(1_000, 10_000)
const T = 1_700_000_000_000

const lives: Array<[what: string, times: Times, usedAt: number, now: number, live: boolean]> = [
  ['just made', at(T), T, T, true],
  ['one millisecond before the idle timeout (S-7.3.1)', at(T), T, T + 999, true],
  ['at the idle timeout (S-7.3.1)', at(T), T, T + 1_000, false],
  ['after the idle timeout (S-7.3.1)', at(T), T, T + 1_001, false],
  ['used again, before the next idle timeout', at(T), T + 900, T + 1_899, true],
  ['used all the time, one millisecond before the absolute timeout (S-7.3.2)', at(T), T + 9_999, T + 9_999, true],
  ['used all the time, at the absolute timeout (S-7.3.2)', at(T), T + 9_999, T + 10_000, false],
  ['used after the absolute timeout', at(T), T + 10_500, T + 10_500, false],
  ['made by a clock that is ahead within the skew (R-24)', at(T + CLOCK_SKEW), T + CLOCK_SKEW, T, true],
  ['used by a clock that is ahead beyond the skew (S-9.2.1, R-24)', at(T), T + CLOCK_SKEW + 1, T, false],
  ['made by a clock that is ahead beyond the skew (S-9.2.1, R-24)', at(T + CLOCK_SKEW + 1), T, T, false],
  ['read by a clock that went back an hour (R-24)', at(T), T, T - 3_600_000, false],
  ['made at the beginning of time', at(0), 0, T, false],
  ['made after 2038 (R-24)', at(2 ** 31 * 1000), 2 ** 31 * 1000, 2 ** 31 * 1000 + 1, true],
  ['made at the end of time', at(LATEST), LATEST, T, false]
]

for (const [what, times, usedAt, now, live] of lives) {
  t.test(`a record ${what} is ${live ? 'live' : 'over'}`, async (t) => t.equal(isLive(times, usedAt, timeouts, now), live))
}

t.test('a deadline is the earlier of the two, in whole milliseconds', async (t) => {
  t.equal(deadline(at(T), T, timeouts), T + 1_000)
  t.equal(deadline(at(T), T + 9_500, timeouts), T + 10_000)
  t.equal(deadline(at(T), T, lasting(1_000.5, 10_000.5)), T + 1_000)
  t.equal(deadline(at(T), T + 10_000, lasting(1_000.5, 10_000.5)), T + 10_000)
})

t.test('no use of a session makes it live longer than the absolute timeout (S-7.3.2)', async (t) => {
  fc.assert(fc.property(fc.nat(20_000), fc.nat(20_000), (used, now) => !isLive(at(T), T + used, timeouts, T + now) || now < 10_000), law)
  t.pass()
})
