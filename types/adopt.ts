import type { FastifyRequest } from 'fastify'
import type { Awaitable } from './store.js'

/** A session of the system that was here before. */
export interface Adopted<Stored> {
  /** Its data in the stored form of the schema, no more trusted than a record. Keys of `undeclaredKeys` may be among them. */
  readonly data: Stored
  /** When it began, or the earliest moment that is known. The absolute timeout counts from here. Default now. */
  readonly createdAt?: Date | undefined
}

/** The cookie of the system that was here before. Where it lies is needed to remove it. */
export interface OldCookieOptions {
  readonly name: string
  /** Default `/`. */
  readonly path?: string | undefined
  /** Default none: only the host that set it. */
  readonly domain?: string | undefined
}

/**
 * Takes over the sessions of one system that was here before. `fastify-typed-session/adopt` makes them for express-session,
 * `@fastify/session`, `@fastify/secure-session` and Flask.
 */
export interface Adopter<Stored> {
  /** Its cookie: a name, for one with the path `/` and no domain, or more of it. */
  readonly cookie: string | OldCookieOptions
  /** From this moment on the old cookie is ignored: 400 days ahead at most. Until then a mark is kept of each adopted session that has ended. */
  readonly until: Date
  /**
   * `'forget'`: the response that saves the session removes the old one and its cookie. Default `'leave'`: the old system goes
   * on with it, and there is a way back. `session.destroy()` removes both, whatever this says.
   */
  readonly ending?: 'leave' | 'forget' | undefined
  /**
   * The session behind the cookie's value, without quotes and percent-encoding; `null` if there is none, or it is not authentic.
   * A throw means that it could not be read, and the option `onStoreError` decides. It has `storeTimeout` to answer.
   */
  read (value: string, request: FastifyRequest): Awaitable<Adopted<Stored> | null>
  /** Ends it in the old system. Does nothing if `value` is not authentic. Left out where the cookie is all there is. */
  forget? (value: string): Awaitable<void>
}
