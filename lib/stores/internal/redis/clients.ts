import { InvalidOption } from '../../../errors.js'

/** The part of an `ioredis` client that the store uses: `Redis` (single server, Sentinel) or `Cluster`. */
export interface IoredisClient {
  get (key: string): Promise<string | null>
  set (key: string, value: string, pxat: 'PXAT', milliseconds: number, nx: 'NX'): Promise<'OK' | null>
  evalsha (sha: string, keys: number, ...args: string[]): Promise<unknown>
  eval (script: string, keys: number, ...args: string[]): Promise<unknown>
}

/** The part of a `redis` (node-redis 5 or later) client that the store uses: `createClient`, `createCluster`, `createSentinel`. */
export interface NodeRedisClient {
  get (key: string): Promise<string | null>
  set (key: string, value: string, options: NodeRedisSetOptions): Promise<string | null>
  evalSha (sha: string, options: NodeRedisEvalOptions): Promise<unknown>
  eval (script: string, options: NodeRedisEvalOptions): Promise<unknown>
}

interface NodeRedisSetOptions { condition: 'NX', expiration: { type: 'PXAT', value: number } }
interface NodeRedisEvalOptions { keys: string[], arguments: string[] }

/** One Lua script that touches one key, with the SHA-1 that Redis knows it by. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** The commands that the store asks of either client. Every call is about one key, so that it can go to any node of a Cluster. */
export interface RedisCommands {
  get (key: string): Promise<string | null>
  /** `SET key value PXAT milliseconds NX`. `false`: the key is taken. */
  create (key: string, value: string, milliseconds: number): Promise<boolean>
  /** `EVALSHA`, and `EVAL` where the server does not have the script yet (or any more). */
  run (script: Script, key: string, ...args: string[]): Promise<unknown>
}

/** `EVAL`, in full, where a server answered that it does not have the script. */
function orInFull (known: () => Promise<unknown>, inFull: () => Promise<unknown>): Promise<unknown> {
  try {
    return known().catch((error: unknown) => {
      if (error instanceof Error && error.message.startsWith('NOSCRIPT')) return inFull()
      throw error
    })
  } catch (error) {
    // ioredis throws with `enableAutoPipelining`, while no node of a Cluster has the slot.
    return Promise.reject(error)
  }
}

function ioredisCommands (client: IoredisClient): RedisCommands {
  return {
    get: key => client.get(key),
    create: async (key, value, milliseconds) => await client.set(key, value, 'PXAT', milliseconds, 'NX') === 'OK',
    run: ({ text, sha }, key, ...args) =>
      orInFull(() => client.evalsha(sha, 1, key, ...args), () => client.eval(text, 1, key, ...args))
  }
}

function nodeRedisCommands (client: NodeRedisClient): RedisCommands {
  const created = (value: number) => ({ condition: 'NX', expiration: { type: 'PXAT', value } }) as const
  return {
    get: key => client.get(key),
    create: async (key, value, milliseconds) => await client.set(key, value, created(milliseconds)) === 'OK',
    run: ({ text, sha }, key, ...args) => {
      const options = { keys: [key], arguments: args }
      return orInFull(() => client.evalSha(sha, options), () => client.eval(text, options))
    }
  }
}

const has = (client: object, name: string) => typeof (client as Record<string, unknown>)[name] === 'function'

/** Which of the two packages made `client`. Throws `InvalidOption` for anything else. */
export function redisCommands (client: IoredisClient | NodeRedisClient): RedisCommands {
  const isObject = typeof client === 'object' && client !== null
  if (isObject && has(client, 'evalSha')) return nodeRedisCommands(client as NodeRedisClient)
  // Clients that speak HTTP have an `evalsha` as well, of other arguments.
  if (isObject && has(client, 'evalsha') && has(client, 'duplicate')) return ioredisCommands(client as IoredisClient)
  throw new InvalidOption('client', 'redisStore needs a client made by ioredis or by redis (node-redis), not one of another kind')
}
