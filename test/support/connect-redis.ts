import { createClient } from 'redis'
import type { Test } from 'tap'
import { startRedis } from './redis-servers.js'

/** A client of a Redis of its own, as connect-redis takes one; both end with the test. */
export async function redisClient (t: Pick<Test, 'teardown'>) {
  const server = await startRedis()
  const client = createClient({ socket: { host: server.host, port: server.port } })
  await client.connect()
  t.teardown(async () => {
    client.destroy()
    await server.stop()
  })
  return client
}
