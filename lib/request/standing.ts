import type { Place } from '../backends/place.js'
import type { Data } from '../session/merge.js'

/** The record that a session stands on. Replaced as a whole. */
export interface Standing {
  /** `null`: a new session. */
  readonly place: Place | null
  /** The data as they were found. Never handed out. */
  readonly data: Data
  /** When the record was found to be live: milliseconds since the epoch. */
  readonly judgedAt: number
  /** A new version of the schema has lifted the record, so it needs writing even if nobody changes anything. */
  readonly upgraded: boolean
}

/** Until a record is found, or a new session begins. */
export const NOT_FOUND: Standing = Object.freeze({ place: null, data: Object.freeze({}), judgedAt: 0, upgraded: false })

/** The session's wishes of this request, beside the data. Replaced as a whole, so that a save can tell whether more was asked meanwhile. */
export interface Wish {
  /** `rotate()`. */
  readonly rotate: boolean
  /** `regenerate(keep)`: the keys that it keeps. */
  readonly keep: ReadonlySet<string> | null
  /** `reauthenticated()`. */
  readonly reauthenticated: boolean
  /** `touch()`. */
  readonly touch: boolean
  /** `persist(on)`; `undefined`: nothing was asked. */
  readonly persist: boolean | undefined
}

export const NO_WISH: Wish = Object.freeze({ rotate: false, keep: null, reauthenticated: false, touch: false, persist: undefined })

/**
 * Why the request did not get the session that it asked for. It has moved to a new id, the store failed, its record cannot be
 * read, or it is bound to another device. Only the last lets the request create a session.
 */
export type Obstacle = null | 'moved' | 'store' | { readonly why: 'unreadable' | 'unbound', readonly place: Place }

/** How the session ends: `destroy()` has asked for it (`null`: for the sessions of several cookies), or somebody else has done it. */
export type Ending = null | 'elsewhere' | { readonly asked: Place | null }

/** Held by a visit whose response has ended. */
export interface Late {
  /** How often its late changes may still be reported. */
  reportsLeft: number
  /** Somebody goes through the session again. */
  again (): void
}
