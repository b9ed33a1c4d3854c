import { randomBytes } from 'node:crypto'
import secureSession from '@fastify/secure-session'
import { keys, newVisitor } from '../session.mjs'
import { defineRoutes, newFastify, served } from './routes.mjs'

/**
 * A key rather than a secret (README "Using a pregenerated key": a secret delays the start, nothing else). No option is
 * documented as faster; tuned is the cookie of README "Cookie security options". It finds no nested changes: `set` is used.
 *
 * @param {import('./index.mjs').Context} context
 */
export async function build ({ variant }) {
  const app = newFastify()
  const cookie = variant === 'tuned'
    ? { path: '/', httpOnly: true, sameSite: /** @type {const} */ ('strict'), secure: false }
    : { path: '/' }
  await app.register(secureSession, { key: randomBytes(32), cookie })
  defineRoutes(app, {
    all: ({ session }) => session.data(),
    cart: ({ session }) => session.get('cart'),
    visit: ({ session }) => { session.set('visits', session.get('visits') + 1); return session.get('cart') },
    create: ({ session }) => {
      const data = /** @type {Record<string, unknown>} */ (newVisitor())
      for (const key of keys) session.set(key, data[key])
      return data.cart
    }
  })
  return served(app)
}
