import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fromCheckout } from '../checkout.mjs'
import { newVisitor, schemaOf } from '../session.mjs'
import { connectIoredis, connectNodeRedis } from './clients.mjs'
import { defineRoutes, newFastify, served } from './routes.mjs'

/** Everything is on, as it is by default: validation, detection of nested changes, compare-and-set. @param {import('./index.mjs').Context} context */
export async function build ({ variant, redisUrl, root }) {
  const built = join(root, 'dist/lib/index.js')
  if (!existsSync(built)) throw new Error(`not built: ${built} is missing (npm run build in the root)`)
  const load = fromCheckout(root)
  const { z } = await load('node_modules/zod/index.js')
  const { default: session } = await load('dist/lib/index.js')

  const app = newFastify()
  // The package's own copy, so that both are what its peer range says.
  await app.register((await load('node_modules/@fastify/cookie/index.js')).default)
  await app.register(session, {
    schema: schemaOf(z),
    secret: randomBytes(32),
    ...await storeOf(variant, redisUrl, load)
  })
  defineRoutes(app, access(variant))
  return served(app)
}

/** @param {string} variant @param {string | undefined} redisUrl @param {(path: string) => Promise<any>} load */
async function storeOf (variant, redisUrl, load) {
  if (variant === 'cookie') return {}
  if (variant === 'memory') return { store: (await load('dist/lib/stores/memory.js')).memoryStore(memoryLimits()) }
  const { redisStore } = await load('dist/lib/stores/redis.js')
  const client = variant === 'node-redis' ? await connectNodeRedis(redisUrl) : await connectIoredis(redisUrl)
  return { store: redisStore({ client, prefix: `${variant}:` }) }
}

/** The defaults, but for the run with a million sessions. */
function memoryLimits () {
  const maxEntries = Number(process.env.BENCH_MEMORY_ENTRIES ?? 0)
  return maxEntries > 0 ? { maxEntries, maxBytes: 2 ** 40 } : {}
}

/** @param {string} variant @returns {import('./routes.mjs').Access} */
const access = (variant) => ({
  all: ({ session }) => session,
  cart: ({ session }) => session.cart,
  visit: ({ session }) => { session.visits++; return session.cart },
  create: ({ session }) => Object.assign(session, newVisitor()).cart,
  ...(variant === 'redis-optout' && { untouched: { config: { session: false } } })
})
