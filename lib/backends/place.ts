import type { RejectReason } from '../../types/index.js'
import type { Device } from '../record/device.js'
import type { Card, SessionRecord, Stored, Times } from '../record/record.js'

/** A fresh id: random bytes that the token carries, and the key that the backend makes of them. */
export interface Id { readonly raw: Buffer, readonly key: string }

/** A session as a backend found or kept it. */
export interface Place {
  /** The id in raw form: random bytes that the token carries. `null`: reached through a tombstone, so no token can be made. */
  readonly raw: Buffer | null
  /** The id as the backend knows it; of no use as a token. */
  readonly key: string
  readonly record: SessionRecord
  /** The text that a compare-and-set expects. `null`: none, since the session was adopted by this request and is not kept yet. */
  readonly payload: string | null
  /** Milliseconds since the epoch: the last activity that the token or the record tells of. */
  readonly usedAt: number
  /** The token was made with an older secret than the newest. */
  readonly stale: boolean
}

/** Is there a record of it, or is it new, or just adopted? */
export const isKept = (place: Place | null): place is Place => place !== null && place.payload !== null

/** The session behind an old cookie, as the record that it becomes. */
export interface Adoptable {
  readonly record: SessionRecord
  /** Is it known when it began? */
  readonly dated: boolean
}

export type Loaded =
  /** `at`: when it was judged. `ahead`: milliseconds by which its record tells of a later time than that. */
  | { readonly state: 'found', readonly place: Place, readonly at: number, readonly ahead: number }
  /** `keyId`, with `unknown-key`: which secret the token asks for, as anybody can write it. */
  | { readonly state: 'none', readonly reason: RejectReason, readonly ahead?: number, readonly keyId?: string }
  /** It is bound to a device that the request does not come from. No backend says so: the gate does. */
  | { readonly state: 'unbound', readonly place: Place }
  /** The session has a new id, and the old one may not be served. */
  | { readonly state: 'moved' }

export type NotFound = Exclude<Loaded, { readonly state: 'found' }>

/** An authentic token, without the store. `record`: the one that it carries; `null`: it carries an id only. */
export interface Origin extends Pick<Place, 'raw' | 'key' | 'usedAt' | 'stale'> { readonly record: SessionRecord | null }

/** The record to be kept. */
export interface Draft {
  readonly times: Times
  readonly stored: Stored
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly subject: string | undefined
  readonly card: Card | null
  readonly device: Device | null
}

export interface Saved {
  readonly place: Place
  /** The token to send; `null`: the browser's is still good. */
  readonly token: string | null
  /** There was no record before. */
  readonly created: boolean
}

/** Another request was faster. */
export interface Overtaken {
  readonly latest: Place
  /** The latest record lies under another id. */
  readonly moved: 'no' | 'periodic' | 'final'
}

/** The answer if the session is over. */
export const ENDED = 'ended'

/** The session again, where it is now; or the answer that it is over, or has another id that this request may not follow. */
export type Reloaded = Place | typeof ENDED | 'moved'

/** The cookie's session with what the store knows of it: the cookie may be a copy of an older one. Under another key, no token can be made. */
export function merge (place: Place, { key, payload, record }: Pick<Place, 'key' | 'payload' | 'record'>): Place {
  return {
    ...place,
    raw: key === place.key ? place.raw : null,
    key,
    payload,
    record: { ...place.record, times: { ...record.times, version: place.record.times.version }, card: record.card, device: record.device },
    usedAt: Math.max(place.usedAt, record.times.usedAt)
  }
}
