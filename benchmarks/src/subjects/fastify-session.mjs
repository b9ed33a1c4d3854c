import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import { RedisStore } from 'connect-redis'
import { newVisitor } from '../session.mjs'
import { connectNodeRedis } from './clients.mjs'
import { defineRoutes, newFastify, served } from './routes.mjs'

/** Tuned: README "rolling" and "saveUninitialized", both of which cost a write and a Set-Cookie when left at `true`. @param {import('./index.mjs').Context} context */
export async function build ({ variant, redisUrl }) {
  const app = newFastify()
  await app.register(fastifyCookie)
  await app.register(fastifySession, {
    secret: 'a secret with minimum length of 32 characters',
    // Plain http: with `secure: true` nothing would be saved at all (README "cookie").
    cookie: { secure: false },
    ...(variant.endsWith('tuned') && { rolling: false, saveUninitialized: false }),
    ...(variant.startsWith('redis') && { store: new RedisStore({ client: await connectNodeRedis(redisUrl), prefix: `${variant}:` }) })
  })
  defineRoutes(app, {
    all: ({ session }) => session,
    cart: ({ session }) => session.cart,
    visit: ({ session }) => { session.visits++; return session.cart },
    create: ({ session }) => Object.assign(session, newVisitor()).cart
  })
  return served(app)
}
