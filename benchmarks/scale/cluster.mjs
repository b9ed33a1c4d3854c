import { randomBytes } from 'node:crypto'
import assert from 'node:assert/strict'
import { get, openSessions } from '../src/http.mjs'
import { load } from '../src/load.mjs'
import { Unavailable } from '../src/process.mjs'
import { startRedisCluster } from './servers.mjs'
import { startScaleServer } from './start.mjs'

/**
 * Do two server processes over a Redis Cluster serve the same sessions, and what does one add to the other? Checked first:
 * what one process writes the other reads, and parallel updates through both lose nothing.
 *
 * @param {{ seconds: number }} options
 */
export async function cluster ({ seconds }) {
  const title = 'Two processes over a Redis Cluster of three masters'
  const head = ['', 'processes', 'requests per second', 'p99 ms', 'CPU µs per request']
  const redis = await startRedisCluster()
  if ('unavailable' in redis) return { title, head, rows: [[`not measured: ${redis.unavailable}`]] }
  try {
    return { title, head, rows: await overCluster(redis.ports, seconds) }
  } finally {
    await redis.stop()
  }
}

/** @param {number[]} ports @param {number} seconds */
async function overCluster (ports, seconds) {
  const plan = { store: /** @type {const} */ ('cluster'), ports, secret: randomBytes(32).toString('hex') }
  /** @type {import('../src/process.mjs').Running[]} */
  const servers = []
  try {
    for (let i = 0; i < 2; i++) servers.push(await startScaleServer(plan))
    await checkTogether(servers.map(({ url }) => url))
    const rows = []
    for (const route of ['read', 'write']) {
      for (const count of [1, 2]) rows.push([route, String(count), ...await together(servers.slice(0, count), route, seconds)])
    }
    return rows
  } catch (error) {
    if (error instanceof Unavailable) return [[`not measured: ${error.message}`]]
    throw error
  } finally {
    await Promise.all(servers.map((server) => server.end()))
  }
}

/** @param {string[]} urls */
async function checkTogether (urls) {
  const [one = '', other = ''] = urls
  const { cookie } = await get(`${one}/new`)
  await get(`${one}/write`, cookie)
  assert.equal((await get(`${other}/read`, cookie)).body.visits, 2, 'what one process writes the other reads')
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => get(`${urls[i % 2]}/update`, cookie)))
  const done = answers.filter(({ status }) => status === 200).length
  assert.ok(answers.every(({ status }) => status === 200 || status === 409))
  assert.equal((await get(`${one}/read`, cookie)).body.visits, 2 + done, 'updates through both lose nothing')
}

/** Each process has sessions of its own, as behind a load balancer that does not care. @param {import('../src/process.mjs').Running[]} servers @param {string} route @param {number} seconds */
async function together (servers, route, seconds) {
  const cookies = await Promise.all(servers.map(({ url }) => openSessions(url, 1000)))
  await Promise.all(servers.map(({ url }, i) => load(`${url}/${route}`, cookies[i] ?? [], 1)))
  await Promise.all(servers.map((server) => server.start()))
  const loads = await Promise.all(servers.map(({ url }, i) => load(`${url}/${route}`, cookies[i] ?? [], seconds)))
  const spent = await Promise.all(servers.map((server) => server.stop()))
  const sum = (/** @type {number[]} */ numbers) => numbers.reduce((a, b) => a + b, 0)
  const cpu = sum(spent.map(({ cpuMicros }) => cpuMicros)) / sum(spent.map(({ requests }) => requests))
  return [Math.round(sum(loads.map(({ perSecond }) => perSecond))).toLocaleString('en'), (Math.max(...loads.map(({ p99 }) => p99)) / 1000).toFixed(2), cpu.toFixed(1)]
}
