import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import * as z from 'zod'
import * as mini from 'zod/mini'
import { createCodec } from '../../../lib/schema/codec.js'
import { bigint, bytes, date, mapOf, setOf, url } from '../../../lib/codecs.js'
import { same } from '../../../lib/values/clone.js'
import type { SessionSchema } from '../../../types/index.js'

const text = fc.string({ unit: 'binary' })
const number = fc.double({ noNaN: true, noDefaultInfinity: true })
const instant = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
const reserved = new Set<string>()

interface Tree { value: Date, children: Tree[] }
const tree: z.ZodType<Tree, { value: string, children: never[] }> = z.object({ value: date(), get children () { return z.array(tree) } }) as never
const { treeOf } = fc.letrec<{ treeOf: Tree }>(tie => ({
  treeOf: fc.oneof({ maxDepth: 5 }, fc.record({ value: instant, children: fc.constant<Tree[]>([]) }), fc.record({ value: instant, children: fc.array(tie('treeOf'), { maxLength: 3 }) }))
}))

const cases: Record<string, [SessionSchema, fc.Arbitrary<object>]> = {
  'plain values': [
    z.object({ text: z.string().optional(), number: z.number().default(0), yes: z.boolean().default(true), list: z.array(z.string()).default([]), nothing: z.null().optional() }),
    fc.record({ text: fc.option(text, { nil: undefined }), number, yes: fc.boolean(), list: fc.array(text), nothing: fc.constantFrom(null, undefined) })
  ],
  'P0.3: dotted, empty and odd keys': [
    z.object({ 'number.setting': z.number().optional(), '': z.string().optional(), 'a b"[0]': z.string().optional() }),
    fc.record({ 'number.setting': number, '': text, 'a b"[0]': text }, { requiredKeys: [] })
  ],
  'every codec of ours': [
    z.object({ at: date().optional(), big: bigint().optional(), map: mapOf(z.string(), date()).optional(), set: setOf(bigint()).optional(), bytes: bytes().optional(), url: url().optional(), deep: mapOf(z.int(), mapOf(z.string(), setOf(z.string()))).optional() }),
    fc.record({
      at: instant,
      big: fc.bigInt(),
      map: fc.array(fc.tuple(text, instant)).map(pairs => new Map(pairs)),
      set: fc.array(fc.bigInt()).map(items => new Set(items)),
      bytes: fc.uint8Array(),
      url: fc.webUrl({ withQueryParameters: true, withFragments: true }).map(href => new URL(href)),
      deep: fc.array(fc.tuple(fc.integer(), fc.array(text))).map(pairs => new Map(pairs.map(([key, items]) => [key, new Map([['x', new Set(items)]])])))
    }, { requiredKeys: [] })
  ],
  'a discriminated union with codecs': [
    z.discriminatedUnion('kind', [z.object({ kind: z.literal('anonymous') }), z.object({ kind: z.literal('user'), since: date(), roles: setOf(z.enum(['a', 'b'])) })]).prefault({ kind: 'anonymous' }),
    fc.oneof(fc.record({ kind: fc.constant('anonymous') }), fc.record({ kind: fc.constant('user'), since: instant, roles: fc.uniqueArray(fc.constantFrom('a', 'b')).map(items => new Set(items)) }))
  ],
  'a recursive schema': [z.object({ tree: tree.optional() }), treeOf.map(value => ({ tree: value }))],
  'records, tuples, unions, intersections, literals, brands, readonly': [
    z.object({
      record: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).default({}),
      tuple: z.tuple([z.string(), z.number()], z.boolean()).optional(),
      partial: z.partialRecord(z.enum(['a', 'b']), date()).optional(),
      both: z.object({ a: date() }).and(z.object({ b: z.string() })).optional(),
      literal: z.literal(['a', 1, true, null]).optional(),
      brand: z.string().brand('b').optional(),
      frozen: z.array(z.object({ a: date() })).readonly().optional(),
      template: z.templateLiteral(['a', z.int()]).optional(),
      bool: z.stringbool().optional()
    }),
    fc.record({
      record: fc.dictionary(text.filter(key => !['__proto__', 'constructor', 'prototype'].includes(key)), fc.oneof(text, number, fc.constant(null))),
      tuple: fc.tuple(text, number).chain(([a, b]) => fc.array(fc.boolean()).map(rest => [a, b, ...rest])),
      partial: fc.record({ a: instant, b: instant }, { requiredKeys: [] }),
      both: fc.record({ a: instant, b: text }),
      literal: fc.constantFrom('a', 1, true, null),
      brand: text,
      frozen: fc.array(fc.record({ a: instant })),
      template: fc.integer().map(n => `a${n}`),
      bool: fc.boolean()
    }, { requiredKeys: ['record'] })
  ],
  'open schemas': [z.object({ at: date().optional() }).catchall(z.json()), fc.dictionary(fc.string().filter(key => !['__proto__', 'constructor', 'prototype', 'at'].includes(key)), fc.jsonValue({ maxDepth: 4 }).map(tame))],
  'any JSON': [z.object({ a: z.any(), b: z.unknown().optional(), c: z.json().optional() }) as never, fc.record({ a: fc.jsonValue({ maxDepth: 4 }).map(tame), b: fc.jsonValue({ maxDepth: 4 }).map(tame), c: fc.jsonValue({ maxDepth: 4 }).map(tame) })],
  'zod/mini': [
    mini.object({ text: mini.optional(mini.string()), list: mini._default(mini.array(mini.number()), []), at: mini.optional(mini.codec(mini.iso.datetime(), mini.date(), { decode: iso => new Date(iso), encode: at => at.toISOString() })) }),
    fc.record({ text, list: fc.array(number), at: instant }, { requiredKeys: ['list'] })
  ]
}

