import { betterAuth } from 'better-auth'
import { createAdapterFactory } from 'better-auth/adapters'
import { anonymous } from 'better-auth/plugins'
import { newVisitor } from '../session.mjs'
import { defineRoutes, newFastify, served } from './routes.mjs'

/** @type {(type: 'string' | 'number' | 'json') => { type: typeof type, required: false }} */
const field = (type) => ({ type, required: false })

/**
 * In Fastify, through its server API ("Fastify" and "Session Management" of its documentation), with the cookie cache as it is
 * by default: signed, for five minutes. A visitor is an anonymous user, so that no password has to be hashed. It writes to the
 * database and to the cookie; it reads from the cookie alone.
 */
export async function build () {
  const auth = betterAuth({
    baseURL: 'http://127.0.0.1',
    secret: 'a secret with minimum length of 32 characters',
    database: indexedMemory(),
    telemetry: { enabled: false },
    session: {
      cookieCache: { enabled: true },
      additionalFields: { name: field('string'), visits: field('number'), lastSeen: field('string'), cart: field('json') }
    },
    databaseHooks: { session: { create: { before: async (session) => ({ data: { ...session, ...without(newVisitor(), 'userId') } }) } } },
    plugins: [anonymous()]
  })
  const app = newFastify()
  const found = async (/** @type {any} */ headers) => /** @type {any} */ ((await auth.api.getSession({ headers }))?.session)
  defineRoutes(app, {
    all: (request) => found(headersOf(request)),
    cart: async (request) => (await found(headersOf(request)))?.cart ?? null,
    visit: async (request, reply) => {
      const headers = headersOf(request)
      const { visits } = await found(headers)
      const { headers: set, response } = await auth.api.updateSession({ headers, body: { visits: visits + 1 }, returnHeaders: true })
      reply.header('set-cookie', set.getSetCookie())
      return /** @type {any} */ (response).session.cart
    },
    create: async (request, reply) => {
      const { headers: set } = await auth.api.signInAnonymous({ headers: headersOf(request), returnHeaders: true })
      reply.header('set-cookie', set.getSetCookie())
      return newVisitor().cart
    }
  })
  return served(app)
}

/** @param {any} request */
const headersOf = (request) => new Headers(request.headers.cookie === undefined ? {} : { cookie: request.headers.cookie })

/** @param {Record<string, unknown>} data @param {string} key */
const without = (data, key) => Object.fromEntries(Object.entries(data).filter(([name]) => name !== key))

/**
 * Its own memory adapter looks at every row for each query, which ten thousand sessions would make the whole cost. So this is
 * one with the index that every database has: by id, and for sessions by token.
 */
function indexedMemory () {
  /** @type {Record<string, Map<string, any>>} */
  const tables = { user: new Map(), session: new Map() }
  const keys = /** @type {Record<string, string>} */ ({ user: 'id', session: 'token' })
  const one = (/** @type {string} */ model, /** @type {any[]} */ where) => {
    const [clause] = where
    if (where.length !== 1 || clause.field !== keys[model] || clause.operator !== 'eq') throw new Error(`no index for ${model}: ${JSON.stringify(where)}`)
    return tables[model]?.get(clause.value) ?? null
  }
  const never = async () => { throw new Error('not needed by the cases') }
  return createAdapterFactory({
    config: { adapterId: 'indexed-memory', adapterName: 'Indexed Memory', supportsJSON: true, supportsDates: true, supportsBooleans: true },
    adapter: () => ({
      create: async ({ model, data }) => { tables[model]?.set(/** @type {any} */ (data)[keys[model] ?? 'id'], data); return data },
      findOne: async ({ model, where }) => one(model, where),
      update: async ({ model, where, update }) => Object.assign(one(model, where), update),
      findMany: never,
      count: never,
      updateMany: never,
      delete: never,
      deleteMany: never
    })
  })
}
