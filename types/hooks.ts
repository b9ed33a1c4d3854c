import type { FastifyRequest } from 'fastify'

/** The members of every session event. */
export interface SessionEvent {
  /** The request it happened in; `null` outside one (`app.sessions`). */
  readonly request: FastifyRequest | null
  /** The public handle of the session (`session.id`). Never the id itself. */
  readonly id: string
}

/** A record was decoded, a first record was kept, or a session was ended. */
export interface DataEvent<Data> extends SessionEvent {
  /** A copy of the data. */
  readonly data: Data
}

/** The session is about to be kept. */
export interface PreSaveEvent<Data> extends SessionEvent {
  /** The data to be kept. Change it in place to amend it: it is validated afterwards. */
  readonly data: Data
  /** Is this the first time the session is kept? */
  readonly isNew: boolean
}

/** The session was kept. */
export interface SaveEvent<Data> extends DataEvent<Data> {
  /** Was this the first time? */
  readonly isNew: boolean
  /** The keys whose values have changed. */
  readonly keys: readonly string[]
}

/** The id is about to change, or has changed. */
export interface RotateEvent<Data> extends SessionEvent {
  /** Before the rotation: the data that goes along, to be changed in place. After it: a copy. */
  readonly data: Data
  /** The handle of the id that ends. */
  readonly previousId: string
  /** Asked for by `rotate()` or `regenerate()`, a change of a `rotateOn` key, or due by `rotateEvery`. */
  readonly reason: 'requested' | 'privilege' | 'periodic'
}

/** Why something that looked like a session, or a change to one, was not accepted. */
export type RejectReason =
  | 'malformed' | 'forged' | 'unknown-key' | 'duplicate-cookie' | 'unknown' | 'expired' | 'from-the-future' | 'revoked' | 'moved'
  | 'corrupt' | 'too-large' | 'unbound' | 'invalid' | 'salvaged' | 'store-failed' | 'changed-too-late' | 'ended-elsewhere'

/**
 * A cookie, a record or a change was not accepted. `'salvaged'` comes once with every request that reads such a session, until
 * one changes it: reading does not write. Never carries a value, a token or an id.
 */
export interface RejectEvent extends SessionEvent {
  readonly reason: RejectReason
  /**
   * The paths that did not satisfy the schema, with keys inside a record as `[…]`. With `changed-too-late`, the changed keys and
   * the calls made in vain: `'rotate()'`, `'persist()'`, `'destroy()'`.
   */
  readonly paths: readonly string[]
}

/** Another request saved first; the two were merged. */
export interface ConflictEvent<Data> extends SessionEvent {
  /** The keys both had changed. */
  readonly keys: readonly string[]
  /** The merged data. */
  readonly data: Data
}

type Run<Event> = (event: Event) => void | Promise<void>

/**
 * `pre…` hooks run before anything is kept: they may amend `event.data` (it is validated again) or throw to fail the
 * request with nothing kept. They have `storeTimeout` to finish.
 * `on…` hooks run after: the response does not wait for them, a throw or rejection is logged and changes nothing.
 * Hooks are not rate-limited: one that triggers its own event, for example by making a request, can loop.
 * Events are frozen. No hook can stop a destroy, a rotation or an expiry.
 */
export interface SessionHooks<Data> {
  /** A session was kept for the first time. */
  onCreate?: Run<DataEvent<Data>> | undefined
  /** A session was found and decoded. */
  onLoad?: Run<DataEvent<Data>> | undefined
  /** A session is about to be kept. */
  preSave?: Run<PreSaveEvent<Data>> | undefined
  /** A session was kept. */
  onSave?: Run<SaveEvent<Data>> | undefined
  /** A session is about to get a new id. */
  preRotate?: Run<RotateEvent<Data>> | undefined
  /** A session has a new id; the old one is dead. */
  onRotate?: Run<RotateEvent<Data>> | undefined
  /** A session was ended: by `destroy()`, by `app.sessions`, because its subject has too many, or by a new answer of a timeout. */
  onDestroy?: Run<DataEvent<Data>> | undefined
  /** A cookie, a record or a change was not accepted. */
  onReject?: Run<RejectEvent> | undefined
  /** Another request saved first, and the two were merged. */
  onConflict?: Run<ConflictEvent<Data>> | undefined
}

/** The name of a hook. */
export type SessionHookName = keyof SessionHooks<unknown>
