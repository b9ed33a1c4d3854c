import type { BoundDevice } from './device-bound.js'
import type { SessionHookName, SessionHooks } from './hooks.js'
import type { JsonObject } from './json.js'

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
    /** Does it outlive the browser? */
    readonly persistent: boolean
  }
  /** Seconds; `null`: a function of the data. */
  readonly idleTimeout: number | null
  /** Seconds; `null`: a function of the data. */
  readonly absoluteTimeout: number | null
  /** Seconds; `null`: a tenth of the idle timeout, which is a function of the data. */
  readonly touchAfter: number | null
  readonly rotateOn: readonly string[]
  /** Does the option `subject` say whose session it is? */
  readonly subject: boolean
  /** Seconds; 0: off. */
  readonly rotateEvery: number
  /** Seconds. */
  readonly rotationGrace: number
  readonly version: number
  readonly onInvalid: 'discard' | 'salvage'
  readonly onStoreError: 'fail' | 'anonymous'
  /** Seconds. */
  readonly storeTimeout: number
  /** 0: no limit. */
  readonly maxPerSubject: number
  readonly overLimit: 'evict-oldest' | 'refuse'
  /** Is it kept on the server which sessions have ended? */
  readonly revocations: boolean
  /** Seconds. */
  readonly revocationStaleness: number
  /** Is `fastify-typed-session/device-bound` registered, without which sessions that are bound to a device are rejected? */
  readonly deviceBound: boolean
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

/** One live session of a subject, as a list of devices shows it. */
export interface ListedSession {
  /** The public handle, `session.id` of that session: for `destroy`, of no use as a credential. */
  readonly id: string
  readonly createdAt: Date
  /** Moves at most once per `touchAfter`. */
  readonly lastUsedAt: Date
  readonly expiresAt: Date
  readonly authenticatedAt: Date | null
  /** The answer of the option `describe` for the request that signed in; `null`: it gave none. */
  readonly about: JsonObject | null
  /** As `session.device`. */
  readonly device: BoundDevice | null
}

/** Anything with headers: a `FastifyRequest`, an `IncomingMessage`, a `Request` of the web. */
export interface CookieSource {
  readonly headers: { readonly cookie?: string | readonly string[] | undefined } | { get (name: string): string | null }
}

/** `app.sessions` (for a session named `adminSession`: `app.adminSessions`). */
export interface Sessions<Data> {
  /** The settings in force. */
  policy (): SessionPolicy
  /** Add a lifecycle hook; several run in the order they were added. */
  addHook<N extends SessionHookName> (name: N, hook: NonNullable<SessionHooks<Data>[N]>): void
  /**
   * The session of a request (Fastify's, or Node's own), or of the text of a `Cookie` header; `null` if there is none. For
   * sockets and jobs: it counts as no use of the session and adds no `Vary` to a response. Of a request whose response has set the
   * cookie already it is the session that this stands for.
   */
  open (source: CookieSource | string | null | undefined): Promise<OpenedSession<Data> | null>
  /**
   * The live sessions of a subject, last used first. Needs the option `subject`, and in a cookie session `revocations`;
   * without them it rejects with `FST_TYPED_SESSION_NOT_CONFIGURED`, as the next two do.
   */
  list (subject: string): Promise<ListedSession[]>
  /** End one session, by its handle. `false`: this subject has no such session. Another subject's is never ended. */
  destroy (id: string, subject: string): Promise<boolean>
  /** End every session of a subject, or all but those with the given handles. Returns how many it ended. */
  destroyAll (subject: string, options?: { readonly except?: string | readonly string[] | undefined }): Promise<number>
  /**
   * End every session of everybody that has begun until now, in one step however many there are. Sessions on other
   * servers end within `revocationStaleness`. Needs the option `revocations`, else it rejects with
   * `FST_TYPED_SESSION_NOT_CONFIGURED`.
   */
  revokeAll (): Promise<void>
  /** Ask the `secret` function again. If it fails the old secrets stay and the promise rejects. */
  reloadSecrets (): Promise<void>
  /** Remove expired records now; returns how many. 0 where the backend does so by itself. No `storeTimeout`: takes as long as the store. */
  sweep (): Promise<number>
}
