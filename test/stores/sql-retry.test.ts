import t from 'tap'
import { errorField, retry } from '../../lib/stores/internal/sql/retry.js'

const failing = (failures: number, error: unknown) => {
  let calls = 0
  return {
    attempt: async () => {
      if (++calls <= failures) throw error
      return 'answer'
    },
    calls: () => calls
  }
}
const deadlock = Object.assign(new Error('deadlock'), { code: '40P01', errno: 1213 })
const isDeadlock = (error: unknown) => errorField(error, 'code') === '40P01'

t.test('What did nothing is tried again until it succeeds', async (t) => {
  const { attempt, calls } = failing(4, deadlock)
  t.equal(await retry(attempt, isDeadlock), 'answer')
  t.equal(calls(), 5)
})

t.test('After five attempts the error is the answer', async (t) => {
  const { attempt, calls } = failing(5, deadlock)
  await t.rejects(retry(attempt, isDeadlock), deadlock)
  t.equal(calls(), 5)
})

t.test('R-16 any other failure is not tried again: the statement may have been done', async (t) => {
  for (const error of [new Error('connection lost'), Object.assign(new Error(), { code: '57P01' }), null, undefined, 'text']) {
    const { attempt, calls } = failing(1, error)
    await retry(attempt, isDeadlock).then(() => t.fail('it was tried again'), (reason) => t.equal(reason, error))
    t.equal(calls(), 1)
  }
})

t.test('The fields of an error are read from objects only', async (t) => {
  t.equal(errorField(deadlock, 'errno'), 1213)
  t.equal(errorField('40P01', 'code'), undefined)
})
