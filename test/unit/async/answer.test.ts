import t from 'tap'
import { after, afterBoth } from '../../../lib/async/answer.js'

const now = (value: unknown) => () => value
const later = (value: unknown) => async () => { await new Promise(setImmediate); return value }
const fails = () => { throw new Error('at once') }
const failsLater = async () => { await new Promise(setImmediate); throw new Error('later') }

t.test('what is known at once is gone on with at once', async t => {
  t.equal(after(1, (value) => value + 1), 2)
  t.equal(afterBoth(now(1), now(2), (one, other) => [one, other].join()), '1,2')
})

t.test('what is not is waited for', async t => {
  t.equal(await after(Promise.resolve(1), (value) => value + 1), 2)
  for (const [one, other] of [[now(1), later(2)], [later(1), now(2)], [later(1), later(2)]] as const) {
    const answer = afterBoth(one, other, (one, other) => [one, other].join())
    t.ok(answer instanceof Promise)
    t.equal(await answer, '1,2')
  }
})

t.test('when one of two fails, the other one may do so as well: nothing is left unhandled', async t => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  for (const [one, other, message] of [[fails, failsLater, 'at once'], [failsLater, fails, 'at once'], [failsLater, failsLater, 'later'], [now(1), fails, 'at once'], [later(1), failsLater, 'later']] as const) {
    await t.rejects(async () => await afterBoth(one, other, () => t.fail('one has failed')), { message })
  }
  for (let round = 0; round < 5; round++) await new Promise(setImmediate)
  t.strictSame(unhandled, [])
})
