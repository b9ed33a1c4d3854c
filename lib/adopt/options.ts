import { types } from 'node:util'
import type { OldCookieOptions } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { flawOfOldKey } from '../tokens/secrets.js'

/** The data of an old session. They are checked when `map` has made the stored form of them, so they may be of any type here. */
export type OldSession = Record<string, any>

/** A secret of the old system, or several: all of them verify. */
export type OldKeys = string | Uint8Array | readonly (string | Uint8Array)[]

/** The options of every adopter. */
export interface AdoptOptions<Stored> {
  /** The old cookie: a name, for one with the path `/` and no domain, or more of it. */
  readonly cookie: string | OldCookieOptions
  /** From this moment on the old cookie is ignored: 400 days ahead at most. */
  readonly until: Date
  /** `'forget'`: the response that saves our session removes the old one and its cookie. Default `'leave'`. */
  readonly ending?: 'leave' | 'forget' | undefined
  /**
   * Makes the stored form of the schema of the data of an old session, at once; `null`: that one is not taken over. A throw is for
   * `onStoreError` to decide about.
   */
  readonly map: (old: OldSession) => Stored | null
}

/** The used part of a store written for express-session (connect-redis, connect-pg-simple, connect-mongo, …). */
export interface ConnectReader {
  get (id: string, callback: (error?: any, session?: any) => void): unknown
  destroy (id: string, callback: (error?: any) => void): unknown
}

/** Throws `InvalidOption` for what is no function. */
export function checkMap (adopter: string, map: unknown): void {
  if (typeof map !== 'function') throw new InvalidOption(`${adopter}.map`, 'must be a function: (old) => what the schema stores')
}

const GUESSABLE = '. Whoever knows it could make sessions here: give the old system a new one first, and give only that one here, or let people sign in again'

/** The keys as bytes. Throws `InvalidOption` for a key that somebody may know or guess: with it anybody could make a session here. */
export function readKeys (option: string, given: unknown): Buffer[] {
  const keys: unknown[] = Array.isArray(given) ? given : [given]
  if (keys.length === 0) throw new InvalidOption(option, 'is an empty list')
  return keys.map((key, index) => {
    const flaw = flawOfOldKey(key)
    const where = Array.isArray(given) ? `${option}.${index}` : option
    if (flaw !== null) throw new InvalidOption(where, flaw + (types.isUint8Array(key) || (typeof key === 'string' && key !== '') ? GUESSABLE : ''))
    return Buffer.from(key as Uint8Array)
  })
}
