import type { $ZodType, $ZodTypeInternals, input, output } from 'zod/v4/core'
import type { BoundDevice } from './device-bound.js'
import type { OneWayMessage } from './checks/one-way.js'
import type { JsonObjectElseUseACodec, UnstorableMessage } from './checks/storable.js'

/**
 * A schema that can describe a session: the data in a handler (`z.output`) are an object. The stored form (`z.input`) must be
 * a JSON object, which {@link CheckStorable} says better than a bound could. Dates, bigints, maps and sets need a codec
 * (`fastify-typed-session/codecs`).
 */
export type SessionSchema = MadeByZObjectOfZod4
// The compiler names it for what is no schema, or one of Zod 3.
interface MadeByZObjectOfZod4 extends $ZodType<Record<string, unknown>, unknown> {
  _zod: $ZodTypeInternals<Record<string, unknown>, unknown>
}

type Simplify<T> = T extends unknown ? { [K in keyof T]: T[K] } : never
type KeysOfUnion<T> = T extends unknown ? keyof T : never
type IsUnion<T, U = T> = [T] extends [never] ? false : T extends unknown ? ([U] extends [T] ? false : true) : never
type IsLiteral<T> =
  [T] extends [string] ? (string extends T ? false : true)
    : [T] extends [number] ? (number extends T ? false : true)
        : [T] extends [boolean] ? (boolean extends T ? false : true) : false
type Lock<T, K extends PropertyKey> = T extends unknown
  ? Simplify<{ readonly [P in keyof T as P extends K ? P : never]: T[P] } & { [P in keyof T as P extends K ? never : P]: T[P] }>
  : never

/** The keys that tell the members of a union apart: in every member, literal, and of different values in each. */
export type Discriminants<T> = true extends IsUnion<T> ? DiscriminantOf<T, keyof T> : never
type DiscriminantOf<T, K extends keyof T> = K extends unknown ? (false extends TellsApart<T, K> ? never : K) : never
type TellsApart<T, K extends keyof T, U extends T = T> = T extends unknown
  ? IsLiteral<T[K]> extends true ? ([T[K] & Exclude<U, T>[K]] extends [never] ? true : false) : false
  : never

/** The data that handlers read and write. In a union the discriminant is read-only: move between states with `replace`. */
export type SessionData<S extends SessionSchema> =
  true extends IsUnion<output<S>> ? Lock<output<S>, Discriminants<output<S>>> : Simplify<output<S>>

/** The data that cookies and stores hold: plain JSON. */
export type StoredSession<S extends SessionSchema> = Simplify<NonNullable<input<S>>>

/** Any key of the data; in a union, a key of any member. */
export type SessionKey<Data> = Extract<KeysOfUnion<Data>, string>
/** The type of one key; in a union, of every member that has it, else `undefined`. */
export type SessionValue<Data, K extends PropertyKey> =
  Data extends unknown ? (K extends keyof Data ? Data[K] : undefined) : never

/** The keys that can be set one by one: all but the discriminant of a union. */
export type SettableKey<Data> = Exclude<SessionKey<Data>, Discriminants<Data>>
/** The values that a key can be set to; in a union, by any member that has it. */
export type SettableValue<Data, K extends PropertyKey> = Data extends unknown ? (K extends keyof Data ? Data[K] : never) : never

/** The keys that may be absent, and so may be removed. */
export type RemovableKey<Data> = Exclude<SessionKey<Data>, RequiredKey<Data>>
type RequiredKey<Data> = Data extends unknown
  ? { [K in keyof Data]-?: string extends K ? never : undefined extends Data[K] ? never : K }[keyof Data]
  : never
type NullableKey<Data> = Data extends unknown ? { [K in keyof Data & string]-?: null extends Data[K] ? K : never }[keyof Data & string] : never

/** The values that a route can require: a state of a discriminated union, else a key that may be absent or `null`. */
export type Requirable<Data> = [Discriminants<Data>] extends [never]
  ? RemovableKey<Data> | NullableKey<Data>
  : Extract<Data[Discriminants<Data>], string | number | boolean>

/** The data after a requirement: one of the states `R`, or every key of `R` present. Meant to be intersected with it. */
export type SessionWith<Data, R> = [Discriminants<Data>] extends [never]
  ? { [K in Extract<R, string>]: NonNullable<SettableValue<Data, K>> }
  : InState<Data, Discriminants<Data>, R>
