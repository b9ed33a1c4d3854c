import t from 'tap'
import * as z from 'zod'
import type { $ZodType } from 'zod/v4/core'
import { createCodec } from '../../../lib/schema/codec.js'
import { date, mapOf } from '../../../lib/codecs.js'
import type { SessionSchema } from '../../../types/index.js'

const reserved = new Set(['save', 'id'])
const codecOf = (shape: Record<string, $ZodType>, initial?: object) => createCodec(z.object(shape) as unknown as SessionSchema, { reserved, ...initial && { initial } })
const INVALID = 'FST_TYPED_SESSION_INVALID_DATA'
const UNKNOWN = 'FST_TYPED_SESSION_UNKNOWN_KEY'
const item = z.object({ sku: z.string(), qty: z.int() })
// `at` makes a schema one that converts, so that every rule is tested on the direct and on the general way to encode.
const shapes = { plain: {}, converting: { at: date().optional() } }

for (const [name, more] of Object.entries(shapes)) {
  t.test(`P1.3: a bad value fails at once and names its path, never the value (${name})`, async t => {
    const codec = codecOf({ ...more, userId: z.string().optional(), cart: z.array(item).default([]), strict: z.strictObject({ a: z.string().optional() }).optional() })
    const cases: [object, string, RegExp][] = [
      [{ cart: 'secret-value' }, INVALID, /: cart \(expected array\)$/],
      [{ cart: [{ sku: 'secret-value', qty: 'secret-value' }] }, INVALID, /: cart\[0\]\.qty \(expected number\)$/],
      [{ cart: [], userId: 5 }, INVALID, /: userId \(expected string\)$/],
      [{}, INVALID, /: cart \(expected array\)$/],
      [{ cart: undefined }, INVALID, /: cart \(expected array\)$/],
      [{ cart: [], secretKey: 'secret-value' }, UNKNOWN, /the schema has no secretKey\./],
      [{ cart: [{ sku: 'a', qty: 1, note: 'secret-value' }] }, UNKNOWN, /the schema has no cart\[0\]\.note\./],
      [{ cart: [], strict: { b: 'secret-value' } }, UNKNOWN, /the schema has no strict\.b\./],
      [{ cart: [], userId: 'a', save: 'secret-value' }, 'FST_TYPED_SESSION_RESERVED_KEY', /named "save"/],
      [{ cart: [], save: undefined }, 'FST_TYPED_SESSION_RESERVED_KEY', /named "save"/],
      [JSON.parse('{"cart":[],"__proto__":{"a":1}}'), INVALID, /__proto__/],
      [{ cart: [JSON.parse('{"sku":"a","qty":1,"__proto__":{"a":1}}')] }, INVALID, /cart\[0\]\.__proto__ /]
    ]
    for (const [live, code, message] of cases) {
      t.throws(() => codec.encode(live), { code, message })
      try { codec.encode(live) } catch (error) { t.notMatch((error as Error).message, /secret-value/) }
    }
  })

  t.test(`keys with undefined count as absent, also under exactOptional (${name})`, async t => {
    const codec = codecOf({ ...more, a: z.string().optional(), b: z.string().exactOptional(), c: z.object({ d: z.string().exactOptional(), e: z.string().optional() }).default({}) })
    t.strictSame(codec.encode({ a: undefined, b: undefined, c: { d: undefined, e: undefined } }), { data: { c: {} }, extra: null })
    t.strictSame(codec.encode({ x: undefined, c: {} }), { data: { c: {} }, extra: null })
  })

  t.test(`cyclic data is refused with its path (${name})`, async t => {
    const codec = codecOf({ ...more, any: z.any().optional(), json: z.json().optional() })
    const loop: Record<string, unknown> = {}
    loop.next = { loop: [loop] }
    for (const key of ['any', 'json']) t.throws(() => codec.encode({ [key]: loop }), { code: INVALID, message: new RegExp(`: ${key}\\[…\\]\\[…\\]\\[0\\]\\[…\\]`) })
  })

  t.test(`-0 is kept as 0 (${name})`, async t => {
    const { data } = codecOf({ ...more, n: z.number().optional() }).encode({ n: -0 })
    t.ok(Object.is(data.n, 0))
  })

  t.test(`of a class instance only own enumerable keys are kept (${name})`, async t => {
    class Session { a = 'x'; get b () { return 'y' } }
    const session = Object.defineProperty(new Session(), 'hidden', { value: 1, enumerable: false })
    t.strictSame(codecOf({ ...more, a: z.string().optional(), b: z.string().optional() }).encode(session), { data: { a: 'x' }, extra: null })
  })

  t.test(`.trim() and its like may rewrite what is kept (${name})`, async t => {
    const codec = codecOf({ ...more, name: z.string().trim().optional(), list: z.array(z.object({ tag: z.string().toLowerCase() })).optional(), coerced: z.coerce.number().optional() })
    t.strictSame(codec.encode({ name: ' Ann ', list: [{ tag: 'A' }] }).data, { name: 'Ann', list: [{ tag: 'a' }] })
    t.throws(() => codec.encode({ list: [{ tag: 'A', x: 1 }] }), { code: UNKNOWN, message: /list\[0\]\.x/ }, 'but not drop anything')
    t.throws(() => codec.encode({ coerced: '5' }), { code: INVALID, message: /: coerced \(would be read back as something else\)/ })
  })

  t.test(`a removed default that decoding would bring back is refused (${name})`, async t => {
    const codec = codecOf({ ...more, theme: z.string().default('light').optional() })
    t.throws(() => codec.encode({}), { code: INVALID, message: /: theme \(would be read back as something else\)/ })
  })

  t.test(`.catch() does not hide a bad value when it is written (${name})`, async t => {
    const codec = codecOf({ ...more, n: z.number().catch(0) })
    t.throws(() => codec.encode({ n: 'x' }), { code: INVALID, message: /: n \(expected number\)/ })
  })
}

