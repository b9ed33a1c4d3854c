import type { FastifyRequest } from 'fastify'
import type { RejectReason, RotateEvent } from './hooks.js'

/**
 * Messages of `node:diagnostics_channel`, for whoever observes a process. None carries data, a token or an id. Nothing is made
 * of them unless somebody subscribes.
 */

/** On `fastify-typed-session:load` and `fastify-typed-session:destroy`, and the members of every other message. */
export interface SessionMessage {
  /** The name of the session: `'session'` unless the option `name` says another. */
  readonly session: string
  /** The request it happened in; `null` outside one (`app.sessions`). */
  readonly request: FastifyRequest | null
  /** The public handle of the session (`session.id`). */
  readonly id: string
}

/** On `fastify-typed-session:save`. */
export interface SaveMessage extends SessionMessage {
  /** Was this the first time the session was kept? */
  readonly isNew: boolean
  /** The keys whose values have changed. */
  readonly keys: readonly string[]
}

/** On `fastify-typed-session:rotate`. */
export interface RotateMessage extends SessionMessage, Pick<RotateEvent<unknown>, 'previousId' | 'reason'> {}

/** On `fastify-typed-session:reject`. */
export interface RejectMessage extends SessionMessage {
  readonly reason: RejectReason
  /** The paths that did not satisfy the schema, or the keys that were changed too late. */
  readonly paths: readonly string[]
}

/** On `fastify-typed-session:conflict`. */
export interface ConflictMessage extends SessionMessage {
  /** The keys that both requests had changed. */
  readonly keys: readonly string[]
}

/** On the tracing channel `fastify-typed-session:store`, around each call to a store. */
export interface StoreCallMessage {
  /** The method of the store. */
  readonly operation: string
  /** The name of the store, such as `'redisStore'`. */
  readonly store: string
  /** `load`: `found`, `missing`. `create`: `created`, `taken`. `replace`: `replaced`, `conflict`, `missing`. Others: `done`. */
  readonly outcome?: string
  /** Why the call failed, as in the log. */
  readonly error?: unknown
}
