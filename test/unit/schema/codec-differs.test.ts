import t from 'tap'
import * as z from 'zod'
import { createCodec } from '../../../lib/schema/codec.js'
import { date, mapOf } from '../../../lib/codecs.js'

const reserved = new Set(['save'])
class Money { readonly amount: number; constructor (amount: number) { this.amount = amount } }
const isMoney = (live: unknown): boolean => live instanceof Money
let encodings = 0
const money = z.codec(z.int(), z.custom<Money>(isMoney), { decode: amount => new Money(amount), encode: ({ amount }) => { encodings++; return amount } })
const codec = createCodec(z.object({
  list: z.array(z.object({ a: z.string() })).default([]), at: date().optional(), map: mapOf(z.string(), z.array(z.string())).optional(), price: money.optional(), text: z.string().optional()
}), { reserved })
const found = () => {
  const decoded = codec.decode({ data: { list: [{ a: 'x' }], at: '2026-01-01T00:00:00.000Z', map: [['k', ['v']]], text: 'x' } })
  if (!decoded.ok) throw new Error('not ok')
  return decoded.data as { list: { a: string }[], at: Date, map: Map<string, string[]>, text?: string | undefined, price?: Money }
}

t.test('P4.20: a change at any depth is found', async t => {
  const changes: ((live: ReturnType<typeof found>) => void)[] = [
    live => { live.list[0]!.a = 'y' }, live => { live.list.push({ a: 'y' }) }, live => { live.list.splice(0, 1) }, live => { live.at.setTime(0) }, live => { live.map.get('k')!.push('w') }, live => { live.map.set('l', []) },
    live => { live.map.delete('k') }, live => { delete live.text }, live => { live.text = undefined }, live => { live.price = new Money(1) }, live => { Object.assign(live, { unknown: 1 }) }, live => { Object.assign(live, { text: 1 }) }
  ]
  for (const change of changes) {
    const live = found()
    change(live)
    t.equal(codec.differs(found(), live), true, String(change))
  }
})

t.test('writing what was there is no change', async t => {
  const changes: ((live: ReturnType<typeof found>) => void)[] = [
    () => {}, live => { live.text = 'x' }, live => { live.at = new Date(live.at) }, live => { live.list = [{ a: 'x' }] }, live => { live.map = new Map([['k', ['v']]]) },
    live => { delete live.text; live.text = 'x' }, live => { Object.assign(live, { unknown: undefined }) }
  ]
  for (const change of changes) {
    const live = found()
    change(live)
    t.equal(codec.differs(found(), live), false, String(change))
    t.equal(codec.differs(found(), Object.assign(Object.create({ save () {} }), live)), false, 'of a class instance too')
  }
})

t.test('only where the comparison cannot tell, both are encoded', async t => {
  encodings = 0
  codec.differs(found(), found())
  codec.differs(found(), { ...found(), text: 'y' })
  t.equal(encodings, 0)
  t.equal(codec.differs({ list: [], price: new Money(1) }, { list: [], price: new Money(1) }), false)
  t.equal(codec.differs({ list: [], price: new Money(1) }, { list: [], price: new Money(2) }), true)
  t.ok(encodings > 0)
  t.equal(codec.differs({ list: [], price: new Money(1) }, { list: [], price: () => {} }), true, 'what cannot be encoded is a change')
})

t.test('a copy shares nothing mutable, also of what only the codec can copy', async t => {
  const data = { ...found(), price: new Money(3) }
  const copy = codec.copy(data) as typeof data
  t.strictSame(copy, data)
  for (const key of ['list', 'at', 'map', 'price'] as const) t.not(copy[key], data[key])
  t.not(copy.map.get('k'), data.map.get('k'))
  t.throws(() => codec.copy({ list: [], text: () => {} }), { code: 'FST_TYPED_SESSION_INVALID_DATA', message: /: text / })
})
