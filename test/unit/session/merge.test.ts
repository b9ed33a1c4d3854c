import t from 'tap'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { type Data, merge, type Resolvers } from '../../../lib/session/merge.js'

const same = (a: unknown, b: unknown) => isDeepStrictEqual(a, b)
const merged = (base: Data, theirs: Data, ours: Data, resolvers: Resolvers = {}) => merge(base, theirs, ours, resolvers, same)

const join: Resolvers = { k: ({ base, theirs, ours }) => `${String(base)}<${String(theirs)}|${String(ours)}` }
const forget: Resolvers = { k: () => undefined }
const cases: Array<[what: string, base: Data, theirs: Data, ours: Data, resolvers: Resolvers, data: Data, conflicts: string[]]> = [
  ['nobody changed a key', { k: 1 }, { k: 1 }, { k: 1 }, join, { k: 1 }, []],
  ['only we changed a key', { k: 1 }, { k: 1 }, { k: 2 }, join, { k: 2 }, []],
  ['only they changed a key', { k: 1 }, { k: 2 }, { k: 1 }, join, { k: 2 }, []],
  ['each changed another key (R-1)', { k: 1, l: 1 }, { k: 1, l: 2 }, { k: 2, l: 1 }, join, { k: 2, l: 2 }, []],
  ['only we added a key', {}, {}, { k: 2 }, join, { k: 2 }, []],
  ['only they added a key', {}, { k: 2 }, {}, join, { k: 2 }, []],
  ['only we deleted a key', { k: 1 }, { k: 1 }, {}, join, {}, []],
  ['only they deleted a key', { k: 1 }, {}, { k: 1 }, join, {}, []],
  ['we set a key to undefined', { k: 1 }, { k: 1 }, { k: undefined }, join, {}, []],
  ['both deleted a key', { k: 1 }, {}, {}, join, {}, []],
  ['both changed a key alike', { k: 1 }, { k: { x: 2 } }, { k: { x: 2 } }, join, { k: { x: 2 } }, []],
  ['both changed a key: ours wins', { k: 1 }, { k: 2 }, { k: 3 }, {}, { k: 3 }, ['k']],
  ['both changed a key: the resolver decides', { k: 1 }, { k: 2 }, { k: 3 }, join, { k: '1<2|3' }, ['k']],
  ['both added a key: the resolver decides', {}, { k: 2 }, { k: 3 }, join, { k: 'undefined<2|3' }, ['k']],
  ['the resolver removes a key', { k: 1 }, { k: 2 }, { k: 3 }, forget, {}, ['k']],
  ['a resolver is for its own key', { l: 1 }, { l: 2 }, { l: 3 }, join, { l: 3 }, ['l']],
  ['we deleted what they changed: ours wins', { k: 1 }, { k: 2 }, {}, {}, {}, ['k']],
  ['we changed what they deleted: ours wins', { k: 1 }, {}, { k: 2 }, {}, { k: 2 }, ['k']],
  ['the resolver decides about a deletion', { k: 1 }, { k: 2 }, {}, join, { k: '1<2|undefined' }, ['k']],
  ['a nested change is a change of its top-level key', { k: { x: 1, y: 1 } }, { k: { x: 2, y: 1 } }, { k: { x: 1, y: 2 } }, {}, { k: { x: 1, y: 2 } }, ['k']],
  ['null is a value', { k: 1 }, { k: 1 }, { k: null }, join, { k: null }, []],
  ['we deleted a key that has the name of an inherited one', { toString: 1 }, { toString: 1 }, {}, {}, {}, []],
  ['we added a key that has the name of an inherited one', {}, {}, { valueOf: 1 }, {}, { valueOf: 1 }, []],
  ['what is inherited is no resolver', { toString: 1 }, { toString: 2 }, { toString: 3 }, {}, { toString: 3 }, ['toString']]
]
for (const [what, base, theirs, ours, resolvers, data, conflicts] of cases) {
  t.test(what, async (t) => t.strictSame(merged(base, theirs, ours, resolvers), { data, conflicts }))
}

const value = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 2 }))
const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'toString', 'hasOwnProperty'), value, { noNullPrototype: true })
const keys = (...all: Data[]) => [...new Set(all.flatMap((one) => Object.keys(one)))]
const at = (object: Data, key: string) => Object.hasOwn(object, key) ? object[key] : undefined

t.test('laws of the merge', async (t) => {
  const law = (name: string, holds: (base: Data, theirs: Data, ours: Data) => boolean) => t.test(name, async (t) => {
    fc.assert(fc.property(data, data, data, holds), { seed: 7, numRuns: 2000 })
    t.pass()
  })
  law('with nothing new on their side it is ours', (base, _, ours) => same(merged(base, base, ours), { data: ours, conflicts: [] }))
  law('with nothing new on our side it is theirs', (base, theirs) => same(merged(base, theirs, base), { data: theirs, conflicts: [] }))
  law('with the same on both sides it is that', (base, theirs) => same(merged(base, theirs, theirs), { data: theirs, conflicts: [] }))
  law('no value comes from elsewhere', (base, theirs, ours) =>
    Object.entries(merged(base, theirs, ours).data).every(([key, value]) => same(value, at(ours, key)) || same(value, at(theirs, key))))
  law('what either side deleted and the other left alone stays deleted', (base, theirs, ours) => keys(base).every((key) => {
    const deleted = (at(ours, key) === undefined && same(at(theirs, key), base[key])) || (at(theirs, key) === undefined && same(at(ours, key), base[key]))
    return !deleted || !Object.hasOwn(merged(base, theirs, ours).data, key)
  }))
  law('each of our changes is kept', (base, theirs, ours) => keys(base, ours).every((key) =>
    same(at(base, key), at(ours, key)) || same(at(merged(base, theirs, ours).data, key), at(ours, key))))
  law('each of their changes to a key that we left alone is kept', (base, theirs, ours) => keys(base, theirs).every((key) =>
    !same(at(base, key), at(ours, key)) || same(at(merged(base, theirs, ours).data, key), at(theirs, key))))
  law('a resolver is asked exactly for the conflicts, with the three values', (base, theirs, ours) => {
    const asked: string[] = []
    const resolvers = Object.fromEntries(keys(base, theirs, ours).map((key) => [key, (versions: object) => {
      asked.push(key)
      return same(versions, { base: at(base, key), theirs: at(theirs, key), ours: at(ours, key) }) ? at(ours, key) : 'wrong'
    }]))
    const { data, conflicts } = merged(base, theirs, ours, resolvers)
    return same(asked, conflicts) && same(data, merged(base, theirs, ours).data)
  })
  law('nothing given is changed', (base, theirs, ours) => {
    const before = structuredClone([base, theirs, ours])
    merged(base, theirs, ours)
    return same(before, [base, theirs, ours])
  })
})
