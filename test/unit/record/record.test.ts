import t from 'tap'
import fc from 'fast-check'
import type { JsonObject } from '../../../types/index.js'
import { END_MARK, readPayload, writePayload, writeTombstone } from '../../../lib/record/payload.js'
import type { Times } from '../../../lib/record/record.js'
import { readSealed, writeSealed } from '../../../lib/record/sealed-form.js'
import { CLOCK_SKEW, deadline, isLive } from '../../../lib/record/timeouts.js'

const LATEST = 2 ** 48 - 1
const time = fc.oneof(fc.integer({ min: 0, max: 2_000_000_000_000 }), fc.constantFrom(0, 1, 2 ** 32, LATEST))
const times: fc.Arbitrary<Times> = fc.record({
  version: fc.integer({ min: 1, max: 65_535 }),
  createdAt: time,
  savedAt: time,
  authenticatedAt: time,
  rotatedAt: time,
  persist: fc.option(fc.integer({ min: 0, max: 34_560_000 }))
}, { noNullPrototype: true })
const json = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }).map((data) => JSON.parse(JSON.stringify(data)) as Record<string, unknown>)
const stored = fc.record({ data: json, extra: fc.option(json) }, { noNullPrototype: true })
const about = json as fc.Arbitrary<JsonObject>
const card = fc.option(fc.oneof(
  fc.record({ about, from: fc.option(fc.string()) }, { noNullPrototype: true }),
  fc.record({ about: fc.constant(null), from: fc.string() }, { noNullPrototype: true })
))
const law = { seed: 11, numRuns: 1000 }

t.test('what is sealed into a cookie is read again', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), times, stored, (id, times, stored) => {
    const sid = Buffer.from(id)
    t.strictSame(readSealed(writeSealed(sid, times, stored)), { sid, record: { kind: 'session', times, found: stored, card: null } })
  }), law)
})

t.test('what a store keeps is read again, and is JSON that an operator can read', async (t) => {
  fc.assert(fc.property(times, stored, card, (times, stored, card) => {
    const payload = writePayload(times, stored, card)
    t.strictSame(readPayload(payload), { kind: 'session', times, found: stored, card })
    t.strictSame(JSON.parse(payload).data, stored.data)
  }), law)
})

t.test('what a record says of a device that is no object, or of a key that is no text, is passed over', async (t) => {
  const record = { version: 1, createdAt: 1, savedAt: 1, data: {} }
  for (const card of [{ about: [1] }, { about: 'text' }, { about: 7, from: 7 }, { from: {} }, { about: null, from: null }]) {
    t.match(readPayload(JSON.stringify({ ...record, ...card })), { kind: 'session', card: null })
  }
})

t.test('what is read shares no bytes with the token it came from', async (t) => {
  const body = writeSealed(Buffer.alloc(16, 7), { version: 1, createdAt: 1, savedAt: 1, authenticatedAt: 0, rotatedAt: 1, persist: null }, { data: {}, extra: null })
  const sealed = readSealed(body)
  body.fill(0)
  t.same(sealed?.sid, Buffer.alloc(16, 7))
})

t.test('the id and the times of a session that was neither rotated nor kept by persist() cost 37 bytes', async (t) => {
  const plain = { version: 1, createdAt: 5, savedAt: 9, authenticatedAt: 0, rotatedAt: 5, persist: null }
  const size = (times: Times) => writeSealed(Buffer.alloc(16), times, { data: {}, extra: null }).length
  t.equal(size(plain), 37 + 2)
  t.equal(size({ ...plain, rotatedAt: 6 }), 37 + 2 + 6)
  t.equal(size({ ...plain, persist: 0 }), 37 + 2 + 4)
})

const to = `0123abcd:${'e'.repeat(64)}`

t.test('tombstones and end marks are read as what they are', async (t) => {
  for (const final of [true, false]) {
    t.strictSame(readPayload(writeTombstone(to, 1234, final)), { kind: 'moved', to, at: 1234, final })
  }
  t.strictSame(readPayload(END_MARK), { kind: 'ended' })
  t.match(readPayload(JSON.stringify({ movedTo: to, at: 1 })), { final: true }, 'when it does not say, the old id reads nothing')
})

