import { COLD_SESSIONS } from './cases.mjs'
import { openSessions } from './http.mjs'
import { CONNECTIONS, load } from './load.mjs'
import { run } from './process.mjs'
import { measuredCheckout } from './subjects/index.mjs'

const sessionsOf = { none: 0, warm: CONNECTIONS, cold: COLD_SESSIONS }

/**
 * Where the time of one subject goes in one case, in a closed loop, after a warm-up.
 *
 * @param {import('./subjects/index.mjs').Subject} subject
 * @param {import('./cases.mjs').Case} asked
 * @param {{ warmUp: number, seconds: number, redisUrl: string | undefined }} options
 */
export async function profile (subject, { route, sessions }, { warmUp, seconds, redisUrl }) {
  const server = await run(subject.id, { root: measuredCheckout, redisUrl })
  const cookies = await openSessions(server.url, sessionsOf[sessions])
  const url = `${server.url}/${route}`
  await load(url, cookies, warmUp)
  await server.ask('startProfile')
  await server.start()
  const { perSecond } = await load(url, cookies, seconds)
  const { cpuMicros, requests } = await server.stop()
  const { functions, owned } = await server.ask('stopProfile')
  await server.end()
  return { perSecond, micros: cpuMicros / requests, functions, owned }
}
