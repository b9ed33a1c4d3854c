import t from 'tap'
import { answered, CHALLENGE_LIFE, challenged } from '../../../lib/device-bound/challenges.js'
import type { Device } from '../../../lib/record/device.js'

const NEW: Device = { id: 'i', algorithm: 'ES256', key: {}, boundAt: 0, refreshedAt: 0, challenges: [] }
const newest = ({ challenges: [challenge] }: Device) => challenge?.value ?? ''
const proof = (device: Device, answer: string) => ({ challenge: newest(device), answer })

t.test('a challenge has 256 random bits, and is handed out until half of its life is over or it is answered', async t => {
  const first = challenged(NEW, 0)
  t.equal(Buffer.from(newest(first), 'base64url').length, 32)
  t.equal(challenged(first, CHALLENGE_LIFE / 2 - 1), first)
  const second = challenged(first, CHALLENGE_LIFE / 2)
  t.not(newest(second), newest(first))
  t.equal(second.challenges.length, 2, 'the one before it is still good')
  const third = challenged(second, CHALLENGE_LIFE)
  t.strictSame(third.challenges.map(({ value }) => value), [newest(third), newest(second)], 'what is over goes')
  const proved = answered(third, proof(third, 'a'), CHALLENGE_LIFE) as Device
  t.not(newest(challenged(proved, CHALLENGE_LIFE)), newest(third))
})

t.test('no more than two are kept, however often they are asked for and answered', async t => {
  let device = NEW
  for (let now = 0; now < 10; now++) {
    const asked = challenged(device, now)
    t.ok(asked.challenges.length <= 2, String(now))
    device = answered(asked, proof(asked, 'a'), now) as Device
  }
})

t.test('the newest comes first: a second window may still answer the challenge of before, while a third asks for another', async t => {
  const first = challenged(NEW, 0)
  const proved = answered(first, proof(first, 'a'), 1) as Device
  const second = challenged(proved, 2)
  const again = answered(second, proof(second, 'b'), 3) as Device
  const third = challenged(again, 4)
  t.type(answered(third, { challenge: newest(second), answer: 'c' }, 5), 'object')
})

t.test('a proof counts once, another of the same challenge once more, and then it is over', async t => {
  const asked = challenged(NEW, 0)
  const once = answered(asked, proof(asked, 'one'), 5) as Device
  t.equal(once.refreshedAt, 5)
  t.equal(answered(once, proof(asked, 'one'), 6), null)
  const twice = answered(once, proof(asked, 'two'), 7) as Device
  t.strictSame(twice, { ...once, refreshedAt: 7, challenges: [] })
  for (const answer of ['one', 'two', 'three']) t.equal(answered(twice, proof(asked, answer), 8), null)
})

t.test('what was never asked, or too long ago, is no challenge', async t => {
  const asked = challenged(NEW, 0)
  t.equal(answered(asked, { challenge: 'other', answer: 'a' }, 0), null)
  t.type(answered(asked, proof(asked, 'a'), CHALLENGE_LIFE - 1), 'object')
  t.equal(answered(asked, proof(asked, 'a'), CHALLENGE_LIFE), null)
})
