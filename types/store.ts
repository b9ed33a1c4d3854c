/**
 * Where sessions are kept on the server. A store keeps an opaque string under an id until a deadline.
 * It knows no session, schema, cookie, key or request.
 *
 * Rules that every store keeps (`fastify-typed-session/conformance` checks them):
 *
 * - There is no blind write: `create` refuses a taken id, `replace` is a compare-and-set. That is why nothing is lost
 *   to a parallel request and nothing comes back after it was deleted.
 * - Deadlines are absolute, in milliseconds since the epoch. A store rejects what is no time (`NaN`, `Infinity`, farther than a `Date`
 *   reaches).
 * - An unknown, deleted or expired id is an answer (`null`, `false`, `'missing'`). A rejection, or a throw, means: the store
 *   failed.
 *
 * A store may answer at once, without a promise, what it knows at once: a request then waits for nothing.
 */
export interface SessionStore {
  /** Keep `payload` under a new id. `false`: the id is taken by a live record, nothing changed. */
  create (id: string, payload: string, expiresAt: number, subject?: string): Awaitable<boolean>
  /** The payload, byte for byte, or `null` (never `undefined`) when unknown, deleted or past its deadline. */
  load (id: string): Awaitable<string | null>
  /**
   * Compare and set: replace payload, deadline and subject only if the payload under `id` is still `expected`.
   * `'conflict'`: it is another one now. `'missing'`: there is none, and none is made.
   * An equal payload is written as well: that moves the deadline, which is how a session that is only read stays alive.
   */
  replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Awaitable<ReplaceOutcome>
  /** Move the deadline only. `false`: there is no such session, and none is made. */
  touch (id: string, expiresAt: number): Awaitable<boolean>
  /** Forget `id`. Deleting what is not there is no error. */
  delete (id: string): Awaitable<void>
  /** The live records of a subject, in no particular order. Absent: this store cannot. */
  findBySubject? (subject: string): AsyncIterable<StoredRecord>
  /** Remove what is past its deadline, in bounded batches; returns how many. Absent: the backend does it by itself. */
  sweep? (): Promise<number>
  /** Release what the store itself opened. A client that was handed in stays open. Calling it again does nothing. */
  close? (): Promise<void>
  /** Its name in the log, such as `redisStore`. */
  readonly name?: string
  /**
   * `false`: an adapter to an engine that has no `create` or `replace` in one step. Of parallel saves one can then be lost,
   * or bring back a session that has ended; `register` says so. Default `true`.
   */
  readonly atomic?: boolean
  /**
   * `true`: it answers at once, never by a promise (`findBySubject` and `sweep` apart). A session is then read when
   * somebody asks for it, not before each request. Default `false`.
   */
  readonly immediate?: boolean
}

/** A store whose answers all take their time. */
export interface AsyncStore extends SessionStore {
  create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean>
  load (id: string): Promise<string | null>
  replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome>
  touch (id: string, expiresAt: number): Promise<boolean>
  delete (id: string): Promise<void>
}

/** An answer, or a promise of one. */
export type Awaitable<T> = T | Promise<T>

/** The outcome of `replace`. `conflict`: the payload is another one by now; `missing`: there is none. */
export type ReplaceOutcome = 'replaced' | 'conflict' | 'missing'

/** One live record, as `findBySubject` hands it out. */
export interface StoredRecord {
  readonly id: string
  readonly payload: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}
