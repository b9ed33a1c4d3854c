import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createHistogram } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { CONNECTIONS } from './load.mjs'

/** Requests a second: a tenth or less of what a small route can do. */
export const RATE = 2000

/**
 * Load at a fixed rate: a request every half millisecond, on the next connection that is free, and client and server sleep in
 * between, as in production. Shares nothing with `load` but the sessions: another client, and no waiting for the answer. If
 * the server cannot keep up, requests are sent as connections get free, and `perSecond` says so.
 *
 * @param {string} url
 * @param {readonly string[]} cookies none: no Cookie header
 * @param {number} seconds
 * @returns {Promise<import('./load.mjs').Load>}
 */
export async function loadAtRate (url, cookies, seconds) {
  const histogram = createHistogram()
  const free = connectionsFor(url, cookies)
  let toSend = Math.max(1, Math.round(RATE * seconds))
  let due = 0
  let first = 0
  let last = 0
  /** @type {(error?: Error) => void} */
  let settle = () => {}
  const finished = new Promise((resolve, reject) => { settle = (error) => error === undefined ? resolve(undefined) : reject(error) })

  const send = () => {
    while (due > 0 && toSend > 0) {
      const connection = free.shift()
      if (connection === undefined) return
      due--
      toSend--
      const start = performance.now()
      first ||= start
      connection.send((error) => {
        if (error !== undefined) return settle(error)
        last = performance.now()
        histogram.record(Math.max(1, Math.round((last - start) * 1000)))
        free.push(connection)
        if (toSend === 0 && free.length === CONNECTIONS) settle()
        else send()
      })
    }
  }
  const connections = [...free]
  const stop = new SharedArrayBuffer(4)
  const pace = new Worker(new URL('./pace.mjs', import.meta.url), { workerData: { gap: 1000 / RATE, stop } })
  pace.on('message', () => { due++; send() })
  pace.on('error', settle)
  try {
    await finished
  } finally {
    Atomics.store(new Int32Array(stop), 0, 1)
    Atomics.notify(new Int32Array(stop), 0)
    await once(pace, 'exit')
    for (const connection of connections) connection.close()
  }
  return { responses: histogram.count, perSecond: histogram.count / ((last - first) / 1000), p50: histogram.percentile(50), p99: histogram.percentile(99), slowest: histogram.max }
}

/** Each has its own share of the sessions and goes through it in turn, so that no session is written by two at a time. @param {string} url @param {readonly string[]} cookies */
function connectionsFor (url, cookies) {
  return Array.from({ length: CONNECTIONS }, (_, connection) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const share = cookies.filter((_, i) => i % CONNECTIONS === connection)
    let next = 0
    return {
      /** @param {(error?: Error) => void} done */
      send (done) {
        const cookie = share[next++ % share.length]
        const outgoing = request(url, { agent, headers: cookie === undefined ? {} : { cookie } }, (response) => {
          const { statusCode = 0 } = response
          response.on('error', done).on('end', () => done(statusCode < 300 ? undefined : new Error(`${url}: ${statusCode}`))).resume()
        })
        outgoing.on('error', done).end()
      },
      close: () => agent.destroy()
    }
  })
}
