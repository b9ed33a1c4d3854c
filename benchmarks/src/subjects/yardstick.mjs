import { fromCheckout } from '../checkout.mjs'
import { newVisitor, schemaOf } from '../session.mjs'
import { defineRoutes, newFastify, served } from './routes.mjs'
import { cookiePlace, memoryPlace } from './yardstick-places.mjs'

const COOKIE = '__Host-Http-session'
const ATTRIBUTES = '; Path=/; HttpOnly; Secure; SameSite=Lax'
const IDLE = 86_400_000
const TOUCH_AFTER = IDLE / 10

/**
 * The least that keeps the promises of an ordinary request: a plain object, Zod both ways, nested changes, timeouts, a sealed
 * cookie or compare-and-set, and the headers. Nothing that only a rare request needs is here: no merge, no rotation, no hooks,
 * no limits, no late changes. So what ours costs above it is the price of what an ordinary request does not use.
 *
 * @param {import('./index.mjs').Context} context
 */
export async function build ({ variant, root }) {
  const load = fromCheckout(root)
  const { z } = await load('node_modules/zod/index.js')
  const schema = schemaOf(z)
  const place = variant === 'cookie'
    ? await cookiePlace((await load('node_modules/libsodium-wrappers/dist/modules-esm/libsodium-wrappers.mjs')).default, reader(schema))
    : memoryPlace(reader(schema))
  const app = newFastify()
  addSession(app, schema, place)
  defineRoutes(app, {
    all: ({ session }) => session,
    cart: ({ session }) => session.cart,
    visit: ({ session }) => { session.visits++; return session.cart },
    create: ({ session }) => Object.assign(session, newVisitor()).cart
  })
  return served(app)
}

/** @typedef {{ data: any, created: number, used: number }} Found its data are never handed out, only copies */
/** @typedef {{ load (token: string): { found: Found, at?: any } | undefined, save (at: any, found: Found, text: string): string | undefined }} Place */

/** A record from its text; nothing for one that does not satisfy the schema. @param {any} schema @returns {(text: string) => Found | undefined} */
const reader = (schema) => (text) => {
  const { v, created, used, data } = JSON.parse(text)
  const checked = schema.safeParse(data)
  return v === 1 && checked.success ? { data: checked.data, created, used } : undefined
}

/** The facts of a session are on the prototype, the data are its own properties. */
class Session {
  #created
  /** @param {Found} found */
  constructor ({ data, created }) {
    this.#created = created
    for (const key in data) /** @type {any} */ (this)[key] = copy(data[key])
  }

  get createdAt () { return new Date(this.#created) }
}

/** @param {any} app @param {any} schema @param {Place} place */
function addSession (app, schema, place) {
  const slot = Symbol('visit')
  app.decorateRequest(slot, null)
  app.decorateRequest('session', { getter () { return (this[slot] ??= open(this.raw.headers.cookie)).session } })
  app.addHook('onSend', (/** @type {any} */ request, /** @type {any} */ reply, /** @type {unknown} */ _payload, /** @type {(error?: Error) => void} */ done) => {
    const visit = request[slot]
    if (visit === null) return done()
    reply.header('vary', 'Cookie')
    const now = Date.now()
    const { found, at, isNew, session } = visit
    if (same(found.data, session) && (isNew || now - found.used < TOUCH_AFTER)) return done()
    const checked = schema.safeParse(session)
    if (!checked.success) return done(checked.error)
    const kept = { data: checked.data, created: isNew ? now : found.created, used: now }
    const token = place.save(at, kept, JSON.stringify({ v: 1, ...kept }))
    if (token !== undefined) reply.header('set-cookie', COOKIE + '=' + token + ATTRIBUTES).header('cache-control', 'no-store')
    done()
  })

  /** @param {string | undefined} header */
  function open (header) {
    const token = header === undefined ? undefined : cookieIn(header)
    const known = token === undefined ? undefined : place.load(token)
    if (known !== undefined && known.found.used + IDLE > Date.now()) return { ...known, isNew: false, session: new Session(known.found) }
    const found = { data: schema.parse({}), created: 0, used: 0 }
    return { found, at: undefined, isNew: true, session: new Session(found) }
  }
}

/** @param {string} header */
function cookieIn (header) {
  const start = header.indexOf(COOKIE + '=')
  if (start === -1) return
  const end = header.indexOf(';', start)
  return header.slice(start + COOKIE.length + 1, end === -1 ? undefined : end)
}

/** @param {any} value @returns {any} */
function copy (value) {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy)
  const made = /** @type {any} */ ({})
  for (const key in value) made[key] = copy(value[key])
  return made
}

/** @param {any} a @param {any} b @returns {boolean} */
function same (a, b) {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false
  if (Array.isArray(a)) return a.length === b.length && a.every((item, i) => same(item, b[i]))
  let count = 0
  for (const key in a) { if (!same(a[key], b[key])) return false; count++ }
  return count === Object.keys(b).length
}
