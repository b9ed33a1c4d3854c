import { load } from './load.mjs'
import { loadAtRate, RATE } from './load-at-rate.mjs'

/**
 * Two ways to ask, which share nothing but the sessions: what holds in both is no artefact of one of them.
 *
 * @typedef {'closed' | 'fixed'} WayId
 *
 * @typedef {object} Way
 * @property {WayId} id
 * @property {string} title
 * @property {(url: string, cookies: readonly string[], seconds: number) => Promise<import('./load.mjs').Load>} load
 */

/** @type {readonly Way[]} */
export const ways = Object.freeze([
  { id: 'closed', title: 'closed loop, 10 connections that send the next request when the last is answered', load },
  { id: 'fixed', title: `fixed rate, ${RATE.toLocaleString('en')} requests a second, client and server sleep in between`, load: loadAtRate }
])

/** @param {readonly string[] | undefined} ids @returns {Way[]} */
export function chooseWays (ids) {
  const unknown = ids?.find((id) => !ways.some((way) => way.id === id))
  if (unknown !== undefined) throw new Error(`no way ${unknown}; there are ${ways.map(({ id }) => id).join(', ')}`)
  return ways.filter(({ id }) => ids === undefined || ids.includes(id))
}
