import type { AppSession, schema } from './app.js'
import { httpScene, type Rows } from './http-scene.js'
import type { z } from 'zod'

type Data = z.output<typeof schema>
type Row = [write: (session: AppSession) => unknown, expect: (data: Data) => void]

const seed = (): Data => ({
  visits: 1,
  theme: 'light',
  note: 'first',
  cart: [{ sku: 'tea', qty: 1 }, { sku: 'milk', qty: 2 }],
  profile: { name: 'Ann', address: { city: 'Rome' } },
  lastSeen: new Date(1_000),
  'dotted.key': 5
})

/** What JSON, SQL, RESP and text protocols would choke on, were any of it ever taken for a part of them. */
const HOSTILE = 'a\'b"c`d\\e;--\u0000\r\n\r\n$3\r\nEND\r\n{"$gt":""} %s ? :id $1 \u2028 \ud83d\ude00 \ud83d e\u0301 \u202e'

// Each write starts from `seed`; the other function makes the same change to plain data.
const CHANGES: Record<string, Row> = {
  'a property set (P0.2, P1.3, P2.11)': [(s) => { s.note = 'b' }, (d) => { d.note = 'b' }],
  'set() (P2.1)': [(s) => s.set('note', 'b'), (d) => { d.note = 'b' }],
  'set() of undefined': [(s) => s.set('note', undefined), (d) => { delete d.note }],
  'delete of a property (P0.9)': [(s) => { delete s.note }, (d) => { delete d.note }],
  'delete() (P2.12)': [(s) => s.delete('note'), (d) => { delete d.note }],
  'take() (P1.5, P2.18)': [(s) => s.take('note'), (d) => { delete d.note }],
  'a dotted key, which is a name and no path (P0.3)': [(s) => { s['dotted.key'] = 6 }, (d) => { d['dotted.key'] = 6 }],
  'a dotted key removed': [(s) => s.delete('dotted.key'), (d) => { delete d['dotted.key'] }],
  'an increment (P1.2)': [(s) => { s.visits++ }, (d) => { d.visits++ }],
  'a nested property (P2.15)': [(s) => { if (s.profile?.address) s.profile.address.city = 'Oslo' }, (d) => { d.profile = { name: 'Ann', address: { city: 'Oslo' } } }],
  'a nested delete (P2.17)': [(s) => { delete s.profile?.address }, (d) => { d.profile = { name: 'Ann' } }],
  'a push (P4.20)': [(s) => s.cart.push({ sku: 'bike', qty: 1 }), (d) => { d.cart.push({ sku: 'bike', qty: 1 }) }],
  'a splice (P2.19)': [(s) => s.cart.splice(0, 1), (d) => { d.cart.shift() }],
  'a field in a list (P2.15)': [(s) => { for (const item of s.cart) item.qty *= 2 }, (d) => { for (const item of d.cart) item.qty *= 2 }],
  'a Date changed in place (P2.19)': [(s) => s.lastSeen?.setTime(2_000), (d) => { d.lastSeen = new Date(2_000) }],
  'clear() (P0.10, P2.14)': [(s) => s.clear(), (d) => only(d, {})],
  'replace()': [(s) => s.replace({ visits: 7, theme: 'dark', cart: [] }), (d) => only(d, { visits: 7, theme: 'dark' })],
  'update() that edits': [(s) => s.update((data) => { data.visits++ }), (d) => { d.visits++ }],
  'update() that returns new data': [(s) => s.update((data) => ({ ...data, note: 'new' })), (d) => { d.note = 'new' }],
  'rotate() with a change': [async (s) => { await s.rotate(); s.visits = 2 }, (d) => { d.visits = 2 }],
  'regenerate()': [(s) => s.regenerate(), (d) => only(d, {})],
  'regenerate() of what is named': [(s) => s.regenerate(['note', 'no such', '__proto__'] as never), (d) => only(d, { note: 'first' })],
  'destroy() and a new session after it': [async (s) => { await s.destroy(); s.note = 'new' }, (d) => only(d, { note: 'new' })],
  'save() and a change after it': [async (s) => { s.visits = 2; await s.save(); s.note = 'later' }, (d) => { d.visits = 2; d.note = 'later' }],
  'reload() and a change after it': [async (s) => { s.visits = 99; await s.reload(); s.note = 'later' }, (d) => { d.note = 'later' }],
  'hostile text (K-41, K-42)': [(s) => { s.note = HOSTILE }, (d) => { d.note = HOSTILE }],
  '47 KiB of it': [(s) => { s.note = '"\\\u{1f600}'.repeat(6_000) }, (d) => { d.note = '"\\\u{1f600}'.repeat(6_000) }],
  'text that is a record': [(s) => { s.note = '{"ended":true}' }, (d) => { d.note = '{"ended":true}' }],
  'an empty text': [(s) => { s.note = '' }, (d) => { d.note = '' }]
}

function only (data: Data, rest: Partial<Data>): void {
  for (const key of Object.keys(data)) delete (data as Record<string, unknown>)[key]
  Object.assign(data, { visits: 0, theme: 'light', cart: [], ...rest })
}

/** Each change, made by one application and read by the other. */
export const changeRows: Rows = Object.fromEntries(Object.entries(CHANGES).map(([name, [write, expect]]) => [
  `kept as it was made: ${name}`,
  async (t, place) => {
    const { run, elsewhere } = await httpScene(t, place)
    await run((session) => { session.replace(seed()) })
    t.strictSame(await elsewhere(), seed(), 'the beginning')
    const { statusCode } = await run(async (session) => { await write(session) })
    const expected = seed()
    expect(expected)
    t.equal(statusCode, 200)
    t.strictSame(await elsewhere(), expected)
  }
]))
