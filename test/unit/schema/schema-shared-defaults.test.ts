import t from 'tap'
import * as z from 'zod'
import * as mini from 'zod/mini'
import type { $ZodType } from 'zod/v4/core'
import { createCodec } from '../../../lib/schema/codec.js'
import { date, mapOf } from '../../../lib/codecs.js'
import { inspectSchema } from '../../../lib/schema/inspect.js'
import { sharedParts } from '../../../lib/schema/shared-defaults.js'

const problems = (a: $ZodType) => inspectSchema(z.object({ a }), new Set()).problems
const listed = z.object({ list: z.array(z.string()) })
const list: string[] = []

t.test('a default that sessions would share is refused with its path', async t => {
  const cases: [$ZodType, RegExp][] = [
    [listed.default({ list: [] }), /^session\.a\.list: this \.default\(\) value would be shared by all sessions\. Use \.default\(\(\) => …\) or \.prefault/],
    [z.array(z.string()).catch([]), /^session\.a: this \.catch\(\) value would be shared/],
    [z.array(z.string()).default(() => list), /^session\.a: this \.default/],
    [z.array(z.array(z.string())).default([[]]), /^session\.a\[0\]: this \.default/],
    [date().default(new Date(0)), /^session\.a: this \.default/],
    [date().default(Object.freeze(new Date(0))), /^session\.a: this \.default/],
    [mapOf(z.string(), listed).default(new Map([['x', { list: [] }]])), /^session\.a\[0\]: this \.default/],
    [z.object({ b: listed.default({ list: [] }) }).optional(), /^session\.a\.b\.list: /],
    [z.union([z.string(), listed.default({ list: [] })]), /^session\.a\|1\.list: /],
    [z.array(listed.default({ list: [] })), /^session\.a\[\]\.list: /],
    [z.array(z.string()).catch([]).optional(), /^session\.a: /],
    [mini._default(mini.object({ list: mini.array(mini.string()) }), { list: [] }), /^session\.a\.list: /],
    [mini.catch(mini.array(mini.string()), []), /^session\.a: /],
    [listed.default(Object.freeze({ list: [] })), /^session\.a\.list: /]
  ]
  for (const [schema, message] of cases) t.match(problems(schema), [message])
})

t.test('what Zod makes anew, or cannot change, is accepted', async t => {
  const cases: $ZodType[] = [
    z.array(z.string()).default([]), listed.default(() => ({ list: [] })), listed.prefault({ list: [] }), z.array(z.string()).catch(() => []), z.string().catch('x'), z.null().catch(null),
    date().default(() => new Date()), mapOf(z.string(), z.string()).default(new Map([['a', 'b']])), z.array(z.string()).readonly().default(Object.freeze([])),
    z.string().catch(({ error }) => String((error as unknown as { missing: { deep: string } }).missing.deep))
  ]
  for (const schema of cases) t.same(problems(schema), [])
})

t.test('what the walk cannot see, a codec that decodes to one object for all, is found by making two new sessions', async t => {
  const theme = { colours: ['red'] }
  const schema = z.object({ theme: z.codec(z.string(), z.object({ colours: z.array(z.string()) }).readonly(), { decode: () => theme, encode: () => 'x' }).prefault('x') })
  const custom = z.object({ theme: z.codec(z.string(), z.custom<typeof theme>(), { decode: () => theme, encode: () => 'x' }).prefault('x') })
  t.doesNotThrow(() => createCodec(schema, { reserved: new Set() }), 'the object of its live side is a copy')
  t.throws(() => createCodec(custom, { reserved: new Set() }), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /new sessions would share theme\./ })
})

t.test('new sessions share nothing', async t => {
  const schema = z.object({
    any: z.any().prefault(list), json: z.json().prefault({ a: [] }), frozen: listed.prefault({ list: [] }).readonly(), map: mapOf(z.string(), listed).default(() => new Map([['a', { list: [] }]]))
  })
  const codec = createCodec(schema, { reserved: new Set() })
  t.same(sharedParts(codec.initial(), codec.initial()), [])
  const first = codec.initial() as z.output<typeof schema>
  first.any.push('secret')
  ;(first.frozen as { list: string[] }).list.push('secret')
  first.map.get('a')?.list.push('secret')
  t.notMatch(JSON.stringify(codec.encode(codec.initial())), /secret/)
  t.same(list, [])
})
