import Fastify from 'fastify'
import { cart } from '../session.mjs'

/**
 * What a subject has to say for itself; the routes are the same for all. Every one may be asynchronous.
 *
 * @typedef {object} Access
 * @property {(request: any, reply: any) => unknown} all the whole data, for the assertion pass only
 * @property {(request: any, reply: any) => unknown} cart what the session has in its cart
 * @property {(request: any, reply: any) => unknown} visit one more visit; the cart
 * @property {(request: any, reply: any) => unknown} create fill a new session; the cart
 * @property {object} [untouched] route options of the route that never reads the session
 */

/** Every route answers with a cart, so that no case has a bigger response than another. @param {import('fastify').FastifyInstance} app @param {Access} access */
export function defineRoutes (app, access) {
  app.get('/untouched', { ...access.untouched }, async () => cart)
  app.get('/all', async (request, reply) => access.all(request, reply))
  app.get('/read', async (request, reply) => access.cart(request, reply))
  // Reads all and says little, for the runs in which the session grows.
  app.get('/glance', async (request, reply) => ({ items: (/** @type {any} */ (await access.cart(request, reply)))?.length }))
  app.get('/write', async (request, reply) => access.visit(request, reply))
  app.get('/new', async (request, reply) => access.create(request, reply))
}

/** @param {any} app an Express application @param {Access} access */
export function defineExpressRoutes (app, access) {
  app.get('/untouched', (/** @type {any} */ _request, /** @type {any} */ response) => response.json(cart))
  for (const [path, action] of /** @type {const} */ ([['/all', access.all], ['/read', access.cart], ['/write', access.visit], ['/new', access.create]])) {
    app.get(path, (/** @type {any} */ request, /** @type {any} */ response) => response.json(action(request, response)))
  }
}

export const newFastify = () => Fastify({ logger: false })

/** @param {import('fastify').FastifyInstance} app @returns {import('./index.mjs').BuiltSubject} */
export const served = (app) => ({ server: app.server, ready: async () => app.ready() })
