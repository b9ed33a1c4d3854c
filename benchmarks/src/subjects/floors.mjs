import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import fastifyCookie from '@fastify/cookie'
import express from 'express'
import { cart, newVisitor } from '../session.mjs'
import { connectIoredis, connectNodeRedis } from './clients.mjs'
import { defineExpressRoutes, defineRoutes, newFastify, served } from './routes.mjs'

const attributes = { path: '/', httpOnly: true, sameSite: /** @type {const} */ ('lax') }
const key = randomBytes(32)
const constant = () => cart

/** The least that does the same job: no validation, no detection of changes, no timeouts, no protection from parallel writers. @param {import('./index.mjs').Context} context */
export async function build ({ variant, redisUrl }) {
  if (variant === 'express') return bareExpress()
  const app = newFastify()
  if (variant !== 'bare') await app.register(fastifyCookie)
  defineRoutes(app, await accessOf(variant, redisUrl))
  return served(app)
}

function bareExpress () {
  const app = express()
  defineExpressRoutes(app, { all: constant, cart: constant, visit: constant, create: constant })
  return { server: createServer(app) }
}

/** @param {string} variant @param {string | undefined} redisUrl @returns {Promise<import('./routes.mjs').Access>} */
async function accessOf (variant, redisUrl) {
  switch (variant) {
    case 'bare': return { all: constant, cart: constant, visit: constant, create: constant }
    case 'cookie-plugin': return cookiePlugin()
    case 'hand-cookie': return handCookie()
    case 'hand-memory': return handStore(new Map())
    case 'hand-redis': return handStore(redisMap(await connectIoredis(redisUrl), ['EX', 86400]))
    case 'hand-node-redis': return handStore(redisMap(await connectNodeRedis(redisUrl), [{ EX: 86400 }]))
    default: throw new Error(`no floor ${variant}`)
  }
}

/** @returns {import('./routes.mjs').Access} */
function cookiePlugin () {
  const value = 'x'.repeat(300)
  const readCookie = (/** @type {any} */ request) => { if (request.cookies.session === '') throw new Error('empty'); return cart }
  const setCookie = (/** @type {any} */ _request, /** @type {any} */ reply) => { reply.setCookie('session', value, attributes); return cart }
  return { all: constant, cart: readCookie, visit: setCookie, create: setCookie }
}

const sign = (/** @type {string} */ text) => createHmac('sha256', key).update(text).digest('base64url')

/** @returns {import('./routes.mjs').Access} */
function handCookie () {
  const open = (/** @type {any} */ request) => {
    const [text, mac] = request.cookies.session.split('.')
    if (!timingSafeEqual(Buffer.from(sign(text)), Buffer.from(mac))) throw new Error('bad signature')
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  }
  const seal = (/** @type {any} */ reply, /** @type {unknown} */ data) => {
    const text = Buffer.from(JSON.stringify(data)).toString('base64url')
    reply.setCookie('session', `${text}.${sign(text)}`, attributes)
  }
  return {
    all: open,
    cart: (request) => open(request).cart,
    visit: (request, reply) => { const data = open(request); data.visits++; seal(reply, data); return data.cart },
    create: (_request, reply) => { const data = newVisitor(); seal(reply, data); return data.cart }
  }
}

/** @typedef {{ get (id: string): unknown, set (id: string, text: string): unknown }} TextMap */

/** A Map answers at once, Redis does not; only what must be awaited is. @param {TextMap} texts @returns {import('./routes.mjs').Access} */
function handStore (texts) {
  const load = async (/** @type {any} */ request) => {
    const found = texts.get(request.cookies.session)
    return JSON.parse(/** @type {string} */ (typeof found === 'string' ? found : await found))
  }
  return {
    all: load,
    cart: async (request) => (await load(request)).cart,
    visit: async (request) => {
      const data = await load(request)
      data.visits++
      await texts.set(request.cookies.session, JSON.stringify(data))
      return data.cart
    },
    create: async (_request, reply) => {
      const data = newVisitor()
      const id = randomBytes(32).toString('base64url')
      await texts.set(id, JSON.stringify(data))
      reply.setCookie('session', id, attributes)
      return data.cart
    }
  }
}

/** @param {{ get (id: string): unknown, set: (...parts: any[]) => unknown }} client @param {readonly unknown[]} expiry how this client spells a deadline @returns {TextMap} */
const redisMap = (client, expiry) => ({
  get: (id) => client.get(`hand:${id}`),
  set: (id, text) => client.set(`hand:${id}`, text, ...expiry)
})
