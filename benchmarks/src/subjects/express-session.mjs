import { createServer } from 'node:http'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { newVisitor } from '../session.mjs'
import { connectNodeRedis } from './clients.mjs'
import { defineExpressRoutes } from './routes.mjs'

/**
 * On Express, where it lives; the row "bare Express" says how much of it is Express. Tuned: `resave: false` and
 * `saveUninitialized: false`, as the README and connect-redis's README recommend.
 *
 * @param {import('./index.mjs').Context} context
 */
export async function build ({ variant, redisUrl }) {
  const app = express()
  app.use(session({
    secret: 'a secret with minimum length of 32 characters',
    ...(variant.endsWith('tuned') && { resave: false, saveUninitialized: false }),
    ...(variant.startsWith('redis') && { store: new RedisStore({ client: await connectNodeRedis(redisUrl), prefix: `express-${variant}:` }) })
  }))
  defineExpressRoutes(app, {
    all: (request) => request.session,
    cart: (request) => request.session.cart,
    visit: (request) => { request.session.visits++; return request.session.cart },
    create: (request) => Object.assign(request.session, newVisitor()).cart
  })
  return { server: createServer(app) }
}
