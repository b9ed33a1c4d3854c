import type { RejectReason } from '../../types/index.js'
import type { Answer } from '../async/answer.js'
import type { Card, SessionRecord, Stored, Times } from '../record/record.js'
import type { StoredRecords } from './stored-records.js'

/** A fresh id: random bytes that the token carries, and what the backend makes of them. */
export interface Id { readonly raw: Buffer, readonly key: string }

/** A session as a backend found or kept it. */
export interface Place {
  /** The id in raw form: random bytes that the token carries. `null`: reached through a tombstone, so no token can be made. */
  readonly raw: Buffer | null
  /** The id as the backend knows it; of no use as a token. */
  readonly key: string
  readonly record: SessionRecord
  /** The text that a compare-and-set expects. */
  readonly payload: string
  /** Milliseconds since the epoch: the last activity that the token or the record tells of. */
  readonly usedAt: number
  /** The token was made with an older secret than the newest. */
  readonly stale: boolean
}

export type Loaded =
  | { readonly state: 'found', readonly place: Place }
  | { readonly state: 'none', readonly reason: RejectReason }
  /** The session has a new id, and the old one may not be served. */
  | { readonly state: 'moved' }

/** What is to be kept. */
export interface Draft {
  readonly times: Times
  readonly stored: Stored
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly subject: string | undefined
  readonly card: Card | null
}

export interface Kept {
  readonly place: Place
  /** The token to send; `null`: the browser's is still good. */
  readonly token: string | null
}

/** Another request was faster. */
export interface Overtaken {
  readonly latest: Place
  /** The latest record lies under another id. */
  readonly moved: 'no' | 'periodic' | 'final'
}

export const ENDED = 'ended'

/** What a token stands for: the record itself, or an id in a store. */
export interface Backend {
  /** The token carries the data: no change is kept without a new cookie. */
  readonly selfContained: boolean
  /** What is kept on the server. `null`: nothing, so that nothing here does I/O. */
  readonly records: StoredRecords | null
  /** A fresh id. */
  newId (): Id
  /** What `token` stands for. Verified before any I/O. Throws, or rejects with, `StoreFailed`. */
  load (token: string, now: number): Answer<Loaded>
  /** The session again, as it is now; `null`: it has ended. Rejects with `Moved` where this request may not follow it. */
  reload (place: Place): Answer<Place | null>
  /**
   * Where the session is at `now`, if it may go on; `null`: it has ended, expired or been revoked, or moved where this request
   * may not follow. As far as the backend can know: without records it knows no more than the token.
   */
  confirm (place: Place, now: number): Answer<Place | null>
  /** Keep a new session. `null`: the id is taken. */
  create (id: Id, draft: Draft): Answer<Kept | null>
  /** Compare and set. `reissue`: the browser should get a token that tells of this moment. */
  replace (place: Place, draft: Draft, reissue: boolean): Answer<Kept | Overtaken | typeof ENDED>
  /** Move the deadline; the record stays as it was found. */
  touch (place: Place, draft: Draft): Answer<Kept | typeof ENDED>
  /** Let the old id end in favour of `successor`, unless the record has changed. `final`: it reads nothing from now on. */
  supersede (place: Place, successor: Place, final: boolean, now: number): Answer<'done' | Overtaken | typeof ENDED>
  /** End the session, wherever a parallel rotation has carried it. `false`: somebody else had done so. */
  end (place: Place, now: number): Answer<boolean>
  /** Forget a record that nobody has a token of. */
  discard (place: Pick<Place, 'key'>): Answer<void>
}
