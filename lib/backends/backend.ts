import type { ReplaceOutcome } from '../../types/index.js'
import type { Answer } from '../async/answer.js'
import type { Step } from '../async/timeout.js'
import type { Adoptable, Draft, ENDED, Id, Loaded, Origin, Overtaken, Place, Reloaded, Saved } from './place.js'
import type { StoredRecords } from './stored-records.js'

/**
 * The meaning of a token: the record itself, or an id in a store. Calls with the same `step` share its time limit; a call
 * without one is a step of its own.
 */
export interface Backend {
  /** The token carries the data: no change is kept without a new cookie. */
  readonly selfContained: boolean
  /** The records on the server. `null`: there are none, and nothing here does I/O. */
  readonly records: StoredRecords | null
  /** `load` answers at once, never by a promise: it may be called when the session is first read. */
  readonly immediate: boolean
  /** Keeps what binds sessions to devices. `null`: nothing does, because nothing is kept on the server. */
  readonly bindings: Bindings | null
  /** A fresh id. */
  newId (): Id
  /** The session of `token`, which is verified before any I/O. Throws, or rejects with, `StoreFailed`. */
  load (token: string, now: number, step?: Step): Answer<Loaded>
  /**
   * The session that an old cookie has become, or else the one that it becomes now, which is not kept yet. `ids`: made from its
   * value, by the newest secret first, 32 bytes each. `found`: what the old system knows of it; `null`: nothing any more.
   */
  adopt (ids: readonly Buffer[], found: Adoptable | null, now: number, step?: Step): Answer<Loaded>
  /**
   * The session again, as it is at `now`, if it may go on: it has not ended, expired or been revoked. As far as the backend can
   * know: without records it knows no more than the token.
   */
  reload (place: Place, now: number, step?: Step): Answer<Reloaded>
  /** Keep a new session. `null`: the id is taken. */
  create (id: Id, draft: Draft, step?: Step): Answer<Saved | null>
  /** Compare and set. `reissue`: the browser should get a token that tells of this moment. */
  replace (place: Place, draft: Draft, reissue: boolean, step?: Step): Answer<Saved | Overtaken | typeof ENDED>
  /** Move the deadline; the record stays as it was found. */
  touch (place: Place, draft: Draft, step?: Step): Answer<Saved | typeof ENDED>
  /** Let the old id end in favour of `successor`, unless the record has changed. `final`: it reads nothing from now on. */
  supersede (place: Place, successor: Place, final: boolean, now: number, step?: Step): Answer<'done' | Overtaken | typeof ENDED>
  /** End the session, wherever a parallel rotation has carried it. `false`: somebody else had done so. */
  end (place: Place, step?: Step): Answer<boolean>
  /** Forget a record that nobody has a token of. */
  discard (place: Pick<Place, 'key'>): Answer<void>
}

/** Binds sessions to devices. */
export interface Bindings {
  /** Where they lie. */
  readonly records: StoredRecords
  /** Where the session was when `token` was made, whatever has become of it. `null`: the token is not authentic. No I/O. */
  locate (token: string): Origin | null
  /** Keep `draft.device` in the record of `place`, and all else as it is. */
  rebind (place: Place, draft: Draft, step?: Step): Answer<ReplaceOutcome>
}
