import type { FastifyRequest } from 'fastify'

/** The device that a session is bound to, by `fastify-typed-session/device-bound`. */
export interface BoundDevice {
  /** When the device gave its public key. */
  readonly boundAt: Date
  /** When it last proved that it has the private key. */
  readonly refreshedAt: Date
  readonly algorithm: 'ES256' | 'RS256'
}

/** Options of `fastify-typed-session/device-bound`. */
export interface DeviceBoundOptions {
  /** The session whose sign-ins are bound: a handle, or the name of one. Default `'session'`. */
  readonly session?: string | { readonly name: string } | undefined
  /** Where the two routes are, `<prefix>/registration` and `<prefix>/refresh`. Default `'/.session/device'`. */
  readonly prefix?: string
  /**
   * Seconds that a copy of both cookies is of use to a thief, at most. Default `600`. At least 300, because browsers stop to prove
   * what they are asked too often; at most a day.
   */
  readonly cookieLife?: number | undefined
  /**
   * Is this sign-in offered a binding? Called at each sign-in, with its request; it answers at once. Default: every sign-in is.
   *
   * A session that is not bound can be bound by whoever steals its cookie, as soon as the thief reaches a change of privilege that
   * is offered one. So a sign-in that is to be protected must be offered a binding itself.
   */
  readonly when?: ((request: FastifyRequest) => boolean) | undefined
  /**
   * How a request is answered that has the cookie of a bound session, and no good one of the device. Default `'anonymous'`: it has no
   * session, as with a cookie that has expired. `'refuse'`: it is answered with `FST_TYPED_SESSION_UNBOUND`, a 401, on every
   * route but those with `config: { session: false }`.
   */
  readonly onUnbound?: 'anonymous' | 'refuse' | undefined
}
