import type { input } from 'zod/v4/core'
import type { FastifyRequest } from 'fastify'
import type { Adopter } from './adopt.js'
import type { SessionHooks } from './hooks.js'
import type { JsonObject } from './json.js'
import type { CheckSchema, SessionData, SessionSchema, StoredSession } from './session.js'
import type { SessionStore } from './store.js'

/** At least 32 random bytes: a `Buffer`, base64url or hex. `npx fastify-typed-session keygen` makes one. */
export type Secret = string | Uint8Array

/** One secret, or several, newest first: the first seals and signs, all open and verify. */
export type Secrets = Secret | readonly Secret[]

/** Attributes of the session cookie. Combinations that browsers reject are refused at `register`. */
export interface CookieOptions {
  /**
   * Default `__Host-Http-session` (for a named session `__Host-Http-<name>`). With a Domain, or without Path=/, it has the
   * prefix that still holds (`__Http-`), and none at all when `secure` is false.
   */
  name?: string | undefined
  /** Default `/`. */
  path?: string | undefined
  /** Default none: only the host that set it. */
  domain?: string | undefined
  /** Default `'lax'`. `'none'` needs `secure`. */
  sameSite?: 'lax' | 'strict' | 'none' | undefined
  /** Default `true`. `false` is for development over plain http and refused when `NODE_ENV` is `production`. */
  secure?: boolean | undefined
  /** Default `false`. Needs `secure`. */
  partitioned?: boolean | undefined
  /** Default none. */
  priority?: 'low' | 'medium' | 'high' | undefined
  /**
   * Does the cookie outlive the browser? Then it lasts as long as the session can, by its absolute timeout. Default `false`: it
   * ends with the browser. `session.persist()` decides for one session.
   */
  persistent?: boolean | undefined
}

/** A parallel request changed the same key. Return what is to be kept, at once. */
export type MergeResolver<Value> = (versions: { readonly base: Value, readonly theirs: Value, readonly ours: Value }) => Value

/** Lifts data as it was stored under one version to the next: changes its argument in place, or returns what replaces it. At once. */
export type Migration = (stored: Record<string, unknown>) => Record<string, unknown> | void

/** Seconds, or a synchronous function of the data that gives them. */
export type Timeout<S extends SessionSchema> = number | ((data: SessionData<S>) => number)

/** Values that are often given for a store, and what to write instead. */
interface AStore {
  readonly apply?: 'This makes a store: call it, as in store: memoryStore()'
  readonly sendCommand?: 'This is a client of Redis: write store: redisStore({ client })'
  readonly createSession?: 'This is a store for express-session: write store: connectStore(…), of fastify-typed-session/stores/connect'
}

/** A key whose value can say whose session it is: a text or a number. */
type KeyOfATextOrNumber<Data> = { [K in keyof Data & string]-?: Data[K] extends string | number | bigint | null | undefined ? K : never }[keyof Data & string]

