import type { FastifyRequest } from 'fastify'
import type { SessionHookName, SessionHooks } from './hooks.js'

/** The settings in force, frozen; safe to log. */
export interface SessionPolicy {
  readonly name: string
  readonly backend: 'cookie' | 'store'
  readonly cookie: {
    readonly name: string
    readonly path: string
    readonly domain: string | null
    readonly sameSite: 'lax' | 'strict' | 'none'
    readonly secure: boolean
    readonly httpOnly: true
    readonly partitioned: boolean
    readonly priority: 'low' | 'medium' | 'high' | null
    /** Seconds; 0: ends with the browser. */
    readonly persistent: number
  }
  /** Seconds. */
  readonly idleTimeout: number
  /** Seconds. */
  readonly absoluteTimeout: number
  /** Seconds. */
  readonly touchAfter: number
  readonly rotateOn: readonly string[]
  /** Seconds; 0: off. */
  readonly rotateEvery: number
  /** Seconds. */
  readonly rotationGrace: number
  readonly version: number
  readonly onInvalid: 'discard' | 'salvage'
  readonly onStoreError: 'fail' | 'anonymous'
  /** Seconds. */
  readonly storeTimeout: number
  /** Short names of the secrets, newest first; they say nothing about the secrets. */
  readonly keyIds: readonly string[]
}

/** A session read outside a request's hooks. A copy: changing it changes nothing. */
export interface OpenedSession<Data> {
  readonly id: string
  readonly data: Data
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly authenticatedAt: Date | null
}

/** `app.sessions` (for a session named `adminSession`: `app.adminSessions`). */
export interface Sessions<Data> {
  /** The settings in force. */
  policy (): SessionPolicy
  /** Add a lifecycle hook; several run in the order they were added. */
  addHook<N extends SessionHookName> (name: N, hook: NonNullable<SessionHooks<Data>[N]>): void
  /** The session of a request, or of the text of a `Cookie` header; `null` if there is none. For sockets and jobs. */
  open (source: FastifyRequest | string): Promise<OpenedSession<Data> | null>
  /** Ask the `secret` function again. If it fails the old secrets stay and the promise rejects. */
  reloadSecrets (): Promise<void>
  /** Remove expired records now; returns how many. 0 where the backend does so by itself. */
  sweep (): Promise<number>
}
