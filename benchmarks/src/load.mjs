import { createHistogram } from 'node:perf_hooks'
import autocannon from 'autocannon'

export const CONNECTIONS = 10

/**
 * @typedef {object} Load
 * @property {number} responses
 * @property {number} perSecond
 * @property {number} p50 microseconds
 * @property {number} p99 microseconds
 * @property {number} slowest microseconds
 */

/**
 * Closed-loop load: every connection sends its next request when the last is answered. With cookies, each connection has
 * its own share of the sessions and goes through it in turn, so that no session is written by two at a time.
 *
 * @param {string} url
 * @param {readonly string[]} cookies none: no Cookie header
 * @param {number} seconds
 * @returns {Promise<Load>}
 */
export async function load (url, cookies, seconds) {
  const histogram = createHistogram()
  let first = 0
  let last = 0
  let connection = 0
  const { pathname } = new URL(url)
  // Never asleep: to wake a client of the same machine can cost the server more than its answer, and only slow servers find it asleep.
  let loading = true
  const poll = () => { if (loading) setImmediate(poll) }
  poll()
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    sampleInt: 100,
    setupClient (/** @type {any} */ client) {
      const share = cookies.filter((_, i) => i % CONNECTIONS === connection % CONNECTIONS)
      connection++
      if (share.length > 0) client.setRequests(share.map((cookie) => ({ method: 'GET', path: pathname, headers: { cookie } })))
      client.on('response', (/** @type {number} */ _status, /** @type {number} */ _bytes, /** @type {number} */ milliseconds) => {
        histogram.record(Math.max(1, Math.round(milliseconds * 1000)))
        last = performance.now()
        first ||= last
      })
    }
  })
  loading = false
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: ${result.non2xx} responses were not 2xx, ${result.errors} errors`)
  return { responses: histogram.count, perSecond: histogram.count / ((last - first) / 1000), p50: histogram.percentile(50), p99: histogram.percentile(99), slowest: histogram.max }
}
