import { randomBytes } from 'node:crypto'
import fastifyCookie from '@fastify/cookie'
import mgcreaSession from '@mgcrea/fastify-session'
import { RedisStore } from '@mgcrea/fastify-session-redis-store'
import { SODIUM_AUTH, SODIUM_SECRETBOX } from '@mgcrea/fastify-session-sodium-crypto'
import { keys, newVisitor } from '../session.mjs'
import { connectIoredis } from './clients.mjs'
import { defineRoutes, newFastify, served } from './routes.mjs'

const TTL = 86400
const secret = 'a secret with minimum length of 32 characters'

/** Defaults: README "Basic example". Tuned: README "Production example", with `saveUninitialized: false`. Cookie: README "Stateless example". @param {import('./index.mjs').Context} context */
export async function build ({ variant, redisUrl }) {
  const app = newFastify()
  await app.register(fastifyCookie)
  await app.register(/** @type {any} */ (mgcreaSession), {
    ...cryptoOf(variant),
    cookie: { maxAge: TTL },
    ...(variant.startsWith('redis') && { store: new RedisStore({ client: /** @type {any} */ (await connectIoredis(redisUrl)), prefix: `mgcrea-${variant}:`, ttl: TTL }) })
  })
  defineRoutes(app, {
    all: ({ session }) => session.data,
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

/** @param {string} variant */
function cryptoOf (variant) {
  if (variant === 'cookie') return { key: randomBytes(32), crypto: SODIUM_SECRETBOX, saveUninitialized: false }
  return variant.endsWith('tuned') ? { key: randomBytes(32), crypto: SODIUM_AUTH, saveUninitialized: false } : { secret }
}
