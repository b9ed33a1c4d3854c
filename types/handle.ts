import type {
  FastifyBaseLogger, FastifyContextConfig, FastifyInstance, FastifyPluginAsync, FastifyRequest, FastifyTypeProvider, FastifyTypeProviderDefault,
  RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerBase, RawServerDefault
} from 'fastify'
import type { WithRequirement, WithSession } from './fastify.js'
import type { CookieSource, OpenedSession, Sessions } from './instance.js'
import type { HandleOptions } from './options.js'
import type { SessionRequirement } from './route.js'
import type { CheckSchema, Register, Requirable, Session, SessionData, SessionSchema, SessionWith } from './session.js'

/** The part of a request that a handle needs; http2 and https requests have it too. */
export interface RequestLike { getDecorator<T> (name: string | symbol): T }

/** The part of a reply that a guard needs. */
export interface ReplyLike { redirect (url: string, code: number): unknown }

type NarrowedBy<R, Name extends string> =
  R extends { readonly routeOptions: { readonly config: { readonly [K in Name]: { readonly require: SessionRequirement<infer Required> } } } } ? Required : unknown

/** A plugin for `register`. It takes an instance of any version of Fastify, also where two are installed. */
export type SessionPlugin = (app: object, options: object, done: (error?: Error) => void) => void

/** One declared session: what `createSession` makes. `app.register(handle)` registers it. */
export interface SessionHandle<S extends SessionSchema, Name extends string = 'session'> extends SessionPlugin {
  /** The request property. */
  readonly name: Name
  /** The schema it was declared by: `typeof handle.schema` is what `Register` takes. */
  readonly schema: S
  /** The plugin, which the handle itself is as well. */
  readonly plugin: SessionPlugin
  /** The session of a request, typed whatever else is declared. */
  get<R extends RequestLike> (request: R): Session<SessionData<S>, NarrowedBy<R, Name>>
  /** `app.sessions` of this session. */
  sessions (app: { getDecorator<T> (name: string | symbol): T }): Sessions<SessionData<S>>
  /**
   * The session of a `Cookie` header, or of a request of Node or of the web, in a program that has no application of Fastify; `null` if
   * there is none. A copy: it counts as no use of the session. It reads as one more server would. Hooks and channels learn nothing of it,
   * and it neither adopts, sweeps, nor closes the store. Sessions that are bound to a device are `null`.
   *
   * The first call makes what it takes, and asks a `secret` function; another secret needs a new process. Rejects with the codes of
   * `register` for wrong options, and with `FST_TYPED_SESSION_STORE_FAILED`.
   */
  open (source: CookieSource | string | null | undefined): Promise<OpenedSession<SessionData<S>> | null>
  /** Types only: `type AdminSession = typeof admin.$infer`. */
  readonly $infer: Session<SessionData<S>>
}

// With `FastifyTypeProviderDefault & { … }` a route's typed hook (`preHandler: preHandlerHookHandler`) ends in TS2589, or in no
// memory. TypeScript 6 and 7 compare such instances without end. They do not when `validator` and `serializer`
// depend on the schema, as those of other providers do. Both are `unknown`, like Fastify's.
interface PlainProvider extends FastifyTypeProvider {
  readonly validator: this['schema'] extends string ? unknown : unknown
  readonly serializer: this['schema'] extends string ? unknown : unknown
}
/** Identical, not assignable: every provider is assignable to Fastify's own. */
type IsPlain<TypeProvider> =
  (<T>() => T extends TypeProvider ? 1 : 2) extends (<T>() => T extends FastifyTypeProviderDefault ? 1 : 2) ? true : false

/** A type provider that also carries the session of `S`. */
export type ProviderWith<TypeProvider extends FastifyTypeProvider, S extends SessionSchema> =
  (IsPlain<TypeProvider> extends true ? PlainProvider : TypeProvider) & WithSession<S>

/** A plugin whose requests carry the session of `S`. */
export type SessionPluginAsync<S extends SessionSchema, Options extends Record<string, any> = Record<never, never>,
  TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault> =
  FastifyPluginAsync<Options, RawServerDefault, ProviderWith<TypeProvider, S>>

/** The result of `withSession`: the same instance, its requests carrying the session of `S`. */
export type SessionInstance<Server extends RawServerBase, Request extends RawRequestDefaultExpression<Server>,
  Reply extends RawReplyDefaultExpression<Server>, Logger extends FastifyBaseLogger, TypeProvider extends FastifyTypeProvider,
  S extends SessionSchema> = FastifyInstance<Server, Request, Reply, Logger, ProviderWith<TypeProvider, S>>

/** Declares a session: its schema and its options, once, to be registered and read wherever the handle is imported. */
export type CreateSession = <S extends SessionSchema, const Name extends string = 'session'> (
  schema: S & CheckSchema<NoInfer<S>>,
  options: HandleOptions<S, Name>
) => SessionHandle<S, Name>

/**
 * Types an instance's requests by a handle. Returns the instance it was given. Its type provider carries the session, so call
 * `withTypeProvider()` before: it takes the place of what was there.
 */
export type WithSessionFunction = <S extends SessionSchema, Server extends RawServerBase, Request extends RawRequestDefaultExpression<Server>,
  Reply extends RawReplyDefaultExpression<Server>, Logger extends FastifyBaseLogger, TypeProvider extends FastifyTypeProvider> (
  app: FastifyInstance<Server, Request, Reply, Logger, TypeProvider>, session: SessionHandle<S>
) => SessionInstance<Server, Request, Reply, Logger, TypeProvider, S>

