import fc from 'fast-check'
import t from 'tap'
import { readSealed, writeSealed } from '../../../lib/record/sealed-form.js'
import type { Times } from '../../../lib/record/record.js'
import { anyStored, anyTimes, law, timesOf } from '../../support/records.js'

t.test('what is sealed into a cookie is read again', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), anyTimes, anyStored, (id, times, stored) => {
    const sid = Buffer.from(id)
    t.strictSame(readSealed(writeSealed(sid, times, stored)), { sid, record: { kind: 'session', times: { ...times, adoptedUntil: 0 }, found: stored, card: null, device: null } }, 'all but what only a store has to know')
  }), law)
})

t.test('what is read shares no bytes with the token it came from', async (t) => {
  const body = writeSealed(Buffer.alloc(16, 7), timesOf(1), { data: {}, extra: null })
  const sealed = readSealed(body)
  body.fill(0)
  t.same(sealed?.sid, Buffer.alloc(16, 7))
})

t.test('the id and the times of a session cost 37 bytes, and six more for each that says something of its own', async (t) => {
  const size = (more: Partial<Times> = {}) => writeSealed(Buffer.alloc(16), timesOf(5, more), { data: {}, extra: null }).length
  t.equal(size(), 37 + 2)
  for (const more of [{ rotatedAt: 6 }, { idle: 1 }, { absolute: 1 }]) t.equal(size(more), 37 + 2 + 6, JSON.stringify(more))
  t.equal(size({ rotatedAt: 6, idle: 7, absolute: 8 }), 37 + 2 + 18)
  for (const persist of [true, false]) t.equal(size({ persist }), 37 + 2)
})

t.test('no bytes make the reader throw', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => { readSealed(Buffer.from(bytes)) }), { ...law, numRuns: 5000 })
  t.pass()
})

t.test('a sealed record that is cut, or has an unknown flag, is none', async (t) => {
  const body = writeSealed(Buffer.alloc(16), timesOf(5, { rotatedAt: 6, idle: 7, absolute: 8, persist: true }), { data: { k: 1 }, extra: { e: 1 } })
  t.ok(readSealed(body))
  for (let length = 0; length < body.length; length++) t.equal(readSealed(body.subarray(0, length)), null, `${length} bytes`)
  for (let flags = 64; flags < 256; flags++) {
    body[36] = flags
    if (readSealed(body) !== null) t.fail(`flags ${flags}`)
  }
})

t.test('a sealed record that promises more than its data has not got it', async (t) => {
  const body = writeSealed(Buffer.alloc(16), timesOf(5), { data: { k: 1 }, extra: null })
  body[36] = 8
  t.equal(readSealed(body), null)
})
