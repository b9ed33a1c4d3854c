import { InvalidOption } from '../errors.js'
import type { AsyncStore, ReplaceOutcome, StoredRecord } from '../../types/store.js'
import { redisCommands, type IoredisClient, type NodeRedisClient, type RedisCommands } from './internal/redis/clients.js'
import {
  deleteScript, indexScript, leaveScript, readScript, replaceScript, scanScript, shrinkScript, touchScript
} from './internal/redis/scripts.js'
import { assertOptions } from './internal/options.js'
import { subjectTag } from './internal/subject-tag.js'
import { assertText, fitsUtf8, wholeMilliseconds } from './internal/values.js'

export type { IoredisClient, NodeRedisClient } from './internal/redis/clients.js'

/** Options of `redisStore`. */
export interface RedisStoreOptions {
  /**
   * A client that the application made, connects and closes. Let it fail soon (docs/redis.md has the options) and read
   * from masters only: a replica may still answer with a session that has ended.
   */
  client: IoredisClient | NodeRedisClient
  /** The start of every key, so that no key of the application can be one of ours. Default `'sess:'`. */
  prefix?: string | undefined
}

/** A client itself is none: the compiler says what to write. */
interface Options { readonly sendCommand?: 'This is the client: write redisStore({ client })' }

/**
 * Sessions in Redis 7 or later, or Valkey: a single server, Sentinel or Cluster. Every command has one key, `load` is one
 * `GET`, and the server removes what has expired.
 *
 * Sessions with a subject are entered into the subject's index before they are kept. If the process dies between the
 * two, the index names a session that does not exist, which `findBySubject` passes over. It never misses one that does.
 *
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for a client of another kind, for a prefix that is empty, too long or has odd
 * characters, and for another option.
 */
export function redisStore (options: Options & RedisStoreOptions): AsyncStore {
  assertOptions('redisStore', options, ['client', 'prefix'])
  const { client, prefix = 'sess:' } = options
  const redis = redisCommands(client)
  if (typeof prefix !== 'string' || !/^[\w:.{}-]{1,100}$/.test(prefix)) {
    throw new InvalidOption('prefix', 'redisStore takes 1 to 100 letters, digits or : . _ - { }')
  }
  return new RedisStore(redis, prefix)
}

class RedisStore implements AsyncStore {
  readonly name = 'redisStore'
  readonly #redis: RedisCommands
  readonly #prefix: string

  constructor (redis: RedisCommands, prefix: string) {
    this.#redis = redis
    this.#prefix = prefix
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    assertText(fitsUtf8, { id, payload, subject })
    const tag = tagOf(subject)
    if (tag !== '') await this.#enter(tag, id, expiresAt)
    return await this.#redis.create(this.#recordKey(id), `${tag}\n${payload}`, deadlineOf(expiresAt))
  }

  async load (id: string): Promise<string | null> {
    const value = await this.#redis.get(this.#recordKey(id))
    if (value === null) return null
    if (typeof value !== 'string') throw new TypeError('redisStore needs a client that answers with text: leave out typeMapping for BLOB_STRING')
    return split(value).payload
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    assertText(fitsUtf8, { expected, payload, subject })
    const tag = tagOf(subject)
    const script = tag === '' && Buffer.byteLength(payload) < Buffer.byteLength(expected) ? shrinkScript : replaceScript
    const args = [`${tag}\n${expected}`, `${tag}\n${payload}`, String(deadlineOf(expiresAt))]
    const key = this.#recordKey(id)
    const write = (mayMove: '0' | '1') => this.#redis.run(script, key, ...args, mayMove) as Promise<[ReplaceOutcome | 'moving', string]>
    // As a rule the record stays its subject's: then both writes leave together, in one round trip.
    const answer = tag === '' ? await write('1') : (await Promise.all([this.#enter(tag, id, expiresAt), write('0')]))[1]
    const [outcome, left] = answer[0] === 'moving' ? await write('1') : answer
    if (left !== '') await this.#leave(left, id)
    return outcome as ReplaceOutcome
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    const tag = await this.#redis.run(touchScript, this.#recordKey(id), String(deadlineOf(expiresAt))) as string | null
    if (tag) await this.#enter(tag, id, expiresAt)
    return tag !== null
  }

  async delete (id: string): Promise<void> {
    const tag = await this.#redis.run(deleteScript, this.#recordKey(id)) as string | null
    if (tag) await this.#leave(tag, id)
  }

  /** Reads the index in bounded pages. An entry counts only if the record itself names the same subject. */
  async * findBySubject (subject: string): AsyncGenerator<StoredRecord> {
    assertText(fitsUtf8, { subject })
    const tag = tagOf(subject)
    const seen = new Set<string>()
    let cursor = '0'
    do {
      const [next, page] = await this.#redis.run(scanScript, this.#indexKey(tag), cursor) as [string, string[]]
      const ids = [...new Set(page)].filter(id => !seen.has(id))
      for (const id of ids) seen.add(id)
      const records = await Promise.all(ids.map(id => this.#read(id, tag)))
      yield * records.filter(record => record !== undefined)
      cursor = next
    } while (cursor !== '0')
  }

  async #read (id: string, tag: string): Promise<StoredRecord | undefined> {
    const found = await this.#redis.run(readScript, this.#recordKey(id)) as [string, string] | null
    if (found === null) return
    const [value, expiresAt] = found
    const record = split(value)
    if (record.tag === tag) return { id, payload: record.payload, expiresAt: Number(expiresAt) }
  }

  async #enter (tag: string, id: string, expiresAt: number): Promise<void> {
    await this.#redis.run(indexScript, this.#indexKey(tag), id, String(deadlineOf(expiresAt)))
  }

  /** The record is written by now, so this may fail. An entry that stays behind is passed over, and expires like any other. */
  async #leave (tag: string, id: string): Promise<void> {
    await this.#redis.run(leaveScript, this.#indexKey(tag), id).catch(() => {})
  }

  #recordKey (id: string): string {
    assertText(fitsUtf8, { id })
    return `${this.#prefix}id:${id}`
  }

  #indexKey (tag: string): string {
    return `${this.#prefix}subject:${tag}`
  }
}

const tagOf = (subject: string | undefined) => subject === undefined ? '' : subjectTag(subject)

function split (value: string): { tag: string, payload: string } {
  const end = value.indexOf('\n')
  return { tag: value.slice(0, Math.max(end, 0)), payload: value.slice(end + 1) }
}

/** Redis refuses a deadline that is not after 1970. */
const deadlineOf = (expiresAt: number) => Math.max(1, wholeMilliseconds(expiresAt))
