import { COLD_SESSIONS } from '../src/cases.mjs'
import { openSessions } from '../src/http.mjs'
import { run, Unavailable } from '../src/process.mjs'
import { measuredCheckout } from '../src/subjects/index.mjs'
import { loadAmount } from './load-amount.mjs'

const subjects = ['hand-memory', 'ours-memory', 'fastify-session-tuned', 'express-session-tuned', 'mgcrea-tuned']

/**
 * How many bytes does a session cost in the memory of a server? Every session is opened by a request of a new visitor;
 * after a full garbage collection the memory in use is divided by their number. The Map of ids to JSON is the floor.
 *
 * @param {{ sessions: number }} options
 */
export async function memory ({ sessions }) {
  const rows = []
  for (const id of subjects) rows.push([id, ...await bytesPerSession(id, sessions)])
  return { title: `Bytes per session in the memory store at ${sessions.toLocaleString('en')} sessions`, head: ['', 'heap bytes per session', 'RSS growth per session'], rows }
}

/** @param {string} id @param {number} sessions @returns {Promise<string[]>} */
async function bytesPerSession (id, sessions) {
  let server
  try {
    server = await run(id, {
      root: measuredCheckout,
      execArgv: ['--expose-gc', '--max-old-space-size=16384'],
      env: { BENCH_MEMORY_ENTRIES: String(sessions + 2 * COLD_SESSIONS) }
    })
  } catch (error) {
    if (error instanceof Unavailable) return [`not measured: ${error.message}`, '']
    throw error
  }
  try {
    // So many first, that the code is compiled and the connections are open.
    await openSessions(server.url, COLD_SESSIONS)
    const before = await server.ask('memory')
    await server.start()
    await loadAmount(`${server.url}/new`, sessions)
    const { requests } = await server.stop()
    if (requests < sessions) throw new Error(`${id}: ${requests} of ${sessions} sessions were opened`)
    const after = await server.ask('memory')
    return [after.used - before.used, after.rss - before.rss].map((bytes) => Math.round(bytes / requests).toLocaleString('en'))
  } finally {
    await server.end()
  }
}
