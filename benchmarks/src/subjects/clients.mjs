import { Redis } from 'ioredis'
import { createClient } from 'redis'

/** @param {string | undefined} url @returns {string} */
function given (url) {
  if (url === undefined) throw new Error('there is no Redis')
  return url
}

/** With auto-pipelining, as ioredis documents for throughput. @param {string | undefined} url */
export async function connectIoredis (url) {
  const client = new Redis(given(url), { lazyConnect: true, enableAutoPipelining: true })
  await client.connect()
  return client
}

/** Pipelines by itself. @param {string | undefined} url */
export async function connectNodeRedis (url) {
  const client = createClient({ url: given(url) })
  await client.connect()
  return client
}
