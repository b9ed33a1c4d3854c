import t from 'tap'
import * as z from 'zod'
import { createCodec } from '../../../lib/schema/codec.js'

const reserved = new Set(['save'])
const schema = z.object({ userId: z.string().optional() })
const codec = createCodec(schema, { reserved, undeclaredKeys: ['flash', /^oauth2:/] })

t.test('keys that plugins write are kept beside the data and come back with it', async t => {
  const live = { userId: 'a', flash: { info: ['saved'] }, 'oauth2:example.com': { state: 'x' } }
  const stored = codec.encode(live)
  t.strictSame(stored, { data: { userId: 'a' }, extra: { flash: { info: ['saved'] }, 'oauth2:example.com': { state: 'x' } } })
  t.strictSame(codec.decode(JSON.parse(JSON.stringify(stored))), { ok: true, data: live })
  t.strictSame(codec.encode({ userId: 'a', flash: undefined }), { data: { userId: 'a' }, extra: null })
})

t.test('they are copied, and their changes found', async t => {
  const stored = { data: {}, extra: { flash: { info: ['a'] } } }
  const decoded = codec.decode(stored)
  t.ok(decoded.ok)
  if (!decoded.ok) return
  const copy = codec.copy(decoded.data)
  t.equal(codec.differs(decoded.data, copy), false)
  ;(copy.flash as { info: string[] }).info.push('b')
  t.equal(codec.differs(decoded.data, copy), true)
  t.strictSame(stored.extra, { flash: { info: ['a'] } })
})

t.test('one that holds an empty object is as good as absent, so that a plugin that always writes opens no session', async t => {
  t.strictSame(codec.encode({ userId: 'a', flash: {} }), { data: { userId: 'a' }, extra: null })
  t.equal(codec.differs({ userId: 'a' }, { userId: 'a', flash: {} }), false)
  t.equal(codec.differs({ userId: 'a' }, { userId: 'a', flash: [] }), true)
  t.equal(codec.differs({ userId: 'a', flash: { info: ['b'] } }, { userId: 'a', flash: {} }), true)
  t.equal(codec.differs({ userId: 'a' }, { userId: 'b', flash: {} }), true)
})

t.test('they must be JSON; the error names the path', async t => {
  t.throws(() => codec.encode({ flash: { at: [new Date()] } }), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /: flash\[…\]\[0\] / })
  t.throws(() => codec.encode({ flash: () => {} }), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /: flash / })
  t.throws(() => codec.encode({ other: 1 }), { code: 'FST_TYPED_SESSION_UNKNOWN_KEY', message: /no other\./ })
})

t.test('what no longer matches, or means something else by now, is dropped', async t => {
  t.strictSame(codec.decode({ data: {}, extra: { flash: 1, gone: 2, save: 3, userId: 4 } }), { ok: true, data: { flash: 1 } })
  for (const extra of [null, undefined, [], 'x', 1]) t.strictSame(codec.decode({ data: {}, extra }), { ok: true, data: {} })
  t.strictSame(codec.salvage({ data: { userId: 1 }, extra: { flash: 1 } }), { ok: true, data: { flash: 1 } })
  t.strictSame(codec.salvage({ data: {}, extra: JSON.parse('{"flash":{"__proto__":1}}') }), { ok: true, data: {} })
})

t.test('a pattern with the flag g or y matches every time', async t => {
  for (const pattern of [/oauth2:/g, /oauth2:/y]) {
    const sticky = createCodec(schema, { reserved, undeclaredKeys: [pattern] })
    for (let i = 0; i < 3; i++) t.strictSame(sticky.encode({ 'oauth2:a': i }).extra, { 'oauth2:a': i })
    t.equal(pattern.lastIndex, 0, 'and is not touched')
  }
})

t.test('in an open schema they still have their own place; a declared key always belongs to the schema', async t => {
  const open = createCodec(schema.catchall(z.json()), { reserved, undeclaredKeys: ['flash', /./] })
  t.strictSame(open.encode({ userId: 'a', flash: 1 }), { data: { userId: 'a' }, extra: { flash: 1 } })
  const loose = createCodec(schema.catchall(z.json()), { reserved })
  t.strictSame(loose.encode({ userId: 'a', flash: 1 }), { data: { userId: 'a', flash: 1 }, extra: null })
  t.throws(() => open.encode({ save: 1 }), { code: 'FST_TYPED_SESSION_RESERVED_KEY' })
})

t.test('a name that already means something is refused', async t => {
  for (const name of ['userId', 'save', '__proto__', 'constructor', 'prototype', 1, null, {}]) {
    t.throws(() => createCodec(schema, { reserved, undeclaredKeys: [name as string] }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /option undeclaredKeys/ })
  }
})

t.test('a codec knows what the schema declares', async t => {
  t.equal(codec.declares('userId'), true)
  for (const key of ['flash', 'save', 'toString', '__proto__']) t.equal(codec.declares(key), false)
})
