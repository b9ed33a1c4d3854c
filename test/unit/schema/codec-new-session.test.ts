import t from 'tap'
import * as z from 'zod'
import { createCodec } from '../../../lib/schema/codec.js'
import { date } from '../../../lib/codecs.js'

const reserved = new Set<string>()
const union = z.discriminatedUnion('kind', [z.object({ kind: z.literal('anonymous'), cart: z.array(z.string()) }), z.object({ kind: z.literal('user'), since: date() })])

t.test('P0.10: a new session is {} decoded: the defaults, made anew each time', async t => {
  let made = 0
  const codec = createCodec(z.object({ cart: z.array(z.string()).default([]), n: z.number().default(() => ++made), userId: z.string().optional() }), { reserved })
  const first = codec.initial()
  const second = codec.initial()
  t.strictSame(Object.keys(first), ['cart', 'n'])
  t.not(first.cart, second.cart)
  t.equal(second.n as number - (first.n as number), 1, 'a default that is a function is asked each time')
})

t.test('where {} does not satisfy the schema, a default of the whole schema does', async t => {
  t.strictSame(createCodec(union.prefault({ kind: 'anonymous', cart: [] }), { reserved }).initial(), { kind: 'anonymous', cart: [] })
  t.strictSame(createCodec(union.default(() => ({ kind: 'anonymous' as const, cart: [] })), { reserved }).initial(), { kind: 'anonymous', cart: [] })
})

t.test('without either, the option initial is needed and the error says so', async t => {
  t.throws(() => createCodec(z.object({ a: z.string(), b: z.number() }), { reserved }), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /\{\} does not satisfy it \(a, b\).*option initial/ })
  t.throws(() => createCodec(z.object({ a: z.string() }).optional() as never, { reserved }), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /option initial/ }, 'no data at all is no new session')
  const throwing = z.object({ a: z.codec(z.string(), z.string(), { decode: () => { throw new Error('no') }, encode: text => text }).prefault('x') })
  t.throws(() => createCodec(throwing, { reserved }), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /does not satisfy it \(\(the data as a whole\)\)/ })
})

t.test('initial is the stored form, or a function that returns it, and is never shared', async t => {
  const stored = { kind: 'user' as const, since: '2026-01-01T00:00:00.000Z' }
  for (const initial of [stored, () => stored]) {
    const codec = createCodec(union, { reserved, initial })
    t.strictSame(codec.initial(), { kind: 'user', since: new Date('2026-01-01T00:00:00.000Z') })
  }
  const cart: string[] = []
  for (const initial of [{ any: cart }, () => ({ any: cart })]) {
    const codec = createCodec(z.object({ any: z.any() }), { reserved, initial })
    ;(codec.initial().any as string[]).push('secret')
    t.strictSame(codec.initial(), { any: [] })
  }
})

t.test('initial is checked when the codec is made, a function each time', async t => {
  for (const initial of [null, 'x', {}, { kind: 'other' }, { kind: 'user', since: new Date(0) }, () => ({ kind: 'user', since: 'never' })]) {
    t.throws(() => createCodec(union, { reserved, initial }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /^Session option initial: it (does not satisfy the schema|is not JSON)/ })
  }
  let valid = true
  const codec = createCodec(z.object({ a: z.string() }), { reserved, initial: () => valid ? { a: 'x' } : {} })
  valid = false
  t.throws(() => codec.initial(), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
})

t.test('a default that its own schema refuses would fail every save, so it is refused at once', async t => {
  t.throws(() => createCodec(z.object({ email: z.email().default('') }), { reserved }), { code: 'FST_TYPED_SESSION_INVALID_SCHEMA', message: /a new session could not be saved\..*email/ })
})
