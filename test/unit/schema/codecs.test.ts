import t from 'tap'
import * as z from 'zod'
import { expectTypeOf } from 'expect-type'
import { bigint, bytes, date, mapOf, setOf, url } from '../../../lib/codecs.js'
import { inspectSchema } from '../../../lib/schema/inspect.js'

t.test('P0.6: each live type is stored as plain JSON and comes back as what it was', async t => {
  const cases: [z.ZodType, unknown, unknown][] = [
    [date(), new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)), '2026-01-02T03:04:05.006Z'],
    [date(), new Date(0), '1970-01-01T00:00:00.000Z'],
    [bigint(), 0n, '0'], [bigint(), -(2n ** 70n), '-1180591620717411303424'],
    [mapOf(z.string(), date()), new Map([['b', new Date(0)], ['a', new Date(1)]]), [['b', '1970-01-01T00:00:00.000Z'], ['a', '1970-01-01T00:00:00.001Z']]],
    [mapOf(bigint(), setOf(z.string())), new Map([[1n, new Set(['x'])]]), [['1', ['x']]]],
    [setOf(z.string()), new Set(['b', 'a']), ['b', 'a']], [setOf(bigint()), new Set([2n]), ['2']],
    [bytes(), new Uint8Array([251, 255, 0]), '-_8A'], [bytes(), new Uint8Array(0), ''],
    [url(), new URL('https://user@example.com:8080/a?b=c#d'), 'https://user@example.com:8080/a?b=c#d']
  ]
  for (const [schema, live, stored] of cases) {
    t.strictSame(z.encode(schema, live), stored)
    t.strictSame(z.decode(schema, stored), live)
  }
})

t.test('what is not exactly the stored form is refused', async t => {
  const cases: [z.ZodType, unknown[]][] = [
    [date(), ['', 'yesterday', '2026-01-02', '2026-13-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-01-02T03:04:05', '2026-01-02T03:04:05+01:00', 0, null, new Date(0)]],
    [bigint(), ['', '-', '-0', '00', '01', '1.5', '0x10', ' 1', '1n', '1e3', 1, null]],
    [mapOf(z.string(), z.number()), [{}, [['a']], [['a', 1, 2]], [['a', 'b']], [['a', 1], ['a', 2]], [[1, 1]], 'x', null]],
    [setOf(z.string()), [{}, [1], ['a', 'a'], null]],
    [bytes(), ['a', 'aa=', 'aa==', 'a+/b', 'aB', 'a b', 1, null]],
    [url(), ['', 'example.com', '/path', 'http://', 1, null]]
  ]
  for (const [schema, values] of cases) {
    for (const value of values) t.equal(z.safeDecode(schema, value).success, false, JSON.stringify(value))
  }
})

t.test('what is not the live type is refused when it is encoded', async t => {
  const cases: [z.ZodType, unknown[]][] = [
    [date(), [new Date(NaN), '2026-01-01T00:00:00Z', 0, new Date(8.64e15), new Date(-8.64e15)]], [bigint(), [1, '1']], [mapOf(z.string(), z.number()), [{}, [], new Map([['a', 'b']]), new Map([[1, 1]])]],
    [setOf(z.string()), [[], new Set([1])]], [bytes(), [[1], 'aa', new Uint16Array(1)]], [url(), ['http://a/', {}]]
  ]
  for (const [schema, values] of cases) {
    for (const value of values) t.equal(z.safeEncode(schema, value).success, false, String(value))
  }
})

t.test('bytes are an array of their own, whatever buffer they were cut from', async t => {
  const part = Buffer.from('xabx').subarray(1, 3)
  t.equal(z.encode(bytes(), part), Buffer.from('ab').toString('base64url'))
  const live = z.decode(bytes(), 'YWI')
  t.equal(live.buffer.byteLength, 2)
  t.notOk(Buffer.isBuffer(live))
})

t.test('they are ordinary schemas, typed exactly, and known to be synchronous', async t => {
  const schema = z.object({ at: date().optional(), big: bigint().default(1n), map: mapOf(z.string(), date()), set: setOf(bigint()), bytes: bytes(), url: url().nullable() })
  expectTypeOf<z.output<typeof schema>>().toEqualTypeOf<{ at?: Date | undefined, big: bigint, map: Map<string, Date>, set: Set<bigint>, bytes: Uint8Array, url: URL | null }>()
  expectTypeOf<z.input<typeof schema>>().toEqualTypeOf<{ at?: string | undefined, big?: string | undefined, map: [string, string][], set: string[], bytes: string, url: string | null }>()
  t.equal(inspectSchema(schema, new Set()).foreign, false, 'so that Zod may take its compiled path')
  t.equal(inspectSchema(z.object({ a: date().refine(() => true) }), new Set()).foreign, true)
})
