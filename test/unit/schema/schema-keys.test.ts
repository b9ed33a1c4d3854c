import t from 'tap'
import * as z from 'zod'
import type { $ZodType } from 'zod/v4/core'
import { createCodec } from '../../../lib/schema/codec.js'
import { inspectSchema } from '../../../lib/schema/inspect.js'
import { mayBeText } from '../../../lib/schema/keys.js'

const reserved = new Set(['save', 'id'])
const inspect = (schema: $ZodType) => inspectSchema(schema, reserved)
const inner = z.object({ a: z.string().optional() })

t.test('the keys that a handler sees are found behind every wrapper', async t => {
  const wrapped: $ZodType[] = [
    inner, inner.default({}), inner.prefault({}), inner.catch(() => ({})), inner.optional(), inner.optional().nonoptional(), inner.readonly(), z.lazy(() => inner), inner.brand('b'),
    z.union([inner]), z.object({}).and(inner), inner.pipe(inner), z.codec(z.object({ stored: z.string() }), inner, { decode: ({ stored }) => ({ a: stored }), encode: ({ a }) => ({ stored: String(a) }) })
  ]
  for (const schema of wrapped) {
    const { keys, open, problems } = inspect(schema)
    t.same([[...keys], open, problems], [['a'], false, []])
  }
})

t.test('a schema may be open to other keys', async t => {
  for (const schema of [z.looseObject({}), z.object({}).catchall(z.string()), z.record(z.string(), z.string()), z.union([inner, z.looseObject({})]), z.intersection(inner, z.looseObject({}))]) t.equal(inspect(schema).open, true)
  for (const schema of [inner, z.strictObject({}), z.record(z.enum(['a']), z.string())]) t.equal(inspect(schema).open, false)
  t.same([...inspect(z.record(z.enum(['a', 'b']), z.string())).keys], ['a', 'b'])
})

t.test('what is no object is refused', async t => {
  const self: $ZodType = z.lazy(() => self)
  for (const schema of [z.array(z.string()), z.string(), inner.nullable(), z.union([inner, z.null()]), z.any(), z.map(z.string(), z.string()), self]) {
    t.ok(inspect(schema).problems.includes('session: the schema must describe an object. Use z.object()'))
  }
  for (const schema of [undefined, null, {}, 'z', () => {}]) {
    t.throws(() => createCodec(schema as never, { reserved }), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /not a Zod 4 schema/ })
  }
})

t.test('the name of a session method is refused, in any member of a union; deeper it is an ordinary name', async t => {
  t.match(inspect(z.object({ save: z.string() })).problems, [/^session\.save: the name is reserved/])
  t.match(inspect(z.union([inner, z.object({ id: z.string() })])).problems, [/^session\.id: /])
  t.match(inspect(z.record(z.enum(['a', 'save']), z.string())).problems, [/^session\.save: /])
  t.same(inspect(z.object({ a: z.object({ id: z.string(), save: z.string() }) })).problems, [])
})

t.test('K-46: no key that reaches a prototype or that every object inherits can be declared, at any depth', async t => {
  for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty']) {
    const shape = Object.defineProperty({}, key, { value: z.string(), enumerable: true })
    t.match(inspect(z.object({ a: z.array(z.object(shape)) })).problems, [`session.a[].${key}: a key cannot have this name, every object has it`])
  }
})

t.test('a symbol is no key of JSON', async t => {
  t.match(inspect(z.object({ [Symbol('s')]: z.string() } as never)).problems, [/a symbol cannot be a key/])
})

t.test('a key is found in the member of an intersection that declares it', async t => {
  const two = z.object({ a: z.string() }).and(z.object({ b: z.object({}) }))
  const three = two.and(z.object({ c: z.int(), d: z.object({}) }))
  t.strictSame(['a', 'b', 'c', 'd'].map((key) => mayBeText(three, key)), [true, false, true, false])
  t.equal(mayBeText(z.union([two, z.object({ c: z.object({}) })]), 'c'), true, 'a member that does not declare it tells nothing')
})