type InState<Data, D extends PropertyKey, R> = Data extends unknown
  ? [Extract<R, Data[D & keyof Data]>] extends [never] ? never : { readonly [K in D & keyof Data]: Data[K] }
  : never

/** The member of the union that has the discriminant of `Next`; of what is no union: itself. */
type MemberOf<Data, Next> = Extract<Data, Pick<Next, Extract<keyof Next, Discriminants<Data>>>>
type KeysBeyond<Data, Next> = Next extends object ? Exclude<keyof Next, KeysOfUnion<MemberOf<Data, Next>>> : never
type NothingBeyond<Data, Next> = { readonly [K in KeysBeyond<Data, Next>]: NoSuchKey<K> }
type ReturnsNothingBeyond<Data, Next> = [KeysBeyond<Data, Next>] extends [never] ? unknown : NoSuchKey<KeysBeyond<Data, Next>>
/** A type that nothing has, so that the compiler names the key that the schema, or this state of it, does not have. */
interface NoSuchKey<Key> { readonly 'The session has no such key': Key }

/** Facts about the session and what can be done with it. They live on the prototype and never show up among the data. */
export interface SessionControls<Data, Required = unknown> {
  /** A public handle of this session: safe for logs and device lists, of no use as a credential. Changes on rotation. */
  readonly id: string
  /** `true` until the session is first saved. */
  readonly isNew: boolean
  /** When the session began. Rotation does not move it; the absolute timeout counts from here. */
  readonly createdAt: Date
  /** When it ends if nothing more happens: the earlier of the idle and the absolute deadline. */
  readonly expiresAt: Date
  /** When somebody proved who they are: by `reauthenticated()`, or as the `subject`, or without one the first `rotateOn` key, was set. Else `null`. */
  readonly authenticatedAt: Date | null
  /** The device that it is bound to; `null`: it is not bound, so whoever has a copy of its cookie can use it. */
  readonly device: BoundDevice | null

  /** The value of `key`. Own data only: an inherited name is `undefined`. */
  get<K extends SessionKey<Data>> (key: K): SessionValue<Data, K>
  /** Set `key`; `undefined` removes it. Throws `FST_TYPED_SESSION_RESERVED_KEY` for the name of a method. */
  set<K extends SettableKey<Data>> (key: K, value: SettableValue<Data, K>): void
  /** Is there a value under `key`? */
  has (key: SessionKey<Data>): boolean
  /** Remove `key`. Removing what is absent is no error. Returns whether there was something. */
  delete (key: RemovableKey<Data>): boolean
  /** Return the value of `key` and remove it: one-time messages, OAuth state. Never throws. */
  take<K extends RemovableKey<Data>> (key: K): SessionValue<Data, K>
  /** A copy of the data, without anything else. */
  data (): Data & Required

  /** Back to a new session's data; same id, same clocks. */
  clear (): void
  /** The whole data at once. In a union: move to another state and get the session narrowed to it. */
  replace<const Next extends Data> (next: Next & NothingBeyond<Data, Next>): MemberOf<Data, Next> & SessionControls<Data, MemberOf<Data, Next>>
  /**
   * Atomic read-modify-write. `change` gets the latest data, and may edit it in place or return new data. It runs again if
   * another request was faster, so it must not have side effects. Saved when the promise resolves (in a cookie session:
   * with the response).
   * Rejects with `FST_TYPED_SESSION_CONFLICT`, `FST_TYPED_SESSION_ENDED` (also by a `destroy()` meanwhile),
   * `FST_TYPED_SESSION_MOVED` (a change of privilege elsewhere), `FST_TYPED_SESSION_INVALID_DATA`, and inside a hook or another
   * `change` with `FST_TYPED_SESSION_REENTRANT`.
   */
  update<Next extends Data | void> (change: ((data: Data) => Next | Promise<Next>) & ReturnsNothingBeyond<Data, Next>): Promise<void>
  /** A new id for the same data, when the response is sent (or at `save()`); the old id is dead from then on. */
  rotate (): Promise<void>
  /** Call it when somebody has just proved again who they are: sets `authenticatedAt` to now, and changes the id as `rotate()` does. Prolongs nothing. */
  reauthenticated (): Promise<void>
  /** `rotate()`, keeping only the named keys, as far as they are there. A union goes back to the member it begins with: name keys of that one. */
  regenerate (keep?: ReadonlyArray<SessionKey<Data>>): Promise<void>
  /** End the session when the response is sent: gone from the store, cookie removed. */
  destroy (): Promise<void>
  /** Count this request as activity even if the session was not read. */
  touch (): void
  /**
   * Save now instead of when the response is sent: for streams, `reply.raw`, hijacked replies and sockets.
   * Rejects with `FST_TYPED_SESSION_HEADERS_SENT` if the cookie would have to change and the headers have left.
   */
  save (): Promise<void>
  /** Forget what this request changed and read the session again. */
  reload (): Promise<void>
  /** Remember me: the cookie outlives the browser (`false`: ends with it); kept with the session. Moves no timeout. Throws `FST_TYPED_SESSION_INVALID_OPTION`. */
  persist (on?: boolean): void
}

