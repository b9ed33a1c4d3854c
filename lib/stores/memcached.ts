import { createHash } from 'node:crypto'
import { InvalidOption } from '../errors.js'
import type { AsyncStore, ReplaceOutcome } from '../../types/store.js'
import { assertOptions, hasMethods } from './internal/options.js'
import { assertText, fitsUtf8, wholeMilliseconds } from './internal/values.js'

/** The part of a `memcache-client` client that the store uses. It rejects with an error named after any answer but success. */
export interface MemcachedClient {
  gets (key: string): Promise<{ value: unknown, casUniq: string | number } | undefined>
  add (key: string, value: string, options: { lifetime: number }): Promise<unknown>
  cas (key: string, value: string, options: { lifetime: number, casUniq: string | number }): Promise<unknown>
  delete (key: string): Promise<unknown>
}

/** Options of `memcachedStore`. */
export interface MemcachedStoreOptions {
  /**
   * A client that the application made and closes, for one address. Given several, `memcache-client` takes any of them
   * for any key: put a proxy such as mcrouter before them.
   */
  client: MemcachedClient
  /** The start of every key, so that no key of the application can be one of ours. Default `'sess:'`. */
  prefix?: string | undefined
}

/**
 * Sessions in Memcached 1.4 or later. It is a cache: when its memory is full or it restarts, sessions end early. It has
 * no index, so this store cannot find by subject.
 *
 * Memcached counts whole seconds. The exact deadline is kept with the payload, and `touch` is a compare-and-set.
 *
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for a client of another kind, for a prefix that is empty, too long or has odd characters, and for
 * another option.
 */
export function memcachedStore (options: MemcachedStoreOptions): AsyncStore {
  assertOptions('memcachedStore', options, ['client', 'prefix'])
  const { client, prefix = 'sess:' } = options
  if (!hasMethods(client, 'gets', 'add', 'cas', 'delete')) throw new InvalidOption('client', 'memcachedStore needs a client made by memcache-client')
  if (typeof prefix !== 'string' || !/^[a-zA-Z0-9:_-]{1,50}$/.test(prefix)) {
    throw new InvalidOption('prefix', 'memcachedStore takes 1 to 50 letters, digits or : _ -')
  }
  return new MemcachedStore(client, prefix)
}

/** The item under a key. Without a payload: it has expired, or is none of ours. */
interface Found {
  readonly payload?: string
  readonly casUniq: string | number
}

class MemcachedStore implements AsyncStore {
  readonly name = 'memcachedStore'
  readonly #client: MemcachedClient
  readonly #prefix: string

  constructor (client: MemcachedClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
  }

  async create (id: string, payload: string, expiresAt: number): Promise<boolean> {
    const key = this.#key(id)
    const value = pack(payload, expiresAt)
    return await settle(async () => {
      if (await answer(this.#client.add(key, value, { lifetime: lifetime(expiresAt) })) === 'done') return true
      const found = await this.#find(key)
      if (found?.payload !== undefined) return false
      if (found !== undefined && await this.#write(key, value, expiresAt, found) === 'done') return true
    })
  }

  async load (id: string): Promise<string | null> {
    return (await this.#find(this.#key(id)))?.payload ?? null
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number): Promise<ReplaceOutcome> {
    return await this.#update(id, expiresAt, found => found === expected ? payload : undefined)
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    return await this.#update(id, expiresAt, found => found) === 'replaced'
  }

  async delete (id: string): Promise<void> {
    await answer(this.#client.delete(this.#key(id)))
  }

  async #update (id: string, expiresAt: number, next: (found: string) => string | undefined): Promise<ReplaceOutcome> {
    const key = this.#key(id)
    return await settle(async () => {
      const found = await this.#find(key)
      if (found?.payload === undefined) return 'missing'
      const payload = next(found.payload)
      if (payload === undefined) return 'conflict'
      if (await this.#write(key, pack(payload, expiresAt), expiresAt, found) === 'done') return 'replaced'
    })
  }

  async #find (key: string): Promise<Found | undefined> {
    const found = await this.#client.gets(key)
    return found && { ...unpack(found.value), casUniq: found.casUniq }
  }

  #write (key: string, value: string, expiresAt: number, { casUniq }: Found): Promise<Answer> {
    return answer(this.#client.cas(key, value, { lifetime: lifetime(expiresAt), casUniq }))
  }

  /** The client writes keys into its commands as they are, so nothing but this alphabet may reach it. */
  #key (id: string): string {
    if (/^[a-zA-Z0-9:_-]{1,150}$/.test(id)) return this.#prefix + id
    return `${this.#prefix}~${createHash('sha256').update(Buffer.from(id, 'utf16le')).digest('base64url')}`
  }
}

type Answer = 'done' | 'NOT_STORED' | 'EXISTS' | 'NOT_FOUND'

async function answer (command: Promise<unknown>): Promise<Answer> {
  try {
    await command
    return 'done'
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    if (message === 'NOT_STORED' || message === 'EXISTS' || message === 'NOT_FOUND') return message
    if (message.startsWith('SERVER_ERROR object too large')) {
      throw new Error('The session is larger than a Memcached item may be: 1 MiB, unless the server was started with -I', { cause: error })
    }
    throw error
  }
}

/** Until an attempt has an outcome. One has none when another writer was faster, so somebody always gets ahead. */
async function settle<Outcome> (attempt: () => Promise<Outcome | undefined>): Promise<Outcome> {
  for (let attempts = 0; attempts < 1000; attempts++) {
    const outcome = await attempt()
    if (outcome !== undefined) return outcome
  }
  throw new Error('Memcached: the record changed with every attempt to write it')
}

function pack (payload: string, expiresAt: number): string {
  assertText(fitsUtf8, { payload })
  return `${wholeMilliseconds(expiresAt)}\n${payload}`
}

function unpack (value: unknown): { payload?: string } {
  const [, expiresAt, payload] = typeof value === 'string' ? /^(\d+)\n([^]*)$/.exec(value) ?? [] : []
  return payload !== undefined && Number(expiresAt) > Date.now() ? { payload } : {}
}

/**
 * Unix time in seconds, late enough for a server whose clock ticks once a second. Below 30 days Memcached would read it
 * as a duration (and 0 as never), above 31 bits not at all.
 */
const lifetime = (expiresAt: number) => Math.min(Math.max(Math.ceil(expiresAt / 1000) + 1, 30 * 86_400 + 1), 2 ** 31 - 1)