t.test('no data of a session can look like a tombstone or an end mark', async (t) => {
  fc.assert(fc.property(times, fc.constantFrom('ended', 'movedTo', 'at', 'final', 'version', 'data', 'extra'), fc.jsonValue(), (times, key, value) => {
    t.equal(readPayload(writePayload(times, { data: { [key]: value }, extra: { [key]: value } }))?.kind, 'session')
  }), law)
})

t.test('no bytes make the readers throw', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => { readSealed(Buffer.from(bytes)) }), { ...law, numRuns: 5000 })
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.anything()), (payload) => { readPayload(payload) }), { ...law, numRuns: 5000 })
  t.pass()
})

t.test('a sealed record that is cut, or has an unknown flag, is none', async (t) => {
  const body = writeSealed(Buffer.alloc(16), { version: 1, createdAt: 5, savedAt: 9, authenticatedAt: 0, rotatedAt: 6, persist: 9 }, { data: { k: 1 }, extra: { e: 1 } })
  t.ok(readSealed(body))
  for (let length = 0; length < body.length; length++) t.equal(readSealed(body.subarray(0, length)), null, `${length} bytes`)
  for (let flags = 8; flags < 256; flags++) {
    body[36] = flags
    if (readSealed(body) !== null) t.fail(`flags ${flags}`)
  }
})

t.test('a sealed record that promises more than its data has not got it', async (t) => {
  const body = writeSealed(Buffer.alloc(16), { version: 1, createdAt: 5, savedAt: 9, authenticatedAt: 0, rotatedAt: 5, persist: null }, { data: { k: 1 }, extra: null })
  body[36] = 4
  t.equal(readSealed(body), null)
})

const good = { version: 1, createdAt: 5, savedAt: 9, authenticatedAt: 3, rotatedAt: 4, persist: 7, data: {}, extra: {} }
t.test('times that no clock of ours can have written make a record nothing (S-9.2.1)', async (t) => {
  t.equal(readPayload(JSON.stringify(good))?.kind, 'session')
  for (const key of ['version', 'createdAt', 'savedAt', 'authenticatedAt', 'rotatedAt', 'persist']) {
    for (const wrong of ['-1', '0.5', '"5"', 'true', '[]', '{}', '1e999', '281474976710656', '9007199254740993']) {
      t.equal(readPayload(JSON.stringify({ ...good, [key]: 'WRONG' }).replace('"WRONG"', wrong)), null, `${key}: ${wrong}`)
    }
  }
  for (const key of ['version', 'createdAt', 'savedAt']) {
    t.equal(readPayload(JSON.stringify({ ...good, [key]: undefined })), null, `no ${key}`)
    t.equal(readPayload(JSON.stringify({ ...good, [key]: null })), null, `${key}: null`)
  }
})

for (const hostile of ['', 'null', '0', '"text"', '[]', '{}', '[{"ended":true}]', '{"ended":1}', '{"ended":"true"}', '{"movedTo":5,"at":1}', '{"movedTo":"x"}',
  '{"movedTo":"x","at":-1}', '{"__proto__":{"ended":true}}', '{"version":1,', '\u0000', '['.repeat(100_000), '{"a":'.repeat(100_000)]) {
  t.test(`${hostile.slice(0, 30) || 'nothing'} is no payload`, async (t) => t.equal(readPayload(hostile), null))
}
for (const hostile of [undefined, null, 5, {}, [], Buffer.from('{"ended":true}'), Object.create(null)]) {
  t.test(`a store that answers with ${hostile === null ? 'null' : typeof hostile} instead of text has answered nothing`, async (t) => t.equal(readPayload(hostile), null))
}

const timeouts = { idle: 1_000, absolute: 10_000 }
const at = (createdAt: number, savedAt = createdAt): Times => ({ version: 1, createdAt, savedAt, authenticatedAt: 0, rotatedAt: createdAt, persist: null })
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
  t.equal(deadline(at(T), T, { idle: 1_000.5, absolute: 10_000.5 }), T + 1_000)
  t.equal(deadline(at(T), T + 10_000, { idle: 1_000.5, absolute: 10_000.5 }), T + 10_000)
})

t.test('no use of a session makes it live longer than the absolute timeout (S-7.3.2)', async (t) => {
  fc.assert(fc.property(fc.nat(20_000), fc.nat(20_000), (used, now) => !isLive(at(T), T + used, timeouts, T + now) || now < 10_000), law)
  t.pass()
})