/** Under `Register`, a guard of another schema would let nobody in. */
type CheckRegistered<S> = Register extends { session: infer Registered }
  ? [S, Registered] extends [Registered, S] ? unknown : 'This is not the schema of session in Register: give that one, or a handle'
  : unknown

/** Options of a route that requires something of a session. */
export interface RequiringRoute<Name extends string, Required> {
  // Fastify infers a route's config from the rest beside its own part. If that rest is hidden, hooks of the same route that are
  // declared for any FastifyRequest come first. The config is then lost, with its part about the session.
  readonly config: FastifyContextConfig & { readonly [K in Name]: { readonly require: SessionRequirement<Required> } } &
    ('session' extends Name ? { readonly 'session:requires': Required } : unknown)
  readonly onRequest: (request: RequestLike, reply: ReplyLike) => Promise<void>
}

/** The last argument of `requireSession`. */
export interface GuardOptions<Session> {
  /** Asked where the requirement is met; anything but `true` is `FST_TYPED_SESSION_FORBIDDEN`, a 403. */
  readonly when?: ((session: Session, request: FastifyRequest) => boolean | Promise<boolean>) | undefined
  /**
   * The address of a sign-in page. Where the requirement is not met, GET and HEAD get a 303 to it instead of the 401. The page
   * finds the way back in its query: `returnPath(request.query.returnTo)`. One of more than 8 KiB is left out.
   */
  readonly redirectTo?: string | undefined
}

/**
 * Route options that let a request through only if its session is in one of the given states, or has something under each of
 * the given keys. States are those of a discriminated union. `null` and an empty text are nothing. Other requests get
 * `FST_TYPED_SESSION_REQUIRED`, a 401.
 * The handler sees the session narrowed accordingly.
 * `session`: a handle, or the schema of the session called `session`.
 *
 * ```ts
 * app.get('/me', requireSession(handle, 'user'), async (request) => request.session.userId)
 * app.post('/me', { ...requireSession(handle, 'user'), schema }, handler)
 * ```
 *
 * Several guards may be spread into one route: all of them hold. Hooks in the route's own `onRequest` run after them; to run one
 * before, list it: `{ ...guard, onRequest: [hook, guard.onRequest] }`.
 * The last argument may be {@link GuardOptions}: `requireSession(handle, 'user', { when: ({ level }) => level > 1, redirectTo: '/login' })`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for a value that is no state, and no key that may be absent. A guard of another
 * schema than the registered one is refused where the route is defined.
 */
export type RequireSession =
  <S extends SessionSchema, const R extends Requirable<SessionData<S>>, Name extends string = 'session'> (
    session: SessionHandle<S, Name> | (S & CheckRegistered<S>),
    ...required: readonly [R, ...Array<R | GuardOptions<Session<SessionData<S>, SessionWith<SessionData<S>, NoInfer<R>>>>>]
  ) => RequiringRoute<Name, SessionWith<SessionData<S>, R>>

/**
 * Guards every route of an instance, usually of a plugin, and narrows the session of its requests. Returns the instance it was
 * given. Throws `FST_TYPED_SESSION_INVALID_OPTION` for anything but a guard.
 *
 * ```ts
 * app.register(async (child) => {
 *   const account = withGuard(child, requireSession(schema, 'userId'))
 *   account.get('/me', async (request) => request.session.userId)
 * })
 * ```
 */
export type WithGuardFunction = <Required, Server extends RawServerBase, Request extends RawRequestDefaultExpression<Server>,
  Reply extends RawReplyDefaultExpression<Server>, Logger extends FastifyBaseLogger, TypeProvider extends FastifyTypeProvider> (
  app: FastifyInstance<Server, Request, Reply, Logger, TypeProvider>, guard: RequiringRoute<'session', Required>
) => FastifyInstance<Server, Request, Reply, Logger, (IsPlain<TypeProvider> extends true ? PlainProvider : TypeProvider) & WithRequirement<Required>>

/**
 * A hook that lets a request pass only if somebody has proved at most `seconds` ago who they are. The session's `authenticatedAt`
 * says when. `session.reauthenticated()` sets it, and so does a sign-in where `subject` or `rotateOn` say what that is. Other requests
 * get `FST_TYPED_SESSION_NOT_RECENT`, a 401, which an error handler can turn into a redirect. `session`: a handle or the name of one,
 * default `'session'`. Throws `FST_TYPED_SESSION_INVALID_OPTION` unless `seconds` is a number above 0. OWASP ASVS 5.0, 7.5.1.
 *
 * ```ts
 * app.post('/password', { ...requireSession(handle, 'user'), preHandler: requireRecent(300) }, handler)
 * ```
 */
export type RequireRecent = (seconds: number, session?: string | { readonly name: string }) => (request: RequestLike) => Promise<void>

/**
 * A hook that lets a request pass only if its session is bound to the device that it comes from
 * (`fastify-typed-session/device-bound`). Else `FST_TYPED_SESSION_UNBOUND`, a 401: the browser cannot do it, was not offered it, or
 * has only just been. `session`: a handle or the name of one, default `'session'`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for what is no session; the hook does where nothing binds sessions.
 *
 * ```ts
 * app.post('/transfer', { ...requireSession(handle, 'user'), preHandler: requireBound() }, handler)
 * ```
 */
export type RequireBound = (session?: string | { readonly name: string }) => (request: RequestLike) => Promise<void>
