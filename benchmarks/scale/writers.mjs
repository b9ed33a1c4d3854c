import { randomBytes } from 'node:crypto'
import { get } from '../src/http.mjs'
import { Unavailable } from '../src/process.mjs'
import { startRedis } from '../src/redis.mjs'
import { startScaleServer } from './start.mjs'

const parallel = [1, 2, 4, 8, 16, 32, 64]

/**
 * What do parallel writers of one session cost each other? Each writer sends its next request when the last is answered.
 * Retries are compare-and-sets that met another payload, per answer: a save that finds its value there already has nothing left to do. With `update` nothing may be lost: the
 * counter must have moved by exactly the number of answers, or the run fails.
 *
 * @param {{ saves: number }} options
 */
export async function writers ({ saves }) {
  const rows = []
  const redis = await startRedis()
  for (const store of /** @type {const} */ (['memory', 'redis'])) {
    if (store === 'redis' && 'unavailable' in redis) {
      rows.push(['redis', `not measured: ${redis.unavailable}`])
      continue
    }
    for (const route of ['write', 'update']) rows.push(...await table(store, route, saves, 'url' in redis ? redis.url : undefined))
  }
  if ('stop' in redis) await redis.stop()
  return { title: `${saves} saves of one session by 1 to ${parallel.at(-1)} parallel writers`, head: ['store, route', 'writers', 'saves per second', 'retries per save', 'answers 409', 'lost increments'], rows }
}

/** @param {'memory' | 'redis'} store @param {string} route @param {number} saves @param {string | undefined} url */
async function table (store, route, saves, url) {
  const rows = []
  try {
    const server = await startScaleServer({ store, url, secret: randomBytes(32).toString('hex') })
    try {
      for (const count of parallel) rows.push([`${store}, ${route}`, String(count), ...await contend(server, route, count, saves)])
    } finally {
      await server.end()
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    rows.push([store, `not measured: ${error.message}`])
  }
  return rows
}

/** @param {import('../src/process.mjs').Running} server @param {string} route @param {number} count @param {number} saves */
async function contend (server, route, count, saves) {
  const { cookie } = await get(`${server.url}/new`)
  const before = await server.ask('counts')
  const answers = { ok: 0, conflict: 0 }
  let asked = 0
  const writer = async () => {
    while (asked++ < saves) {
      const { status } = await get(`${server.url}/${route}`, cookie)
      if (status === 200) answers.ok++
      else if (status === 409) answers.conflict++
      else throw new Error(`${route} answered ${status}`)
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: count }, writer))
  const seconds = (performance.now() - start) / 1000
  const after = await server.ask('counts')
  const { body } = await get(`${server.url}/read`, cookie)
  const lost = 1 + answers.ok - body.visits
  if (route === 'update' && lost !== 0) throw new Error(`${count} writers: ${lost} updates were lost`)
  const retries = (after.conflict - before.conflict) / answers.ok
  return [Math.round(answers.ok / seconds).toLocaleString('en'), retries.toFixed(2), String(answers.conflict), String(lost)]
}
