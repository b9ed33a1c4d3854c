import t from 'tap'
import * as z from 'zod'
import { createCodec } from '../../../lib/schema/codec.js'
import { date } from '../../../lib/codecs.js'

const KEY = 'ada@example.com token=SECRET'
const codec = createCodec(z.object({
  votes: z.record(z.string(), z.int()).optional(),
  seen: z.record(z.string(), z.object({ at: date() })).optional(),
  byDay: z.partialRecord(z.enum(['mon', 'tue']), z.int()).optional(),
  json: z.json().optional(),
  any: z.unknown().optional(),
  codes: z.record(z.string().regex(/^[a-z]+$/), z.int()).optional(),
  strict: z.record(z.string(), z.strictObject({ n: z.int() })).optional()
}), { reserved: new Set(), undeclaredKeys: ['flash'] })

let cyclic: object = {}
cyclic = Object.assign(cyclic, { [KEY]: cyclic })

// Keys of a record may be anything that a visitor has typed, and the message goes out with a 500.
const refused: ReadonlyArray<readonly [what: string, data: object, path: string]> = [
  ['a value of the wrong type', { votes: { [KEY]: 'x' } }, 'votes[…] (expected number)'],
  ['deeper, where the schema has a name', { seen: { [KEY]: { at: 'x' } } }, 'seen[…].at (expected date)'],
  ['a key that is none of those allowed', { byDay: { [KEY]: 1 } }, 'byDay[…]'],
  ['a key of the wrong form', { codes: { [KEY]: 1 } }, 'codes[…] (invalid key)'],
  ['what is no JSON', { any: { [KEY]: [1n] } }, 'any[…][0] (bigint is not JSON)'],
  ['a number that JSON has not', { any: { [KEY]: Infinity } }, 'any[…] (the number is not finite)'],
  ['a class instance', { any: { [KEY]: new Date(0) } }, 'any[…] (a class instance is not JSON)'],
  ['a cycle', { any: cyclic }, 'any[…]'],
  ['a key that is not allowed', { any: JSON.parse(`{"${KEY}":{"__proto__":1}}`) }, 'any[…].__proto__ (this key is not allowed)'],
  ['what a plugin writes', { flash: { [KEY]: () => {} } }, 'flash[…] (function is not JSON)'],
  ['a key that an object does not know is what it is about', { strict: { [KEY]: { n: 1, typo: 2 } } }, 'strict[…].typo']
]

for (const [what, data, path] of refused) {
  t.test(`a message names keys that the schema declares, and no key of a record: ${what}`, async (t) => {
    t.throws(() => codec.encode(data), { code: /^FST_TYPED_SESSION_(INVALID_DATA|UNKNOWN_KEY)$/ })
    try {
      codec.encode(data)
    } catch (error) {
      const { message } = error as Error
      t.ok(message.includes(path), message)
      t.notMatch(message, /ada|SECRET/)
    }
  })
}

t.test('the paths of an event, and of the log, name none either', async (t) => {
  t.strictSame(codec.decode({ data: { votes: { [KEY]: 'x', b: 'y' }, byDay: { [KEY]: 1 } } }), { ok: false, paths: ['votes[…]', 'byDay[…]'] })
})
