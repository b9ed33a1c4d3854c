/**
 * The session that every subject carries: five keys, three items in the cart. Plain JSON, so that no subject has to
 * convert anything.
 *
 * @typedef {{ sku: string, title: string, qty: number }} Item
 * @typedef {{ userId: string, name: string, visits: number, lastSeen: string, cart: Item[] }} SessionData
 */

export const keys = Object.freeze(['userId', 'name', 'visits', 'lastSeen', 'cart'])

// Only the scale runs set these: the size of the session is what they vary.
const items = Number(process.env.BENCH_CART_ITEMS ?? 3)
const name = process.env.BENCH_NAME_BYTES === undefined ? 'Ada Lovelace' : 'a'.repeat(Number(process.env.BENCH_NAME_BYTES))

/** Answered by every route that has no session to read, so that all responses of a run have the same size. */
export const cart = makeCart(3)

/** @param {number} length @returns {Item[]} */
export function makeCart (length) {
  return Array.from({ length }, (_, i) => ({ sku: `sku-${1000 + i}`, title: `Tea no. ${i}`, qty: i + 1 }))
}

let visitors = 0

/** The data of one more visitor. Every one is different, as real ones are. @returns {SessionData} */
export function newVisitor () {
  return {
    userId: `user-${String(++visitors).padStart(8, '0')}`,
    name,
    visits: 1,
    lastSeen: '2026-11-21T09:00:00.000Z',
    cart: makeCart(items)
  }
}

/** The same shape as a schema, for the subject that validates. @param {typeof import('zod')} z */
export function schemaOf (z) {
  return z.object({
    userId: z.string().optional(),
    name: z.string().optional(),
    visits: z.int().nonnegative().default(0),
    lastSeen: z.string().optional(),
    cart: z.array(z.object({ sku: z.string(), title: z.string(), qty: z.int().positive() })).default([])
  })
}