for (const [name, [schema, live]] of Object.entries(cases)) {
  t.test(`P0.6, R-43: decode(encode(x)) is x: ${name}`, async t => {
    const codec = createCodec(schema, { reserved, ...name === 'any JSON' && { initial: { a: 1 } } })
    fc.assert(fc.property(live, data => {
      const stored = codec.encode(data)
      const parsed = JSON.parse(JSON.stringify(stored)) as typeof stored
      if (!isDeepStrictEqual(parsed, stored)) return false
      const decoded = codec.decode(parsed)
      return decoded.ok && same(data, decoded.data) && same(decoded.data, codec.copy(decoded.data)) && !codec.differs(decoded.data, data)
    }), { numRuns: 1000 })
    t.pass()
  })
}

t.test('R-43: whatever is assigned, it comes back or it is refused with a path', async t => {
  const codec = createCodec(z.object({ any: z.any(), json: z.json().optional(), text: z.string().optional(), number: z.number().optional(), int: z.int().optional(), list: z.array(z.number()).optional(), at: date().optional(), record: z.record(z.string(), z.number()).optional(), either: z.union([z.string(), date()]).optional(), trimmed: z.string().trim().optional() }), { reserved, initial: { any: null } })
  const odd = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withSparseArray: true, withNullPrototype: true, withTypedArray: true, stringUnit: 'binary' })
  const key = fc.constantFrom('any', 'json', 'text', 'number', 'int', 'list', 'at', 'record', 'either')
  let kept = 0
  let refused = 0
  fc.assert(fc.property(key, fc.oneof(odd, text, number, fc.constantFrom(NaN, -0, Infinity, '\ud800', new Date(NaN), 1n, [undefined], 2 ** 53 + 2), fc.array(number), instant), (name, value) => {
    const live = { any: null, [name]: value }
    let stored
    try {
      stored = codec.encode(live)
    } catch (error) {
      refused++
      const { code, message } = error as { code: string, message: string }
      return ['FST_TYPED_SESSION_INVALID_DATA', 'FST_TYPED_SESSION_UNKNOWN_KEY'].includes(code) && message.includes(name)
    }
    kept++
    const decoded = codec.decode(JSON.parse(JSON.stringify(stored)))
    return decoded.ok && same(live, decoded.data)
  }), { numRuns: 20000 })
  t.ok(kept > 1000 && refused > 1000, `${kept} came back, ${refused} were refused`)
})

/** Drops the keys that no session may have. */
function tame (value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), function (key, part) { return ['__proto__', 'constructor', 'prototype'].includes(key) ? undefined : part })
}