/** The options that are the same however a session is declared. */
export interface CommonOptions<S extends SessionSchema> {
  /** The secrets, newest first, or a function that finds them and is asked again by `app.sessions.reloadSecrets()`. Required. */
  secret: Secrets | (() => Secrets | Promise<Secrets>)
  /** Where sessions are kept. Default: in the cookie itself. */
  store?: (AStore & SessionStore) | undefined
  /**
   * Tells applications apart that share secrets or a store. A token of one is nothing to the other, and none lists or ends
   * the other's sessions. Default `''`.
   */
  application?: string | undefined
  /** Attributes of the session cookie. */
  cookie?: CookieOptions | undefined
  /**
   * Seconds since the last use. Default one day. Or a synchronous function of the data that gives them. It is asked at least
   * whenever the session is written to or touched. Its answer is kept with the session, and cut to `absoluteTimeout`. No positive
   * number, or a throw, is `FST_TYPED_SESSION_INVALID_DATA`. Use is a request whose handler, guard or hook reads `request.session`.
   */
  idleTimeout?: Timeout<S> | undefined
  /** Seconds since the session began, or a function of the data as for `idleTimeout`. Default 30 days, at most 400. */
  absoluteTimeout?: Timeout<S> | undefined
  /** Both timeouts after NIST SP 800-63B-4: aal1 30 days, aal2 1 h / 24 h, aal3 15 min / 12 h (idle / absolute). Default none. */
  timeouts?: 'aal1' | 'aal2' | 'aal3' | undefined
  /** Seconds between two moves of the idle deadline. Default a tenth of `idleTimeout`. After a function's answer it is at most a tenth of that. */
  touchAfter?: number | undefined
  /** Keys whose change is a change of privilege: the id changes by itself and the old one is dead at once. Default `[]`. */
  rotateOn?: readonly (keyof SessionData<S> & string)[] | undefined
  /** Seconds between two periodic rotations. Default off. */
  rotateEvery?: number | undefined
  /** Seconds for which the old token still reads after a periodic rotation. Default 10. */
  rotationGrace?: number | undefined
  /**
   * Whose session it is: a key, or a function of the data. A change of it is a change of privilege, as of a key in `rotateOn`.
   * A store must be able to find sessions by it. Default none.
   */
  subject?: KeyOfATextOrNumber<SessionData<S>> | ((data: SessionData<S>) => string | undefined) | undefined
  /**
   * Describes a session in the list of its subject. Made from the request that signs in, for instance its user agent: a
   * JSON object of at most 2048 characters. Default nothing.
   */
  describe?: ((request: FastifyRequest) => JsonObject | undefined) | undefined
  /** Maximum live sessions of one subject. Needs `subject`, and in a cookie session `revocations`. Default no limit. */
  maxPerSubject?: number | undefined
  /** At a sign-in above the limit: end the session that signed in first, or refuse the new one with `FST_TYPED_SESSION_TOO_MANY`. Default `'evict-oldest'`. */
  overLimit?: 'evict-oldest' | 'refuse' | undefined
  /**
   * A store that lets sessions be ended from outside. For cookie sessions it keeps a small record of each live session, so
   * logging out is final and sessions can be listed. `revokeAll()` needs it, also beside a `store`. It has to be as durable as
   * the sessions: no `memoryStore()` beside a database. Without it a copy of a session cookie stays valid until it expires.
   * Default none.
   */
  revocations?: (AStore & SessionStore) | undefined
  /** Seconds for which the answer of `revocations` may be remembered. Default 0, which asks at every request. */
  revocationStaleness?: number | undefined
  /** Decides between two values when a parallel request changed the same key. Default: ours wins. */
  merge?: { readonly [K in keyof SessionData<S>]?: MergeResolver<SessionData<S>[K]> | undefined } | undefined
  /** The version of the schema, a whole number from 1 to 65535. Default 1. */
  version?: number | undefined
  /** `{ 1: (stored) => … }` lifts version 1 to version 2, and so on. Default none. */
  migrate?: { readonly [version: number]: Migration } | undefined
  /** Drops a record that fails the schema, or keeps the keys that validate. Default `'discard'`. */
  onInvalid?: 'discard' | 'salvage' | undefined
  /** Names and patterns of keys that plugins write outside the schema. Default `[]`. */
  undeclaredKeys?: readonly (string | RegExp)[] | undefined
  /** Seconds that the store may take for a load, a save or an end in all its calls, or a `pre…` hook. Default 2. */
  storeTimeout?: number | undefined
  /**
   * Bytes that a session may have in a store: more is `FST_TYPED_SESSION_TOO_LARGE`, and a bigger record is not read. Default 65536.
   */
  maxSize?: number | undefined
  /** Seconds between two sweeps of a store that does not forget by itself; jittered. `0`: never, call `app.sessions.sweep()`. Default 600. */
  sweepEvery?: number | undefined
  /** When the store fails to load: answer 503, or go on without a session that can be saved. Default `'fail'`. */
  onStoreError?: 'fail' | 'anonymous' | undefined
  /**
   * Sessions of the system that was here before, so that moving signs nobody out: see {@link Adopter}. Asked where a request
   * brings an old cookie and no session of ours. Default none.
   */
  adopt?: readonly Adopter<StoredSession<S>>[] | undefined
  /** See {@link SessionHooks}. Default none. */
  hooks?: SessionHooks<SessionData<S>> | undefined
}

/** Does the schema accept `{}`, or `undefined` through `.default()` or `.prefault()`? */
type AcceptsNothing<S extends SessionSchema> = undefined extends input<S> ? true : Record<never, never> extends input<S> ? true : false
/** The stored form of a new session, or a function that makes it. */
type Initial<S extends SessionSchema> = StoredSession<S> | (() => StoredSession<S>)

// Interfaces, not intersections, and these names, because of what the compiler says of a misspelt option and of none.
interface InitialIsFree<S extends SessionSchema> extends CommonOptions<S> {
  /** The stored form of a new session, or a function that makes it. Without it a new session is what the schema makes of `{}`. */
  initial?: Initial<S> | undefined
}
interface InitialIsNeeded<S extends SessionSchema> extends CommonOptions<S> {
  /** The stored form of a new session, or a function that makes it: needed because `{}` does not satisfy the schema. */
  initial: Initial<S>
}

interface OfRegister<S extends SessionSchema> {
  /** The shape of the session. Required. */
  schema: S & CheckSchema<S>
  /**
   * The request property. Default `'session'`. A second registration under another name is a second session. TypeScript expects
   * the schema of `session` in {@link Register} all the same, so declare a second one with `createSession`.
   */
  name?: string | undefined
}
interface OfCreateSession<Name extends string> {
  /** The request property. Default `'session'`. */
  name?: Name | undefined
}

interface PluginOptions<S extends SessionSchema> extends InitialIsFree<S>, OfRegister<S> {}
interface PluginOptionsWithInitialAsAKeyHasNoDefault<S extends SessionSchema> extends InitialIsNeeded<S>, OfRegister<S> {}
interface Options<S extends SessionSchema, Name extends string> extends InitialIsFree<S>, OfCreateSession<Name> {}
interface OptionsWithInitialAsAKeyHasNoDefault<S extends SessionSchema, Name extends string> extends InitialIsNeeded<S>, OfCreateSession<Name> {}

/** The options of `fastify.register(sessionPlugin, options)`. Every duration is in seconds; fractions are allowed. */
export type SessionOptions<S extends SessionSchema> =
  AcceptsNothing<S> extends true ? PluginOptions<S> : PluginOptionsWithInitialAsAKeyHasNoDefault<S>

/** The options of `createSession(schema, options)`. Every duration is in seconds; fractions are allowed. */
export type HandleOptions<S extends SessionSchema, Name extends string = 'session'> =
  AcceptsNothing<S> extends true ? Options<S, Name> : OptionsWithInitialAsAKeyHasNoDefault<S, Name>
