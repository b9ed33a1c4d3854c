import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { cart, keys } from './session.mjs'
import { get } from './http.mjs'

/** What the data would be after `more` visits. @param {any} data @param {number} more */
const visited = (data, more) => ({ ...pick(data), visits: data.visits + more })
const pick = (/** @type {any} */ data) => Object.fromEntries(keys.map((key) => [key, data?.[key]]))

/**
 * Does the subject do what the cases say? Throws if not. Also finds out how many bytes of Set-Cookie each case costs and
 * what the subject sends where it need not.
 *
 * @param {string} base
 * @param {import('./subjects/index.mjs').Subject} subject
 */
export async function verify (base, subject) {
  const untouched = await get(`${base}/untouched`)
  assert.equal(untouched.status, 200)
  assert.deepEqual(untouched.body, cart, 'A answers with the constant cart')
  if (subject.stateless) return { setCookieBytes: {}, cookieBytes: 0, remarks: [] }

  const created = await get(`${base}/new`)
  assert.equal(created.status, 200, 'N answers 200')
  assert.ok(created.cookie, 'N sets a cookie')
  const other = await get(`${base}/new`)
  assert.notEqual(other.cookie, created.cookie, 'two visitors get two cookies')

  const first = await get(`${base}/all`, created.cookie)
  assert.deepEqual(Object.keys(pick(first.body)).sort(), [...keys].sort())
  assert.deepEqual(first.body.cart, cart, 'the session holds the cart of three items')
  assert.equal(first.body.visits, 1)
  const second = await get(`${base}/all`, other.cookie)
  assert.notEqual(second.body.userId, first.body.userId, 'two visitors have two sessions')

  const used = await get(`${base}/untouched`, created.cookie)
  assert.deepEqual(used.body, cart)
  const read = await get(`${base}/read`, created.cookie)
  assert.deepEqual(read.body, first.body.cart, 'R returns the cart of the session')
  const unread = await get(`${base}/read`)
  assert.ok(!isDeepStrictEqual(unread.body, cart), 'without a cookie there is no cart to read: it really comes from the session')
  const later = await get(`${base}/all`, used.cookie)
  assert.deepEqual(pick(later.body), pick(first.body), 'U and R leave the session as it was')

  const written = await get(`${base}/write`, created.cookie)
  assert.deepEqual(written.body, cart, 'W answers with the cart')
  const after = await get(`${base}/all`, written.cookie)
  assert.deepEqual(pick(after.body), visited(first.body, 1), 'the next request sees what W changed, and nothing else changed')
  const again = await get(`${base}/write`, written.cookie)
  const end = await get(`${base}/all`, again.cookie)
  assert.deepEqual(pick(end.body), visited(first.body, 2), 'a second W adds to the first')

  const bytes = (/** @type {import('./http.mjs').Answer} */ answer) => answer.setCookie.reduce((sum, line) => sum + line.length, 0)
  const setCookieBytes = { A: bytes(untouched), U: bytes(used), R: bytes(read), W: bytes(written), N: bytes(created) }
  const remarks = Object.entries({ A: untouched, U: used, R: read })
    .filter(([, answer]) => answer.setCookie.length > 0)
    .map(([id]) => `sends Set-Cookie on ${id}`)
  return { setCookieBytes, cookieBytes: created.cookie.length, remarks }
}
