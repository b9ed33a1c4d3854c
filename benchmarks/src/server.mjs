import { subjects } from './subjects/index.mjs'

// The process that is measured. It is told over IPC when to start and stop counting, so that the control costs no request.
const [id = ''] = process.argv.slice(2)
const root = process.env.BENCH_ROOT ?? ''
const subject = subjects.find((s) => s.id === id)
const tell = (/** @type {object} */ message) => process.send?.(message)

let requests = 0
let cpu = process.cpuUsage()
let requestsAtStart = 0

process.on('message', (message) => {
  if (message === 'start') {
    cpu = process.cpuUsage()
    requestsAtStart = requests
    tell({ type: 'started' })
  } else if (message === 'stop') {
    const { user, system } = process.cpuUsage(cpu)
    tell({ type: 'stopped', cpuMicros: user + system, requests: requests - requestsAtStart, rss: process.memoryUsage.rss() })
  }
})
process.on('disconnect', () => process.exit())

try {
  if (subject === undefined) throw new Error(`no subject ${id}`)
  const { build } = await import(`./subjects/${subject.module}.mjs`)
  const { server, ready } = await build({ variant: subject.variant, redisUrl: process.env.BENCH_REDIS_URL, root })
  await ready?.()
  server.on('request', () => { requests++ })
  server.listen(0, '127.0.0.1', () => tell({ type: 'ready', port: server.address().port }))
} catch (error) {
  tell({ type: 'unavailable', reason: error instanceof Error ? error.message : String(error) })
}