/** The type of `request.session`: the data, with what a route required of it, and the controls. */
export type Session<Data, Required = unknown> = Data & Required & SessionControls<Data, Required>

/** The session type of a schema: `type AppSession = InferSession<typeof schema>`. */
export type InferSession<S extends SessionSchema> = Session<SessionData<S>>

/** Names that a schema cannot use, because the session object has them. */
export type ReservedKey = keyof SessionControls<unknown>

/** Makes a schema that declares a reserved key a compile-time error that names the key. */
export type CheckReserved<S extends SessionSchema> = [DeclaredReservedKey<S>] extends [never]
  ? unknown
  : `The session has a member of its own named ${DeclaredReservedKey<S>}: choose another key`

/** Makes a schema that cannot be stored as JSON a compile-time error that names the path and the codec to use. */
export type CheckStorable<S extends SessionSchema> = [UnstorableMessage<input<S>>] extends [never] ? unknown : UnstorableMessage<input<S>>

/** Makes a schema with a transform, which cannot be encoded, a compile-time error that names the path. */
export type CheckBothWays<S extends SessionSchema> = [OneWayMessage<S>] extends [never] ? unknown : OneWayMessage<S>

/** An error message about a schema that cannot be used; `unknown`: it can. */
export type CheckSchema<S extends SessionSchema> = CheckReserved<S> extends string ? CheckReserved<S>
  : CheckStorable<S> extends string ? CheckStorable<S> : CheckBothWays<S>

type DeclaredReservedKey<S extends SessionSchema> = Extract<KeysOfUnion<output<S>>, ReservedKey>

/**
 * The schemas of this program's sessions, by request property. Fill it in once:
 *
 * ```ts
 * declare module 'fastify-typed-session' {
 *   interface Register { session: typeof schema }
 * }
 * ```
 */
export interface Register {}

/** The type of `request.session` while it cannot be typed: an error message that says what to do. */
export type NoSession<Remedy extends string> = { readonly [K in Remedy]: never }

/** The registered session under the name `K`. */
export type Registered<K extends string, Required = unknown> =
  K extends keyof Register
    ? Register[K] extends infer S extends SessionSchema
      ? CheckSchema<S> extends string ? NoSession<CheckSchema<S>> : Session<SessionData<S>, Required>
      : NoSession<'Its schema in Register must describe an object, and be given as typeof schema'>
    : NoSession<"Declare its schema: declare module 'fastify-typed-session' { interface Register { session: typeof schema } }. Or call withSession(app, handle), after withTypeProvider(). Or read it by handle.get(request)">

/** The sessions registered under other names than `session`. */
export type NamedSessions = { [K in Exclude<keyof Register, 'session'>]: Registered<K> }

/** The schema registered as `session`, or any that is JSON when stored. */
export type RegisteredSchema = Register extends { session: infer S extends SessionSchema } ? S : UnregisteredMadeByZObjectOfZod4

/** Nothing infers this one, so it can be checked by its bound only: `z.unknown()` needs an entry in {@link Register}. */
interface UnregisteredMadeByZObjectOfZod4 extends $ZodType<Record<string, unknown>, JsonObjectElseUseACodec | undefined> {
  _zod: $ZodTypeInternals<Record<string, unknown>, JsonObjectElseUseACodec | undefined>
}
