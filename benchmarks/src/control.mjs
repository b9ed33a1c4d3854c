/** @param {object} message */
export const tell = (message) => process.send?.(message)

/**
 * Listen on a free port, and count from `start` to `stop`, as the parent says over IPC: the control costs no request. The
 * process ends with its parent.
 *
 * @param {import('node:http').Server} server
 * @param {Record<string, () => unknown>} [more] other words the parent may say, each answered with what the function returns
 */
export function serve (server, more = {}) {
  let requests = 0
  let requestsAtStart = 0
  let cpu = process.cpuUsage()
  /** @type {Record<string, () => unknown>} */
  const answers = {
    start () {
      cpu = process.cpuUsage()
      requestsAtStart = requests
    },
    stop () {
      const { user, system } = process.cpuUsage(cpu)
      return { cpuMicros: user + system, requests: requests - requestsAtStart, rss: process.memoryUsage.rss() }
    },
    memory,
    startProfile: async () => (await import('./profiler.mjs')).startProfile(),
    stopProfile: async () => (await import('./profiler.mjs')).stopProfile(),
    ...more
  }
  process.on('message', async (word) => {
    const answer = await answers[String(word)]?.()
    tell({ ...Object(answer) })
  })
  process.on('disconnect', () => process.exit())
  server.on('request', () => { requests++ })
  server.listen(0, '127.0.0.1', () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    tell({ type: 'ready', port })
  })
}

/** What is still in use. Needs `--expose-gc` to be exact. */
function memory () {
  globalThis.gc?.()
  globalThis.gc?.()
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  return { rss, used: heapUsed + external, arrayBuffers }
}
