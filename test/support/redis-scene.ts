import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { AsyncStore } from '../../types/store.js'
import { patientOptions } from './client-options.js'
import { startProxy } from './proxy.js'
import { openIoredis, openNodeRedis } from './redis-clients.js'
import { redisMissing, startRedis } from './redis-servers.js'
import { skipOrFail } from './skip.js'

export interface RedisScene {
  open (prefix?: string): AsyncStore
  /** Another connection to the same server, past the proxy. */
  admin: Redis
  /** The commands that the store's client has sent since the last time somebody asked, as words. */
  take (): string[][]
}

/** The same tests with each of the two clients, on a server of its own. */
export function withEachClient (tests: (t: Test, scene: RedisScene) => Promise<void>): void {
  for (const [name, connect] of Object.entries({ ioredis: openIoredis, 'node-redis': openNodeRedis })) {
    t.test(`redisStore with ${name}`, async t => {
      const missing = redisMissing()
      if (missing) return skipOrFail(t, missing)
      const server = await startRedis()
      const proxy = await startProxy(server.port)
      const { open, close } = await connect(proxy.port, { options: patientOptions })
      const admin = new Redis({ port: server.port })
      t.teardown(async () => {
        admin.disconnect()
        await close()
        await proxy.close()
        await server.stop()
      })
      await tests(t, { open, admin, take: () => commandsIn(proxy.takeRequests()) })
    })
  }
}

export const inAnHour = () => Date.now() + 3_600_000
export const tagOf = (subject: string) => createHash('sha256').update(subject).digest('base64url')
export const indexOf = (subject: string, prefix = 'sess:') => `${prefix}subject:${tagOf(subject)}`

export async function idsOf (store: AsyncStore, subject: string): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of store.findBySubject!(subject)) ids.push(id)
  return ids.sort()
}

/** Each command of raw RESP as its words. */
function commandsIn (raw: string): string[][] {
  const commands: string[][] = []
  for (let at = 0; at < raw.length;) {
    const number = () => {
      const end = raw.indexOf('\r\n', at)
      const value = Number(raw.slice(at + 1, end))
      at = end + 2
      return value
    }
    const words = number()
    commands.push(Array.from({ length: words }, () => {
      const length = number()
      const word = raw.slice(at, at + length)
      at += length + 2
      return word
    }))
    commands.at(-1)![0] = commands.at(-1)![0]!.toUpperCase()
  }
  // node-redis sends one now and then, by the clock.
  return commands.filter(([name]) => name !== 'PING')
}
