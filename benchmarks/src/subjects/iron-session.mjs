import fastifyCookie from '@fastify/cookie'
import { getIronSession } from 'iron-session'
import { newVisitor } from '../session.mjs'
import { defineRoutes, newFastify, served } from './routes.mjs'

const options = {
  password: 'a secret with minimum length of 32 characters',
  cookieName: 'session',
  cookieOptions: { secure: false }
}

/** Defaults: the request and response of Node. Tuned: the cookie jar of README "frameworks", over @fastify/cookie. Neither costs anything where no handler asks. @param {import('./index.mjs').Context} context */
export async function build ({ variant }) {
  const app = newFastify()
  if (variant === 'tuned') await app.register(fastifyCookie)
  const open = variant === 'tuned' ? openJar : openRaw
  defineRoutes(app, {
    all: async (request, reply) => ({ ...await open(request, reply) }),
    cart: async (request, reply) => (await open(request, reply)).cart,
    visit: async (request, reply) => {
      const session = await open(request, reply)
      session.visits++
      await session.save()
      return session.cart
    },
    create: async (request, reply) => {
      const session = Object.assign(await open(request, reply), newVisitor())
      await session.save()
      return session.cart
    }
  })
  return served(app)
}

/** @param {any} request @param {any} reply @returns {Promise<any>} */
const openRaw = (request, reply) => getIronSession(request.raw, reply.raw, options)

/** @param {any} request @param {any} reply @returns {Promise<any>} */
const openJar = (request, reply) => getIronSession({
  read: (/** @type {string} */ name) => request.cookies[name],
  write: (/** @type {string} */ name, /** @type {string} */ value, /** @type {object} */ attributes) => { reply.setCookie(name, value, attributes) }
}, options)
