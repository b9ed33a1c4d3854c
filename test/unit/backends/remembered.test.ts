import t from 'tap'
import { Remembered } from '../../../lib/backends/remembered.js'

const key = (n: number) => `token-${String(n).padStart(8, '0')}`

t.test('a value is kept from the second time that it is offered', async t => {
  const remembered = new Remembered<{ n: number }>(10)
  remembered.offer(key(1), { n: 1 })
  t.equal(remembered.get(key(1)), undefined)
  remembered.offer(key(1), { n: 2 })
  t.strictSame(remembered.get(key(1)), { n: 2 })
})

t.test('what comes only once pushes nothing out', async t => {
  const remembered = new Remembered<{ n: number }>(10)
  for (const n of [1, 1]) remembered.offer(key(n), { n })
  for (let n = 100; n < 1_100; n++) remembered.offer(key(n), { n })
  t.strictSame(remembered.get(key(1)), { n: 1 })
})

t.test('no more values are kept than it may hold, and a key gets nobody else\'s', async t => {
  const remembered = new Remembered<{ n: number }>(10)
  for (let n = 0; n < 1_000; n++) for (let i = 0; i < 2; i++) remembered.offer(key(n), { n })
  const found = Array.from({ length: 1_000 }, (_, n) => ({ n, value: remembered.get(key(n)) })).filter(({ value }) => value !== undefined)
  t.equal(found.length, 10)
  for (const { n, value } of found) t.equal(value?.n, n)
})

t.test('short keys are keys too', async t => {
  const remembered = new Remembered<object>(10)
  for (const short of ['', '', 'a', 'a']) remembered.offer(short, { short })
  t.strictSame([remembered.get(''), remembered.get('a'), remembered.get('b')], [{ short: '' }, { short: 'a' }, undefined])
})

t.test('a value that is kept can be renewed, one that is not is not kept for that', async t => {
  const remembered = new Remembered<{ n: number }>(10)
  for (const n of [1, 1]) remembered.offer(key(n), { n })
  for (const n of [1, 2, 2]) remembered.renew(key(n), { n: -n })
  t.strictSame([remembered.get(key(1)), remembered.get(key(2))], [{ n: -1 }, undefined])
})

t.test('big values leave room for fewer, and one that is bigger than the room is not kept', async t => {
  const remembered = new Remembered<{ size: number }>(64, ({ size }) => size)
  const keep = (n: number, size: number) => { for (let i = 0; i < 2; i++) remembered.offer(key(n), { size }) }
  const kept = () => Array.from({ length: 100 }, (_, n) => n).filter((n) => remembered.get(key(n)) !== undefined)
  for (let n = 0; n < 80; n++) keep(n, 1)
  t.equal(kept().length, 64, 'small ones by their number')
  for (let n = 0; n < 64; n++) keep(n, 16_384)
  t.equal(kept().length, 64, 'as many of the usual size')
  for (let n = 0; n < 64; n++) keep(n, 2 * 16_384)
  t.equal(kept().length, 32)
  remembered.renew(key(63), { size: 64 * 16_384 + 1 })
  t.strictSame([kept().includes(63), kept().length], [false, 31], 'nor is the old value of what has grown')
})
