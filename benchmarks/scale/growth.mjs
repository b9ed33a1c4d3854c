import { openSessions } from '../src/http.mjs'
import { CONNECTIONS, load } from '../src/load.mjs'
import { run, Unavailable } from '../src/process.mjs'
import { startRedis } from '../src/redis.mjs'
import { median } from '../src/statistics.mjs'
import { newVisitor } from '../src/session.mjs'
import { measuredCheckout } from '../src/subjects/index.mjs'

const subjects = ['ours-cookie', 'ours-memory', 'ours-redis', 'hand-memory', 'hand-redis', 'secure-session-tuned', 'fastify-session-tuned', 'fastify-session-redis-tuned']
const root = measuredCheckout
const ROUNDS = 3

/** What is left of a session without the name and the cart. */
const { name, cart, ...rest } = newVisitor()
const frame = JSON.stringify({ ...rest, name: '', cart: [] }).length

/** @type {readonly { label: string, env: NodeJS.ProcessEnv }[]} */
const sizes = [
  ...[frame, 200, 1_000, 3_000, 10_000, 60_000].map((bytes) => ({ label: `${bytes.toLocaleString('en')} B`, env: { BENCH_CART_ITEMS: '0', BENCH_NAME_BYTES: String(Math.max(0, bytes - frame)) } })),
  ...[3, 30, 300, 1_000].map((items) => ({ label: `${items.toLocaleString('en')} items`, env: { BENCH_CART_ITEMS: String(items) } }))
]

/**
 * What does a read cost as the session grows, first in bytes of one string, then in items of the cart? The response is
 * small and always the same, so it is the session that is measured; bare Fastify is the reference in each round.
 *
 * @param {{ seconds: number }} options
 */
export async function growth ({ seconds }) {
  const redis = await startRedis()
  const rows = []
  for (const id of subjects) {
    const cells = []
    for (const size of sizes) cells.push(await cost(id, size.env, seconds, 'url' in redis ? redis.url : undefined))
    rows.push([id, ...cells])
  }
  if ('stop' in redis) await redis.stop()
  return { title: 'CPU of R ÷ bare Fastify as the session grows', head: ['', ...sizes.map(({ label }) => label)], rows }
}

/** @param {string} id @param {NodeJS.ProcessEnv} env @param {number} seconds @param {string | undefined} redisUrl */
async function cost (id, env, seconds, redisUrl) {
  let server
  const bare = await run('bare', { root })
  try {
    server = await run(id, { root, redisUrl, env })
    const opened = await openSessions(server.url, CONNECTIONS).catch(() => null)
    // Over 4,096 bytes a cookie is refused or lost in the browser.
    if (opened === null || opened.some((cookie) => cookie.length > 4096)) return 'too large'
    await load(`${bare.url}/untouched`, [], 1)
    await load(`${server.url}/glance`, opened, 1)
    const ratios = []
    for (let round = 0; round < ROUNDS; round++) {
      const reference = await cpu(bare, 'untouched', [], seconds)
      ratios.push(await cpu(server, 'glance', opened, seconds) / reference)
    }
    return median(ratios).toFixed(2)
  } catch (error) {
    if (error instanceof Unavailable) return 'not measured'
    throw error
  } finally {
    await server?.end()
    await bare.end()
  }
}

/** @param {import('../src/process.mjs').Running} server @param {string} route @param {string[]} cookies @param {number} seconds */
async function cpu (server, route, cookies, seconds) {
  await server.start()
  await load(`${server.url}/${route}`, cookies, seconds)
  const { cpuMicros, requests } = await server.stop()
  return cpuMicros / requests
}
