import { COLD_SESSIONS } from './cases.mjs'
import { CONNECTIONS, load } from './load.mjs'
import { openSessions } from './http.mjs'

// Seconds. A slow server must get through enough requests for the compiler to be done, whatever `seconds` is.
const FIRST_WARM_UP = 3
const WARM_UP = 1

/**
 * One case against one server, once.
 *
 * @typedef {object} Sample
 * @property {number} cpu microseconds of server CPU per request, all threads, user and system
 * @property {number} perSecond
 * @property {number} p50 microseconds
 * @property {number} p99 microseconds
 * @property {number} rss bytes, at the end of the load
 */

/** @param {import('./process.mjs').Running} server @param {string} route @param {readonly string[]} cookies @param {number} seconds @returns {Promise<Sample>} */
async function sample (server, route, cookies, seconds) {
  const url = `${server.url}/${route}`
  await server.start()
  const { perSecond, p50, p99 } = await load(url, cookies, seconds)
  const { cpuMicros, requests, rss } = await server.stop()
  return { cpu: cpuMicros / requests, perSecond, p50, p99, rss }
}

/** Let the compiler and the caches settle. @param {import('./process.mjs').Running} server @param {string} route @param {readonly string[]} cookies @param {number} seconds */
export const warmUp = (server, route, cookies, seconds) => load(`${server.url}/${route}`, cookies, seconds)

/**
 * All cases of one subject, each between two runs of the reference: reference, case, reference, case, … reference. The
 * reference answers without a session and without a cookie, with the same body.
 *
 * @param {import('./process.mjs').Running} reference
 * @param {import('./process.mjs').Running} subject
 * @param {readonly import('./cases.mjs').Case[]} cases
 * @param {{ seconds: number, stateless: boolean }} options
 */
export async function measure (reference, subject, cases, { seconds, stateless }) {
  const bareSeconds = Math.max(0.5, seconds / 2)
  const bare = () => sample(reference, 'untouched', [], bareSeconds)
  const sessions = await sessionsFor(subject, cases, stateless)
  /** @type {Record<string, Sample & { ratio: number, bareCpu: number, drift: number }>} */
  const results = {}
  let before = await bare()
  let settling = FIRST_WARM_UP
  for (const { id, route, sessions: kind } of cases) {
    const cookies = sessions[kind]
    await warmUp(subject, route, cookies, settling)
    settling = WARM_UP
    const taken = await sample(subject, route, cookies, seconds)
    const after = await bare()
    const bareCpu = (before.cpu + after.cpu) / 2
    // How far the reference moved meanwhile says how quiet the machine was.
    const drift = Math.abs(after.cpu - before.cpu) / bareCpu
    results[id] = { ...taken, ratio: taken.cpu / bareCpu, bareCpu, drift }
    before = after
  }
  return results
}

/** @param {import('./process.mjs').Running} subject @param {readonly import('./cases.mjs').Case[]} cases @param {boolean} stateless */
async function sessionsFor (subject, cases, stateless) {
  const open = async (/** @type {number} */ count) => stateless ? Array.from({ length: count }, () => `session=${'x'.repeat(300)}`) : openSessions(subject.url, count)
  return {
    none: [],
    warm: await open(CONNECTIONS),
    cold: cases.some((c) => c.sessions === 'cold') ? await open(COLD_SESSIONS) : []
  }
}
