import { createServer } from 'node:http'
import { createCookie } from '@remix-run/cookie'
import { createRouter } from '@remix-run/fetch-router'
import { createRequestListener } from '@remix-run/node-fetch-server'
import { Session } from '@remix-run/session'
import { createCookieSessionStorage } from '@remix-run/session/cookie-storage'
import { session } from '@remix-run/session-middleware'
import { cart, keys, newVisitor } from '../session.mjs'

/**
 * Remix 3 in its node server, its router, and its session middleware (README of @remix-run/session-middleware, "Usage"). It
 * loads the session of every request. Its cookie is signed and can be read by everybody who has it. Bare: the same router
 * without the middleware.
 *
 * @param {import('./index.mjs').Context} context
 */
export async function build ({ variant }) {
  const router = createRouter({ middleware: variant === 'bare' ? [] : [session(signedCookie(), createCookieSessionStorage())] })
  const answers = variant === 'bare' ? bare : access
  router.get('/untouched', () => Response.json(cart))
  for (const [path, answer] of Object.entries(answers)) router.get(`/${path}`, (context) => Response.json(answer(context)))
  return { server: createServer(createRequestListener((request) => router.fetch(request))) }
}

/** Plain http, so without `secure`. */
const signedCookie = () => createCookie('__session', { secrets: ['a secret with minimum length of 32 characters'], httpOnly: true, sameSite: 'Lax' })

const bare = { read: () => cart, write: () => cart, new: () => cart, all: () => cart }

/** @type {Record<string, (context: any) => unknown>} */
const access = {
  all: (context) => Object.fromEntries(keys.map((key) => [key, context.get(Session).get(key)])),
  read: (context) => context.get(Session).get('cart') ?? null,
  write (context) {
    const found = context.get(Session)
    found.set('visits', found.get('visits') + 1)
    return found.get('cart')
  },
  new (context) {
    const data = /** @type {Record<string, unknown>} */ (newVisitor())
    for (const key of keys) context.get(Session).set(key, data[key])
    return data.cart
  }
}
