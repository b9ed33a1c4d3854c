import { flush } from './redis.mjs'
import { measure, warmUp } from './measure.mjs'
import { run, Unavailable } from './process.mjs'
import { spread } from './statistics.mjs'
import { verify } from './verify.mjs'

/**
 * @typedef {import('./measure.mjs').Sample & { ratio: number, bareCpu: number, drift: number }} Round
 *
 * @typedef {object} Entrant a subject of one checkout
 * @property {string} id unique in the campaign
 * @property {import('./subjects/index.mjs').Subject} subject
 * @property {string} root
 *
 * @typedef {object} Verdict
 * @property {string} [unavailable] why there are no figures
 * @property {Record<string, number>} setCookieBytes by case
 * @property {number} cookieBytes of the Cookie header
 * @property {string[]} remarks
 * @property {Record<string, Round[]>} rounds by case
 *
 * @typedef {{ url: string, port: number } | { unavailable: string }} RedisServer
 */

const say = (/** @type {string} */ text) => process.stderr.write(`${text}\n`)

/**
 * Check every entrant, then measure all of them round by round. A subject that does not do what a case says ends the
 * campaign: a figure for something else would be worse than none.
 *
 * @param {readonly Entrant[]} entrants
 * @param {{ rounds: number, seconds: number, cases: readonly import('./cases.mjs').Case[], redis: RedisServer, referenceRoot: string }} options
 */
export async function campaign (entrants, { rounds, seconds, cases, redis, referenceRoot }) {
  /** @type {Map<string, Verdict>} */
  const verdicts = new Map()
  for (const entrant of entrants) verdicts.set(entrant.id, await check(entrant, redis))

  for (let round = 1; round <= rounds; round++) {
    const reference = await run('bare', { root: referenceRoot })
    await warmUp(reference, 'untouched', [], 3)
    for (const entrant of rotated(entrants, round)) {
      const verdict = verdicts.get(entrant.id)
      if (verdict === undefined || verdict.unavailable !== undefined) continue
      await oneRound(reference, entrant, verdict, { seconds, cases, redis })
      say(`round ${round}/${rounds} ${entrant.id}: ${summary(verdict)}`)
    }
    await reference.end()
  }
  return verdicts
}

/** @param {Verdict} verdict */
const summary = ({ rounds }) => Object.entries(rounds).map(([id, taken]) => `${id} ${taken.at(-1)?.ratio.toFixed(2)}`).join('  ')

/** Another order each round, so that nobody always follows the same neighbour. @param {readonly Entrant[]} entrants @param {number} round */
function rotated (entrants, round) {
  const shift = (round * 7) % entrants.length
  return [...entrants.slice(shift), ...entrants.slice(0, shift)]
}

/** @param {Entrant} entrant @param {RedisServer} redis @returns {Promise<Verdict>} */
async function check ({ id, subject, root }, redis) {
  const none = { setCookieBytes: {}, cookieBytes: 0, remarks: [], rounds: {} }
  if (subject.backend === 'redis' && 'unavailable' in redis) return { ...none, unavailable: redis.unavailable }
  try {
    const server = await run(subject.id, { root, redisUrl: 'url' in redis ? redis.url : undefined })
    try {
      const verdict = { ...none, ...await verify(server.url, subject), rounds: {} }
      say(`checked ${id}${verdict.remarks.length > 0 ? ` (${verdict.remarks.join(', ')})` : ''}`)
      return verdict
    } finally {
      await server.end()
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw new Error(`${id} does not do what the cases say`, { cause: error })
    say(`left out ${id}: ${error.message}`)
    return { ...none, unavailable: error.message }
  }
}

/** @param {import('./process.mjs').Running} reference @param {Entrant} entrant @param {Verdict} verdict @param {{ seconds: number, cases: readonly import('./cases.mjs').Case[], redis: RedisServer }} options */
async function oneRound (reference, { subject, root }, verdict, { seconds, cases, redis }) {
  if ('port' in redis) await flush(redis.port)
  const server = await run(subject.id, { root, redisUrl: 'url' in redis ? redis.url : undefined })
  try {
    const answered = cases.filter((c) => subject.only === undefined || subject.only.includes(c.id))
    const samples = await measure(reference, server, answered, { seconds, stateless: subject.stateless === true })
    for (const [id, taken] of Object.entries(samples)) (verdict.rounds[id] ??= []).push(taken)
  } finally {
    await server.end()
  }
}

/** @param {readonly Round[]} rounds */
export function statisticsOf (rounds) {
  const of = (/** @type {keyof Round} */ key) => spread(rounds.map((round) => round[key]))
  return { ratio: of('ratio'), cpuMicros: of('cpu'), bareCpuMicros: of('bareCpu'), drift: of('drift'), perSecond: of('perSecond'), p50Micros: of('p50'), p99Micros: of('p99'), rssBytes: of('rss') }
}
