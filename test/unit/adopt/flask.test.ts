import { createHmac } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { fromFlask } from '../../../lib/adopt.js'
import { OLD_KEY } from '../../support/old-applications.js'

const request = {} as never
const flask = fromFlask({ cookie: 'session', until: new Date(Date.now() + 86_400_000), secret: OLD_KEY, map: (old) => ({ old }) })
const now = () => Math.floor(Date.now() / 1000)

/** As itsdangerous does. */
function sign (payload: string, at = now()): string {
  const time = Buffer.from(at.toString(16).padStart(8, '0'), 'hex').toString('base64url')
  const key = createHmac('sha1', OLD_KEY).update('cookie-session').digest()
  return `${payload}.${time}.${createHmac('sha1', key).update(`${payload}.${time}`).digest('base64url')}`
}
const plain = (json: string) => Buffer.from(json).toString('base64url')
const packed = (json: string) => `.${deflateSync(json).toString('base64url')}`
const read = async (value: string) => (await flask.read(value, request))?.data.old ?? null

t.test('a value that Flask has made is read, also a compressed one', async (t) => {
  // Made by Flask 3.1.3 with the key of these tests, and frozen.
  t.strictSame(await read(sign(plain('{"user":"ann"}'))), { user: 'ann' })
  t.strictSame(await read(sign(packed('{"user":"ann"}'))), { user: 'ann' })
})

t.test('zlib is inflated to 64 KiB, and no further', async (t) => {
  const json = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`
  t.equal((await read(sign(packed(json(65_536)))) as { a: string }).a.length, 65_528)
  t.equal(await read(sign(packed(json(65_537)))), null)
  t.equal(await read(sign(packed(json(100_000_000)))), null, 'a bomb')
})

t.test('what is signed and is no session is none: not compressed, no JSON, no object, nested without end', async (t) => {
  for (const payload of [plain(''), plain('[]'), plain('"text"'), plain('null'), plain('{'), plain('NaN'), `.${plain('{}')}`, '.AAAA', packed('[1]'), plain('{" t":[1]}'), plain('{" u":"x"}'), plain('{" d":"2020"}'), plain('{" b":"AA=="}'),
    plain('{"a":'.repeat(200) + '1' + '}'.repeat(200)), packed('['.repeat(30_000) + ']'.repeat(30_000)), packed('{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000))]) {
    t.equal(await read(sign(payload)), null, payload.slice(0, 20))
  }
})

t.test('nothing that is not signed is unpacked, and nothing makes it throw', async (t) => {
  await fc.assert(fc.asyncProperty(fc.oneof(fc.string(), fc.stringMatching(/^[.\w-]{0,40}$/), fc.stringMatching(/^\.?[\w-]+\.[\w-]+\.[\w-]+$/)), async (value) => { t.equal(await read(value), null) }), { numRuns: 2000 })
  await fc.assert(fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => { await read(sign(plain(text))); await read(sign(packed(text))) }), { numRuns: 1000 })
})

t.test('tags with what Flask does not write in them throw nothing', async (t) => {
  for (const tag of [' t', ' b', ' m', ' u', ' d', ' di']) {
    for (const value of ['null', '7', '"x"', '[]', '{}', '{"a__":1}', '{" t":null}']) t.type(await read(sign(plain(`{"a":{"${tag}":${value}},"b":1}`))), 'object', tag + value)
  }
})

t.test('a date of any century stays in its own, also the first one, which stands for never', async (t) => {
  const dates = ['Mon, 01 Jan 0001 00:00:00 GMT', 'Sun, 29 Feb 0004 12:00:00 GMT', 'Thu, 31 Dec 0099 23:59:59 GMT', 'Fri, 01 Jan 0100 00:00:00 GMT', 'Sat, 29 Feb 2020 00:00:20 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT']
  const old = await read(sign(plain(JSON.stringify({ all: dates.map((date) => ({ ' d': date })) })))) as { all: Date[] }
  t.strictSame(old.all.map((date) => date.toISOString().slice(0, 19)), ['0001-01-01T00:00:00', '0004-02-29T12:00:00', '0099-12-31T23:59:59', '0100-01-01T00:00:00', '2020-02-29T00:00:20', '9999-12-31T23:59:59'])
})

t.test('a number that JSON does not have is null, and in texts nothing changes', async (t) => {
  t.strictSame(await read(sign(plain('{"a":NaN,"b":[Infinity,-Infinity],"c":"NaN, -Infinity"}'))), { a: null, b: [null, null], c: 'NaN, -Infinity' })
})

t.test('a number with a fraction stays a number, however many digits it has', async (t) => {
  const text = '{"a":0.30000000000000004,"b":-0.9572130722067812,"c":1.2345678901234567e-05,"d":12345678901234567.5}'
  t.strictSame(await read(sign(plain(text))), JSON.parse(text))
})

t.test('a whole number that JavaScript would round comes as a text; in texts digits stay', async (t) => {
  t.strictSame(await read(sign(plain('{"a":9007199254740993,"b":-9007199254740993,"c":9007199254740991,"d":1234567890123456.5,"e":"x 9007199254740993 \\"9007199254740993","f":[12345678901234567890],"g":1000000000000000000e2}'))), {
    a: '9007199254740993', b: '-9007199254740993', c: 9007199254740991, d: 1234567890123456.5, e: 'x 9007199254740993 "9007199254740993', f: ['12345678901234567890'], g: 1e20
  })
})