t.test('a union whose members cannot be told apart when stored is refused: what is read is what was written', async t => {
  const codec = codecOf({ either: z.union([z.string(), date()]).optional(), number: z.union([z.number(), z.codec(z.number(), z.custom<{ n: number }>(), { decode: n => ({ n }), encode: ({ n }) => n })]).optional() })
  t.strictSame(codec.encode({ either: 'text' }).data, { either: 'text' })
  t.throws(() => codec.encode({ either: new Date(0) }), { code: INVALID, message: /: either \(would be read back as something else\)/ })
})

t.test('a codec that loses something is refused', async t => {
  const seconds = z.codec(z.int(), z.date(), { decode: s => new Date(s * 1000), encode: at => Math.floor(at.getTime() / 1000) })
  const codec = codecOf({ at: seconds.optional(), map: mapOf(z.string(), z.object({ a: z.string() })).optional() })
  t.strictSame(codec.encode({ at: new Date(5000) }).data, { at: 5 })
  t.throws(() => codec.encode({ at: new Date(5001) }), { code: INVALID, message: /: at \(would/ })
  t.throws(() => codec.encode({ map: new Map([['k', { a: 'x', b: 'y' }]]) }), { code: INVALID, message: /: map \(would/ })
  const blind = codecOf({ n: z.codec(z.number(), z.string(), { decode: n => String(n), encode: () => 0 }).optional() })
  t.throws(() => blind.encode({ n: '7' }), { code: INVALID, message: /: n \(would/ })
  const broken = codecOf({ n: z.codec(z.number(), z.string(), { decode: (n, payload) => { payload.issues.push({ code: 'custom', input: n }); return '' }, encode: Number }).optional() })
  t.throws(() => broken.encode({ n: '7' }), { code: INVALID, message: /: n \(cannot be read back\)/ })
})

t.test('an optional entry of a record with declared keys may be absent', async t => {
  const codec = codecOf({ seen: z.record(z.enum(['a', 'b']), date().optional()).optional(), item: item.optional() })
  t.throws(() => codec.encode({ seen: { a: new Date(0) }, item: { sku: 'a', qty: 1, x: 1 } }), { code: UNKNOWN, message: /has no item\.x\./ }, 'and is not named as a difference')
  t.strictSame(codec.encode({ seen: { a: new Date(0) } }).data, { seen: { a: '1970-01-01T00:00:00.000Z' } })
})

class Money { readonly amount: number; constructor (amount: number) { this.amount = amount } }
const money = z.codec(z.int(), z.custom<Money>(live => live instanceof Money), { decode: amount => new Money(amount), encode: ({ amount }) => amount })

t.test('instances of a class that only a codec of the application knows are compared as they are stored', async t => {
  const codec = codecOf({ price: money.optional() })
  t.strictSame(codec.encode({ price: new Money(3) }).data, { price: 3 })
  const passing = codecOf({ price: money.optional(), any: z.any().optional() })
  t.strictSame(passing.decode({ data: { price: 3, any: [] } }), { ok: true, data: { price: new Money(3), any: [] } }, 'next to values that are handed through')
  const wrong = codecOf({ price: z.codec(z.int(), z.custom<Money>(live => live instanceof Money), { decode: amount => new Money(amount + 1), encode: ({ amount }) => amount }).optional() })
  t.throws(() => wrong.encode({ price: new Money(3) }), { code: INVALID, message: /: price \(would be read back/ })
})

t.test('what a codec of the application makes must be JSON, and what it throws stays inside', async t => {
  const bad = codecOf({ a: z.codec(z.any(), z.any(), { decode: x => x, encode: () => new Date() }).optional() })
  t.throws(() => bad.encode({ a: 1 }), { code: INVALID, message: /: a \(a class instance is not JSON\)/ })
  const unreadable = codecOf({ a: z.codec(z.string(), z.string(), { decode: () => { throw new Error('secret-value') }, encode: x => x }).optional() })
  t.throws(() => unreadable.encode({ a: 'x' }), { code: INVALID, message: /: \(the data as a whole\) \(cannot be read back\)$/ })
  for (const thrown of [new RangeError('secret-value'), 'secret-value']) {
    const throwing = codecOf({ a: z.codec(z.string(), z.string(), { decode: x => x, encode: () => { throw thrown } }).optional() })
    t.throws(() => throwing.encode({ a: 'x' }), { code: INVALID, message: /the schema threw (RangeError|string)\)$/ })
  }
})

t.test('the stored side is an object, whatever a codec of the whole schema does', async t => {
  const array = z.codec(z.array(z.string()), z.object({ a: z.string() }), { decode: ([a = '']) => ({ a }), encode: ({ a }) => [a] })
  t.throws(() => createCodec(array as never, { reserved, initial: ['x'] }), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /a new session could not be saved\..*not an object/ })
  const list = z.codec(z.object({}), z.record(z.string(), z.string()), { decode: () => ({}), encode: () => ({}) })
  const codec = createCodec(list, { reserved })
  t.strictSame(codec.encode({}), { data: {}, extra: null })
  t.throws(() => codec.encode({ a: 'x' }), { code: UNKNOWN, message: /no a\./ })
})
