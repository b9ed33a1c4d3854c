import fc from 'fast-check'
import t from 'tap'
import * as z from 'zod'
import { createCodec } from '../../../lib/schema/codec.js'
import { date, mapOf } from '../../../lib/codecs.js'

const reserved = new Set(['save'])
const schema = z.object({
  userId: z.string().optional(),
  at: date().optional(),
  map: mapOf(z.string(), z.number()).optional(),
  json: z.json().optional(),
  open: z.object({}).catchall(z.json()).optional(),
  record: z.record(z.string(), z.json()).optional()
})
const codec = createCodec(schema, { reserved, undeclaredKeys: ['flash'] })

t.test('R-14: arbitrary JSON never makes decode or salvage throw, and never gets at a prototype', async () => {
  const hostile = fc.oneof(fc.jsonValue({ stringUnit: 'binary' }), fc.anything(), fc.dictionary(fc.constantFrom('userId', 'at', 'map', 'json', 'open', 'record', '__proto__', 'constructor', 'save', 'flash'), fc.jsonValue()))
  fc.assert(fc.property(hostile, hostile, (data, extra) => {
    for (const decoded of [codec.decode({ data, extra }), codec.salvage({ data, extra })]) {
      if (decoded.ok && Object.getPrototypeOf(decoded.data) !== Object.prototype) return false
      if (!decoded.ok && (decoded.paths.length === 0 || decoded.paths.some(path => typeof path !== 'string'))) return false
    }
    return ({} as { polluted?: unknown }).polluted === undefined
  }), { numRuns: 5000 })
})

t.test('R-14: what is no object is not ok, and the paths of what is wrong are named', async t => {
  for (const data of [undefined, null, 1, 'x', [], true, [{}]]) {
    t.same(codec.decode({ data }), { ok: false, paths: ['(the data as a whole)'] })
    t.same(codec.salvage({ data }), { ok: false, paths: ['(the data as a whole)'] })
  }
  t.same(codec.decode({ data: { userId: 1, at: '2026-13-01T00:00:00Z', map: [['a', 'x']] } }), { ok: false, paths: ['userId', 'at', 'map[0][1]'] })
  t.same(createCodec(z.strictObject({}), { reserved }).decode({ data: { old: 1 } }), { ok: false, paths: ['old'] })
})

t.test('K-46: a key that reaches a prototype is not ok wherever it stands', async t => {
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    for (const wrap of ['%', '{"json":%}', '{"open":{"a":%}}', '{"record":{"a":[%]}}']) {
      const data = JSON.parse(wrap.replace('%', `{${JSON.stringify(key)}:{"polluted":true}}`))
      const decoded = codec.decode({ data })
      t.equal(decoded.ok, false)
      t.match(decoded, { paths: [new RegExp(`${key}$`)] })
      t.equal(codec.decode({ data: {}, extra: { flash: data } }).ok, false)
    }
  }
  t.equal(({} as { polluted?: unknown }).polluted, undefined)
})

t.test('K-61: JSON deeper than the stack in a recursive schema is not ok', async t => {
  const deep = JSON.parse(`${'{"json":['.repeat(20)}${'['.repeat(5000)}${']'.repeat(5000)}${']}'.repeat(20)}`)
  t.match(codec.decode({ data: deep }), { ok: false, paths: [/…$/] })
  t.equal(codec.decode({ data: {}, extra: { flash: deep } }).ok, false)
  const levels = (n: number): unknown => n === 0 ? 1 : [levels(n - 1)]
  t.equal(codec.decode({ data: { json: levels(31) } }).ok, true)
  t.equal(codec.decode({ data: { json: levels(32) } }).ok, false)
})

t.test('a function of the schema that throws makes decode not ok', async t => {
  const throwing = createCodec(z.object({ a: z.codec(z.string(), z.string(), { decode: () => { throw new RangeError('no') }, encode: text => text }).optional() }), { reserved })
  t.same(throwing.decode({ data: { a: 'x' } }), { ok: false, paths: ['(the data as a whole)'] })
  const whole = createCodec(z.object({}).and(z.codec(z.object({}), z.record(z.string(), z.any()), { decode: () => ({}), encode: () => ({}) })), { reserved })
  t.equal(whole.decode({ data: {} }).ok, true)
})

t.test('each decode makes fresh containers, also where the schema hands values through or freezes them', async t => {
  const passing = createCodec(z.object({ any: z.any(), frozen: z.array(z.string()).readonly() }), { reserved, initial: { any: {}, frozen: [] } })
  const stored = { data: { any: { list: ['a'] }, frozen: ['a'] }, extra: null }
  const decoded = passing.decode(stored)
  t.ok(decoded.ok)
  if (!decoded.ok) return
  ;(decoded.data.any as { list: string[] }).list.push('b')
  ;(decoded.data.frozen as string[]).push('b')
  t.same(stored, { data: { any: { list: ['a'] }, frozen: ['a'] }, extra: null })
  t.same(decoded.data, { any: { list: ['a', 'b'] }, frozen: ['a', 'b'] })
})
