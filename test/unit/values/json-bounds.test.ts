import fc from 'fast-check'
import t from 'tap'
import { MAX_DEPTH, outOfBounds, toJson } from '../../../lib/values/json.js'
import { formatPath } from '../../../lib/values/path.js'

const nested = (depth: number): unknown => depth === 1 ? {} : { a: nested(depth - 1) }
const nestedArrays = (depth: number): unknown => depth === 1 ? [] : [nestedArrays(depth - 1)]

t.test('K-61: 32 levels are stored, 33 are not, in either direction', async t => {
  for (const make of [nested, nestedArrays]) {
    t.equal(outOfBounds(make(MAX_DEPTH)), null)
    t.same(toJson(make(MAX_DEPTH)), make(MAX_DEPTH))
    t.equal(outOfBounds(make(MAX_DEPTH + 1))?.length, MAX_DEPTH)
    t.throws(() => toJson(make(MAX_DEPTH + 1)), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /more than 32 deep/ })
  }
})

t.test('K-46: no key that reaches a prototype, at any depth', async t => {
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    const hostile = JSON.parse(`{"a":[{"b":{${JSON.stringify(key)}:1}}]}`)
    t.same(outOfBounds(hostile), ['a', 0, 'b', key])
    t.throws(() => toJson(hostile), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: new RegExp(`a\\[0\\]\\.b\\.${key} `) })
  }
  t.same(outOfBounds(JSON.parse('{"\\u005f_proto__":1}')), ['__proto__'], 'an escape does not hide it')
})

t.test('R-43: toJson is what JSON gives back, for everything it accepts', async t => {
  fc.assert(fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 8 }), value => {
    let json: unknown
    try {
      json = toJson(value)
    } catch (error) {
      return outOfBounds(value) !== null
    }
    t.strictSame(JSON.parse(JSON.stringify(json)), json)
    return outOfBounds(value) === null
  }), { numRuns: 1000 })
  t.equal(Object.is(toJson(-0), 0), true)
  t.strictSame(toJson({ a: undefined, b: 1 }), { b: 1 })
  t.strictSame(toJson(Object.assign(Object.create(null), { b: 1 })), { b: 1 })
})

t.test('R-43: what JSON would lose or change is refused with its path', async t => {
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  // eslint-disable-next-line no-sparse-arrays
  const refused = [NaN, Infinity, -Infinity, 1n, Symbol('s'), () => {}, new Date(), new Map(), new Uint8Array(1), [undefined], [, 1], { toJSON: () => 1 }, new (class Money {})(), cyclic]
  for (const value of refused) {
    t.throws(() => toJson({ a: { b: value } }), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /: a\.b/ })
  }
})

t.test('a path is written so that it can be read only one way', async t => {
  t.equal(formatPath([]), '(the data as a whole)')
  t.equal(formatPath(['cart', 0, 'qty']), 'cart[0].qty')
  t.equal(formatPath(['number.setting']), '["number.setting"]')
  t.equal(formatPath(['a', '0', '']), 'a["0"][""]')
  t.equal(formatPath([Symbol('s')]), '["Symbol(s)"]')
  t.equal(formatPath(['x'.repeat(100)]), `["${'x'.repeat(64)}…"]`)
  t.equal(formatPath(Array(9).fill('a')), 'a.a.a.a.a.a.a.a…')
})
