import { flush } from './redis.mjs'
import { measure, warmUp } from './measure.mjs'
import { run, Unavailable } from './process.mjs'
import { answers, bareOf } from './subjects/index.mjs'
import { spread } from './statistics.mjs'
import { verify } from './verify.mjs'

/**
 * @typedef {import('./measure.mjs').Round} Round
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
 * @property {Record<import('./ways.mjs').WayId, Record<string, Round[]>>} rounds by way and case
 *
 * @typedef {{ url: string, port: number } | { unavailable: string }} RedisServer
 *
 * @typedef {object} CampaignOptions
 * @property {number} rounds
 * @property {number} seconds
 * @property {readonly import('./cases.mjs').Case[]} cases
 * @property {readonly import('./ways.mjs').Way[]} ways
 * @property {import('./measure.mjs').WarmUp} warmUp
 * @property {RedisServer} redis
 * @property {string} referenceRoot
 */

const say = (/** @type {string} */ text) => process.stderr.write(`${text}\n`)

/**
 * Check every entrant, then measure all of them round by round. A subject that does not do what a case says ends the
 * campaign: a figure for something else would be worse than none.
 *
 * @param {readonly Entrant[]} entrants
 * @param {CampaignOptions} options
 */
export async function campaign (entrants, options) {
  /** @type {Map<string, Verdict>} */
  const verdicts = new Map()
  for (const entrant of entrants) verdicts.set(entrant.id, await check(entrant, options.redis))

  for (let round = 1; round <= options.rounds; round++) {
    const references = bareServers(options)
    for (const entrant of rotated(entrants, round)) {
      const verdict = verdicts.get(entrant.id)
      if (verdict === undefined || verdict.unavailable !== undefined) continue
      await oneRound(await references.get(bareOf(entrant.subject)), entrant, verdict, options)
      say(`round ${round}/${options.rounds} ${entrant.id}: ${summary(verdict)}`)
    }
    await references.end()
  }
  return verdicts
}

/** One of each kind in a round, started and warmed up when it is needed first. @param {CampaignOptions} options */
function bareServers ({ referenceRoot, warmUp: { first, requests } }) {
  /** @type {Map<string, import('./process.mjs').Running>} */
  const running = new Map()
  return {
    async get (/** @type {string} */ id) {
      let server = running.get(id)
      if (server === undefined) {
        server = await run(id, { root: referenceRoot })
        running.set(id, server)
        await warmUp(server, 'untouched', [], first, requests)
      }
      return server
    },
    async end () { for (const server of running.values()) await server.end() }
  }
}

/** @param {Verdict} verdict */
const summary = ({ rounds }) => Object.entries(rounds).filter(([, ofWay]) => Object.keys(ofWay).length > 0)
  .map(([way, ofWay]) => `${way}: ${Object.entries(ofWay).map(([id, taken]) => `${id} ${taken.at(-1)?.ratio.toFixed(2)}`).join('  ')}`).join('   ')

/** Another order each round, so that nobody always follows the same neighbour. @param {readonly Entrant[]} entrants @param {number} round */
function rotated (entrants, round) {
  const shift = (round * 7) % entrants.length
  return [...entrants.slice(shift), ...entrants.slice(0, shift)]
}

/** @param {Entrant} entrant @param {RedisServer} redis @returns {Promise<Verdict>} */
async function check ({ id, subject, root }, redis) {
  const none = { setCookieBytes: {}, cookieBytes: 0, remarks: [], rounds: { closed: {}, fixed: {} } }
  if (subject.backend === 'redis' && 'unavailable' in redis) return { ...none, unavailable: redis.unavailable }
  try {
    const server = await run(subject.id, { root, redisUrl: 'url' in redis ? redis.url : undefined })
    try {
      const verdict = { ...none, ...await verify(server.url, subject) }
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

/** @param {import('./process.mjs').Running} reference @param {Entrant} entrant @param {Verdict} verdict @param {CampaignOptions} options */
async function oneRound (reference, { subject, root }, verdict, { cases, redis, ...options }) {
  if ('port' in redis) await flush(redis.port)
  const server = await run(subject.id, { root, redisUrl: 'url' in redis ? redis.url : undefined })
  try {
    const answered = cases.filter((c) => answers(subject, c.id))
    const samples = await measure(reference, server, answered, { ...options, stateless: subject.stateless === true })
    for (const way of options.ways) {
      for (const [id, taken] of Object.entries(samples[way.id] ?? {})) (verdict.rounds[way.id][id] ??= []).push(taken)
    }
  } finally {
    await server.end()
  }
}

/** @param {readonly Round[]} rounds */
export function statisticsOf (rounds) {
  const of = (/** @type {keyof Round} */ key) => spread(rounds.map((round) => round[key]))
  return { ratio: of('ratio'), cpuMicros: of('cpu'), bareCpuMicros: of('bareCpu'), drift: of('drift'), perSecond: of('perSecond'), p50Micros: of('p50'), p99Micros: of('p99'), rssBytes: of('rss') }
}
