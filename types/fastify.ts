import type { FastifyRequest } from 'fastify'
import type { Sessions } from './instance.js'
import type { RouteSessionOptions } from './route.js'
import type { NamedSessions, Register, Registered, RegisteredSchema, Session, SessionData, SessionSchema } from './session.js'

/**
 * Carries a schema in Fastify's type provider, so that one instance's requests are typed without `declare module`.
 * Optional on purpose: it keeps type providers assignable to each other.
 */
export interface WithSession<S extends SessionSchema> { readonly session?: S }

/** Carries what a guard requires in Fastify's type provider, for every route of an instance. */
export interface WithRequirement<Required> { readonly 'session:requires'?: Required }

type IsAny<T> = 0 extends 1 & T ? true : false

type RequiredBy<TypeProvider> = TypeProvider extends { readonly 'session:requires'?: infer Required } ? Required : unknown

type SessionOf<TypeProvider, Required> =
  IsAny<TypeProvider> extends true ? Registered<'session', Required>
    : 'session' extends keyof TypeProvider
      ? TypeProvider extends { readonly session?: infer S extends SessionSchema } ? Session<SessionData<S>, Required> : Registered<'session', Required>
      : Registered<'session', Required>

type SessionOfRequest<Request, Required> =
  Request extends FastifyRequest<any, any, any, any, infer TypeProvider, any, any, any>
    ? SessionOf<TypeProvider, Required & (IsAny<TypeProvider> extends true ? unknown : 'session:requires' extends keyof TypeProvider ? NonNullable<RequiredBy<TypeProvider>> : unknown)>
    : Registered<'session', Required>

/** `{ adminSession: … }` in a route's `config`. */
export type NamedRouteOptions = { readonly [K in keyof NamedSessions]?: RouteSessionOptions | undefined }

/** `app.adminSessions`. */
export type NamedInstances = {
  readonly [K in keyof NamedSessions as `${K}s`]: Sessions<Register[K] extends infer S extends SessionSchema ? SessionData<S> : never>
}

declare module 'fastify' {
  interface FastifyRequest extends NamedSessions {
    /** The session of this request, typed by the schema. */
    session: SessionOfRequest<this, this['routeOptions']['config']['session:requires']>
  }
  interface FastifyInstance extends NamedInstances {
    /** Everything about sessions that is not one request's business. */
    readonly sessions: Sessions<SessionData<RegisteredSchema>>
  }
  interface FastifyContextConfig extends NamedRouteOptions {
    /** `false`: leave the session alone on this route. */
    session?: RouteSessionOptions | undefined
    /** Types only: what `requireSession` narrows `request.session` by. */
    readonly 'session:requires'?: unknown
  }
}
