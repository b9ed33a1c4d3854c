import { COLD_SESSIONS } from './cases.mjs'
import { CONNECTIONS, load } from './load.mjs'
import { openSessions } from './http.mjs'

/**
 * How a server is warmed up, always in a closed loop: `first` seconds before its first case, `again` before each other, and on
 * until it has answered so many `requests`. A slow server must get through enough of them for the compiler to be done.
 *
 * @typedef {{ first: number, again: number, requests: number }} WarmUp
 *
 * One case against one server, once.
 *
 * @typedef {object} Sample
 * @property {number} cpu microseconds of server CPU per request, all threads, user and system
 * @property {number} perSecond
 * @property {number} p50 microseconds
 * @property {number} p99 microseconds
 * @property {number} rss bytes, at the end of the load
 *
 * @typedef {Sample & { ratio: number, bareCpu: number, drift: number }} Round
 * @typedef {Partial<Record<import('./ways.mjs').WayId, Record<string, Round>>>} Rounds by way and case
 */

/** @param {import('./ways.mjs').Way} way @param {import('./process.mjs').Running} server @param {string} route @param {readonly string[]} cookies @param {number} seconds @returns {Promise<Sample>} */
async function sample (way, server, route, cookies, seconds) {
  const url = `${server.url}/${route}`
  await server.start()
  const { perSecond, p50, p99 } = await way.load(url, cookies, seconds)
  const { cpuMicros, requests, rss } = await server.stop()
  return { cpu: cpuMicros / requests, perSecond, p50, p99, rss }
}

/** Let the compiler and the caches settle. @param {import('./process.mjs').Running} server @param {string} route @param {readonly string[]} cookies @param {number} seconds @param {number} requests */
export async function warmUp (server, route, cookies, seconds, requests) {
  let answered = 0
  do answered += (await load(`${server.url}/${route}`, cookies, seconds)).responses
  while (answered < requests)
}

/** Of the reference, before and after each case. @param {number} seconds */
export const bareSeconds = (seconds) => Math.max(0.2, seconds * 0.4)

/**
 * All cases of one subject, each between two runs of its bare server: bare, case, bare, case, … bare. The bare server answers
 * without a session and without a cookie, with the same body.
 *
 * @param {import('./process.mjs').Running} reference
 * @param {import('./process.mjs').Running} subject
 * @param {readonly import('./cases.mjs').Case[]} cases
 * @param {{ seconds: number, stateless: boolean, ways: readonly import('./ways.mjs').Way[], warmUp: WarmUp }} options
 * @returns {Promise<Rounds>}
 */
export async function measure (reference, subject, cases, { seconds, stateless, ways, warmUp: { first, again, requests } }) {
  const bare = (/** @type {import('./ways.mjs').Way} */ way) => sample(way, reference, 'untouched', [], bareSeconds(seconds))
  const sessions = await sessionsFor(subject, cases, stateless)
  /** @type {Rounds} */
  const results = {}
  const before = new Map()
  for (const way of ways) before.set(way, await bare(way))
  let settling = first
  for (const { id, route, sessions: kind } of cases) {
    const cookies = sessions[kind]
    await warmUp(subject, route, cookies, settling, requests)
    settling = again
    for (const way of ways) {
      const taken = await sample(way, subject, route, cookies, seconds)
      const after = await bare(way)
      const bareCpu = (before.get(way).cpu + after.cpu) / 2
      // How far the reference moved meanwhile says how quiet the machine was.
      const drift = Math.abs(after.cpu - before.get(way).cpu) / bareCpu
      const ofWay = results[way.id] ??= {}
      ofWay[id] = { ...taken, ratio: taken.cpu / bareCpu, bareCpu, drift }
      before.set(way, after)
    }
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
