import type { JsonObject } from '../../types/json.js'
import type { Device } from './device.js'

/** The data of a session, by key. */
export type Data = Record<string, unknown>

/** The data as they are kept: the schema's stored side, and the plugins' `undeclaredKeys` (`null`: none). Plain JSON. */
export interface Stored { readonly data: Record<string, unknown>, readonly extra: Record<string, unknown> | null, opened?: Opened }

/** The part of a record beside its data. Times are milliseconds since the epoch. */
export interface Times {
  /** The version of the schema that wrote it. */
  readonly version: number
  readonly createdAt: number
  /** The last use that was written down. */
  readonly usedAt: number
  /** 0: never. */
  readonly authenticatedAt: number
  readonly rotatedAt: number
  /** Does the cookie outlive the browser? `null`: as configured. */
  readonly persist: boolean | null
  /** Milliseconds that `idleTimeout`, a function of the data, has answered; 0: it was a number. */
  readonly idle: number
  /** The same of `absoluteTimeout`. */
  readonly absolute: number
  /** Until when an old cookie leads to the record's id, so that a mark has to stay there; 0: none does. Not kept in a cookie. */
  readonly adoptedUntil: number
}

/** JSON as it was found. `opened`: what was seen when somebody looked at it. */
export interface Found { readonly data: unknown, readonly extra: unknown, opened?: Opened }

/** A record as the handler gets it, or the paths at which it does not satisfy the schema. */
export type Opened =
  | { readonly ok: true, readonly data: Record<string, unknown>, readonly upgraded: boolean, /** paths that were dropped to save the rest */ readonly salvaged: readonly string[] }
  | { readonly ok: false, readonly paths: readonly string[] }

/** One session in the list of a subject's. */
export interface Card {
  readonly about: JsonObject | null
  /** The key that the session has just had. During a rotation both are there. */
  readonly from: string | null
}

/** `card`: `null` if it says nothing. `device`: `null` if it is bound to none. */
export interface SessionRecord {
  readonly kind: 'session'
  readonly times: Times
  readonly found: Found
  readonly card: Card | null
  readonly device: Device | null
}
