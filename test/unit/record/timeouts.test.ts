import fc from 'fast-check'
import t from 'tap'
import { askTimeouts, deadline, inForce, type Timeout, type Timeouts } from '../../../lib/record/timeouts.js'
import type { Data } from '../../../lib/record/record.js'
import { lasting } from '../../support/lasting.js'
import { law, timesOf as at } from '../../support/records.js'

const timeouts = lasting(1_000, 10_000)
const T = 1_700_000_000_000
const asked = (ask: Timeout['ask'], most = 60_000, usual = 1_000): Timeout => ({ usual, most, ask })
const kept = (idle: Timeout['ask'], absolute: Timeout['ask'] = null, most = 60_000) => {
  const timeouts: Timeouts = { idle: asked(idle, most), absolute: asked(absolute, most, 50_000) }
  return askTimeouts({ n: 1 }, timeouts)
}

t.test('a deadline is the earlier of the two, in whole milliseconds', async (t) => {
  t.equal(deadline(at(T), T, timeouts), T + 1_000)
  t.equal(deadline(at(T), T + 9_500, timeouts), T + 10_000)
  t.equal(deadline(at(T), T, lasting(1_000.5, 10_000.5)), T + 1_000)
  t.equal(deadline(at(T), T + 10_000, lasting(1_000.5, 10_000.5)), T + 10_000)
})

t.test('a number is in force whatever a record has kept, and nothing of it is kept', async (t) => {
  t.strictSame(askTimeouts({}, timeouts), { idle: 0, absolute: 0 })
  t.equal(deadline(at(T, { idle: 5, absolute: 5 }), T, timeouts), T + 1_000)
})

t.test('an answer is in force for the session that has kept it, as far as the option allows by now', async (t) => {
  t.equal(inForce(5_000, asked(() => 1)), 5_000)
  t.equal(inForce(5_000, asked(() => 1, 3_000)), 3_000)
  t.equal(inForce(0, asked(() => 1)), 1_000, 'nobody has asked yet')
})

t.test('what is kept is the answer in milliseconds, cut to what the option allows and to absoluteTimeout', async (t) => {
  t.strictSame(kept(() => 2), { idle: 2_000, absolute: 0 })
  t.strictSame(kept(() => 0.0001), { idle: 1, absolute: 0 })
  t.strictSame(kept(() => 55), { idle: 50_000, absolute: 0 }, 'the absolute timeout is a number')
  t.strictSame(kept(() => 55, () => 20), { idle: 20_000, absolute: 20_000 }, 'it is an answer')
  t.strictSame(kept(() => Infinity, () => 1e9), { idle: 60_000, absolute: 60_000 })
  t.strictSame(kept(null, () => 3), { idle: 0, absolute: 3_000 })
})

t.test('a function gets a copy of the data', async (t) => {
  const data: Data = { n: 1 }
  askTimeouts(data, { idle: asked((given) => { given.n = 2; return 1 }), absolute: asked(null) })
  t.strictSame(data, { n: 1 })
})

t.test('what is no positive number of seconds, or a throw, is an error that names the option', async (t) => {
  for (const value of [0, -1, NaN, -Infinity, '60', null, undefined, {}, true]) {
    t.throws(() => kept(() => value), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /idleTimeout \(the function gave what is no positive number of seconds\)/ }, String(value))
  }
  t.throws(() => kept(() => Promise.reject(new Error('later'))), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /idleTimeout \(the function gave a promise\)/ })
  const cause = new Error('broken')
  t.throws(() => kept(null, () => { throw cause }), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /absoluteTimeout \(the function threw\)/, cause })
})

t.test('whatever functions answer, a session ends no later than the options allow, and no use prolongs the absolute deadline', async (t) => {
  const answer = fc.double({ min: 1e-6, max: 1e12, noNaN: true })
  fc.assert(fc.property(answer, answer, fc.nat(100_000), fc.nat(100_000), (idle, absolute, most, used) => {
    const timeouts: Timeouts = { idle: asked(() => idle, most + 1), absolute: asked(() => absolute, most + 1) }
    const times = at(T, askTimeouts({}, timeouts))
    const end = deadline(times, T + used, timeouts)
    return end <= T + most + 1 && end <= T + used + most + 1 && end <= T + Math.ceil(absolute * 1000) && end <= T + used + Math.ceil(idle * 1000)
  }), law)
  t.pass()
})
