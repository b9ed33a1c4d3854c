import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSessions } from '../src/http.mjs'
import { load } from '../src/load.mjs'
import { Unavailable } from '../src/process.mjs'
import { startScaleServer } from './start.mjs'
import { startPostgres } from './servers.mjs'

/**
 * Do requests notice the sweeper? p99 of reads of a live session, first with a million expired rows lying there, then while
 * they are swept.
 *
 * @param {{ expired: number, seconds: number }} options
 */
export async function sweep ({ expired, seconds }) {
  const rows = []
  for (const store of /** @type {const} */ (['memory', 'sqlite', 'postgres'])) rows.push([store, ...await duringSweep(store, expired, seconds)])
  return {
    title: `p99 of reads while ${expired.toLocaleString('en')} expired rows are swept, ms`,
    head: ['', 'p50 before', 'p99 before', 'p50 during', 'p99 during', 'slowest during', 'sweep took, s', 'rows removed'],
    rows
  }
}

/** @param {'memory' | 'sqlite' | 'postgres'} store @param {number} expired @param {number} seconds @returns {Promise<string[]>} */
async function duringSweep (store, expired, seconds) {
  const database = store === 'postgres' ? await startPostgres() : { url: undefined, stop: async () => {} }
  if ('unavailable' in database) return [`not measured: ${database.unavailable}`]
  const directory = await mkdtemp(join(tmpdir(), 'bench-sweep-'))
  try {
    const server = await startScaleServer({ store, directory, url: database.url, maxEntries: expired * 2, secret: randomBytes(32).toString('hex') }, { BENCH_EXPIRED: String(expired) })
    try {
      return await figures(server, seconds)
    } finally {
      await server.end()
    }
  } catch (error) {
    if (error instanceof Unavailable) return [`not measured: ${error.message}`]
    throw error
  } finally {
    await rm(directory, { recursive: true, force: true })
    await database.stop()
  }
}

/** @param {import('../src/process.mjs').Running} server @param {number} seconds */
async function figures (server, seconds) {
  await server.ask('fill')
  const cookies = await openSessions(server.url, 100)
  const url = `${server.url}/read`
  await load(url, cookies, 1)
  const before = await load(url, cookies, seconds)
  const sweeping = server.ask('sweep')
  const done = new AbortController()
  sweeping.finally(() => done.abort()).catch(() => {})
  // Short loads until it is done; the slowest of them counts, as a user would meet it.
  const during = [await load(url, cookies, 0.5)]
  while (!done.signal.aborted) during.push(await load(url, cookies, 0.5))
  const { removed, milliseconds } = await sweeping
  const worst = (/** @type {'p50' | 'p99' | 'slowest'} */ key) => Math.max(...during.map((taken) => taken[key]))
  const ms = (/** @type {number} */ micros) => (micros / 1000).toFixed(2)
  return [ms(before.p50), ms(before.p99), ms(worst('p50')), ms(worst('p99')), ms(worst('slowest')), (milliseconds / 1000).toFixed(2), removed.toLocaleString('en')]
}
