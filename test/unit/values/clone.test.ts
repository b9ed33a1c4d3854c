import fc from 'fast-check'
import t from 'tap'
import { clone, same, sameKeys, UNKNOWN_KIND } from '../../../lib/values/clone.js'

const leaf = fc.oneof(
  fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined), fc.bigInt(),
  fc.date({ noInvalidDate: false }), fc.uint8Array(), fc.webUrl().map(text => new URL(text))
)
/** A long list is only dearer: each of its items is treated like the others. */
const few = { maxLength: 4 }
const { live } = fc.letrec(tie => ({
  live: fc.oneof(
    { depthSize: 'small' }, leaf,
    fc.array(tie('live'), few), fc.dictionary(fc.string(), tie('live'), { maxKeys: 4 }),
    fc.array(fc.tuple(tie('live'), tie('live')), few).map(pairs => new Map(pairs)), fc.array(tie('live'), few).map(items => new Set(items))
  )
}))

t.test('a clone is the same as its original, and shares nothing mutable with it', async t => {
  fc.assert(fc.property(live, value => {
    const copy = clone(value)
    return same(value, copy) && same(copy, value) && shared(value, copy) === 0
  }), { numRuns: 2000 })
  t.equal(shared({ a: [] }, { a: [] }), 0)
  const list: unknown[] = []
  t.equal(shared({ a: list }, { a: list }), 1, 'the check itself finds a shared part')
})

t.test('same is symmetric and says no more often than JSON and never says yes where JSON says no', async t => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
    return same(a, b) === same(b, a) && (!same(a, b) || sorted(a) === sorted(b))
  }), { numRuns: 500 })
  fc.assert(fc.property(fc.jsonValue(), value => same(value, JSON.parse(JSON.stringify(value)))))
  t.pass()
})

t.test('same tells apart what is stored differently', async t => {
  const different: [unknown, unknown][] = [
    [1, 2], [1, '1'], [null, undefined], [null, {}], [0, false], [[], {}], [{}, []], [[1], [1, 2]], [[1, 2], [2, 1]], [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 2 }], [{ a: 1, b: 2 }, { a: 1 }], [{ a: { b: [1] } }, { a: { b: [2] } }], [{ a: undefined, b: 1 }, { b: 1, c: 2 }],
    [new Date(0), new Date(1)], [new Date(0), new Date(NaN)], [new Date(0), 0], [new Date(0), {}], [{}, new Date(0)], [[], new Map()],
    [new Map([[1, 1]]), new Map([[1, 2]])], [new Map([[1, 1]]), new Map()], [new Map([[1, 1], [2, 2]]), new Map([[2, 2], [1, 1]])],
    [new Set([1, 2]), new Set([2, 1])], [new Set(), new Map()], [new Uint8Array([1]), new Uint8Array([2])], [new Uint8Array(1), new Uint8Array(2)],
    [new Uint8Array(0), []], [new Uint8Array(0), new Map()], [new Map(), new Uint8Array(0)], [new URL('http://a/'), new URL('http://b/')], [1n, 2n]
  ]
  for (const [a, b] of different) {
    t.equal(same(a, b), false)
    t.equal(same(b, a), false)
  }
})

t.test('same does not tell apart what is stored alike', async t => {
  const alike: [unknown, unknown][] = [
    [{ a: 1, b: 2 }, { b: 2, a: 1 }], [{ a: undefined }, {}], [{}, { a: undefined }], [{ toString: undefined }, {}], [{ a: undefined, b: 1 }, { b: 1 }], [0, -0], [NaN, NaN],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }], [new Date(NaN), new Date(NaN)],
    [Buffer.from([1, 2]), new Uint8Array([1, 2])], [1n, 1n]
  ]
  for (const [a, b] of alike) {
    t.equal(same(a, b), true)
    t.equal(same(b, a), true)
  }
})

t.test('what clone and same do not know they leave to the codec', async t => {
  class Money { readonly amount = 1 }
  class Moment extends Date {}
  for (const value of [new Money(), new Moment(), () => {}, Symbol('s'), new WeakMap(), /a/, new Error('e')]) {
    t.throws(() => clone(value), UNKNOWN_KIND)
    t.throws(() => clone({ deep: [value] }), UNKNOWN_KIND)
    t.equal(same(value, value), true, 'the very same thing')
    for (const other of [new Money(), {}, [], new Map(), new Date(), new Uint8Array()]) {
      t.throws(() => same({ value }, { value: other }), UNKNOWN_KIND)
      t.throws(() => same({ value: other }, { value }), UNKNOWN_KIND)
    }
  }
})

t.test('sameKeys compares own keys whatever the prototypes', async t => {
  class Session { own = 1; get inherited () { return 2 } }
  t.equal(sameKeys({ own: 1 }, new Session()), true)
  t.equal(sameKeys(new Session(), { own: 1 }), true)
  t.equal(sameKeys({ own: 1, inherited: 2 }, new Session()), false, 'an inherited value is no data')
  t.equal(sameKeys({ own: 2 }, new Session()), false)
})

t.test('K-46: a __proto__ key of the data is a key of the clone, not its prototype', async t => {
  const hostile = JSON.parse('{"__proto__":{"admin":true},"a":{"__proto__":{"admin":true}}}')
  const copy = clone(hostile)
  t.equal(Object.getPrototypeOf(copy), Object.prototype)
  t.equal(Object.getPrototypeOf(copy.a), Object.prototype)
  t.equal(copy.a.admin, undefined)
  t.ok(Object.hasOwn(copy.a, '__proto__'))
  t.equal(same(hostile, copy), true)
  t.equal(same({}, JSON.parse('{"__proto__":{}}')), false)
  t.equal(same(JSON.parse('{"__proto__":{}}'), { a: 1 }), false)
})

t.test('a clone of frozen data can be changed', async t => {
  const copy = clone(Object.freeze({ list: Object.freeze([1]) as number[] }))
  copy.list.push(2)
  t.same(copy, { list: [1, 2] })
})

t.test('a clone does not keep the memory of the pool that a Buffer is cut from', async t => {
  const copy = clone(Buffer.from('ab')) as Uint8Array
  t.equal(copy.buffer.byteLength, 2)
  t.notOk(Buffer.isBuffer(copy))
})

/** How many mutable objects two values have in common at the same place. */
function shared (a: unknown, b: unknown): number {
  if (typeof a !== 'object' || a === null) return 0
  if (a === b) return 1
  const parts = (value: object): unknown[] => value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value)
  const others = parts(b as object)
  return parts(a).reduce((sum: number, part, i) => sum + shared(part, others[i]), 0)
}

function sorted (value: unknown): string {
  return JSON.stringify(value, (_, part) => typeof part === 'object' && part !== null && !Array.isArray(part)
    ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
    : part)
}

t.test('what an object inherits is no part of it, whoever has polluted all of them', async (t) => {
  const root: Record<string, unknown> = Object.prototype as never
  Object.defineProperty(root, 'everywhere', { value: { a: 1 }, enumerable: true, configurable: true })
  t.teardown(() => { delete root.everywhere })
  const bare = Object.assign(Object.create(null) as object, { n: 1, list: [{ n: 2 }] })
  const plain = { n: 1, list: [{ n: 2 }] }
  t.ok(same(bare, plain))
  t.ok(same(plain, bare))
  t.notOk(same({ ...plain, everywhere: { a: 2 } }, plain))
  t.notOk(same(plain, { ...plain, everywhere: { a: 2 } }))
  t.strictSame(Object.keys(clone(plain)), ['n', 'list'])
})
