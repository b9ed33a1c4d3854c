import t from 'tap'
import * as z from 'zod'
import { createCodec } from '../../../lib/schema/codec.js'
import { date } from '../../../lib/codecs.js'

const reserved = new Set<string>()
const schema = z.object({ theme: z.enum(['light', 'dark']).default('light'), at: date().optional(), cart: z.array(z.object({ qty: z.int() })).default([]) })
const codec = createCodec(schema, { reserved })

t.test('R-19: the keys that validate are kept, the others get their defaults', async t => {
  const cases: [unknown, object][] = [
    [{ theme: 'dark', at: '2026-01-01T00:00:00Z', cart: [{ qty: 1 }] }, { theme: 'dark', at: new Date('2026-01-01T00:00:00Z'), cart: [{ qty: 1 }] }],
    [{ theme: 'blue', at: 'never', cart: [{ qty: 1 }] }, { theme: 'light', cart: [{ qty: 1 }] }],
    [{ theme: 'dark', cart: [{ qty: 1 }, { qty: 'x' }] }, { theme: 'dark', cart: [] }],
    [JSON.parse('{"theme":"dark","cart":{"__proto__":{}}}'), { theme: 'dark', cart: [] }],
    [{ theme: 5, gone: 1 }, { theme: 'light', cart: [] }]
  ]
  for (const [data, kept] of cases) t.strictSame(codec.salvage({ data }), { ok: true, data: kept })
  t.strictSame(createCodec(z.strictObject({ a: z.string().optional() }), { reserved }).salvage({ data: { a: 'x', old: 1 } }), { ok: true, data: { a: 'x' } })
})

t.test('where a key is missing that has no default, or the whole does not validate, nothing is salvaged', async t => {
  const required = createCodec(z.object({ a: z.string(), b: z.string().optional() }), { reserved, initial: { a: 'x' } })
  t.same(required.salvage({ data: { a: 1, b: 'x' } }), { ok: false, paths: ['a'] })
  const whole = createCodec(z.object({ a: z.string().optional(), b: z.string().optional() }).refine(({ a, b }) => a === b), { reserved })
  t.same(whole.salvage({ data: { a: 'x' } }), { ok: false, paths: ['(the data as a whole)'] })
  t.same(whole.salvage({ data: { a: 'x', b: 5 } }).ok, false)
})
