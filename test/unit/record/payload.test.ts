import fc from 'fast-check'
import t from 'tap'
import { END_MARK, readPayload, writePayload, writeTombstone } from '../../../lib/record/payload.js'
import { anyCard, anyDevice, anyStored, anyTimes, law, timesOf } from '../../support/records.js'

t.test('what a store keeps is read again, and is JSON that an operator can read', async (t) => {
  fc.assert(fc.property(anyTimes, anyStored, anyCard, anyDevice, (times, stored, card, device) => {
    const payload = writePayload(times, stored, card, device)
    t.strictSame(readPayload(payload), { kind: 'session', times, found: stored, card, device })
    t.strictSame(JSON.parse(payload).data, stored.data)
  }), law)
})

t.test('what a record says of a device that is no object, or of a key that is no text, is passed over', async (t) => {
  const record = { version: 1, createdAt: 1, usedAt: 1, data: {} }
  for (const card of [{ about: [1] }, { about: 'text' }, { about: 7, from: 7 }, { from: {} }, { about: null, from: null }]) {
    t.match(readPayload(JSON.stringify({ ...record, ...card })), { kind: 'session', card: null })
  }
})

t.test('a binding that cannot be read makes a record nothing: nobody may take its session for one that is not bound', async (t) => {
  const record = { version: 1, createdAt: 1, usedAt: 1, data: {} }
  const device = { id: 'i', algorithm: 'ES256', key: { kty: 'EC' }, boundAt: 1, refreshedAt: 2, challenges: [{ value: 'v', until: 3, answer: null }] }
  t.strictSame(readPayload(JSON.stringify({ ...record, device })), { kind: 'session', times: timesOf(1), found: { data: {}, extra: null }, card: null, device })
  const wrong = [
    null, 5, 'text', [], {}, { ...device, id: 5 }, { ...device, algorithm: 'none' }, { ...device, key: null }, { ...device, key: 'key' }, { ...device, key: { n: 5 } },
    { ...device, boundAt: -1 }, { ...device, refreshedAt: '2' }, { ...device, challenges: null }, { ...device, challenges: [5] },
    { ...device, challenges: [{ value: 5, until: 3, answer: null }] }, { ...device, challenges: [{ value: 'v', until: 0.5, answer: null }] }, { ...device, challenges: [{ value: 'v', until: 3, answer: 5 }] }
  ]
  for (const device of wrong) t.equal(readPayload(JSON.stringify({ ...record, device })), null, JSON.stringify(device))
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
  fc.assert(fc.property(anyTimes, fc.constantFrom('ended', 'movedTo', 'at', 'final', 'version', 'data', 'extra'), fc.jsonValue(), (times, key, value) => {
    t.equal(readPayload(writePayload(times, { data: { [key]: value }, extra: { [key]: value } }))?.kind, 'session')
  }), law)
})

t.test('nothing that a store may answer makes the reader throw', async (t) => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.anything()), (payload) => { readPayload(payload) }), { ...law, numRuns: 5000 })
  t.pass()
})

const good = { version: 1, createdAt: 5, usedAt: 9, authenticatedAt: 3, rotatedAt: 4, persist: true, idle: 7, absolute: 8, data: {}, extra: {} }

t.test('times that no clock of ours can have written make a record nothing (S-9.2.1)', async (t) => {
  t.equal(readPayload(JSON.stringify(good))?.kind, 'session')
  for (const key of ['version', 'createdAt', 'usedAt', 'authenticatedAt', 'rotatedAt', 'idle', 'absolute', 'adoptedUntil']) {
    for (const wrong of ['-1', '0.5', '"5"', 'true', '[]', '{}', '1e999', '281474976710656', '9007199254740993']) {
      t.equal(readPayload(JSON.stringify({ ...good, [key]: 'WRONG' }).replace('"WRONG"', wrong)), null, `${key}: ${wrong}`)
    }
  }
  for (const persist of [1, 0, '"true"', {}]) t.equal(readPayload(JSON.stringify({ ...good, persist })), null, `persist: ${persist}`)
  for (const key of ['version', 'createdAt', 'usedAt']) {
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
