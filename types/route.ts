/**
 * `{ session: … }` in a route's `config`, under the session's name. `false`: leave the session alone on this route.
 * (`object` because TypeScript would let `true` pass for an interface of optional members.)
 */
export type RouteSessionOptions = false | (RouteSessionSettings & object) | FalseOrAnObject

/** The settings of one route. */
export interface RouteSessionSettings {
  /** When the store fails to load. Default: the plugin's `onStoreError`. */
  readonly onStoreError?: 'fail' | 'anonymous' | undefined
  /**
   * `false`: the route uses a session that is there, but never begins one, as for a payment page's POST-back. Without a session
   * its changes are dropped, and `save()` and `update()` reject with `FST_TYPED_SESSION_NOT_BEGUN`. Default `true`.
   */
  readonly begin?: boolean | undefined
  /**
   * `false`: a request is no use of the session, as for a page that asks for news. Nothing moves its idle deadline, and what is
   * written keeps the time of the last use; only `session.touch()` counts. Default `true`.
   */
  readonly touch?: boolean | undefined
  /** Made by `requireSession`. */
  readonly require?: SessionRequirement<unknown> | undefined
}

/** Nothing is one: the compiler names it where `config` says `session: true`. */
interface FalseOrAnObject extends RouteSessionSettings { readonly 'false leaves the session alone, an object changes settings': never }

/** A requirement of a route, and the type of session that its handler therefore sees. */
export interface SessionRequirement<Required> {
  /** States of a discriminated union, of which one must hold; else keys, which must all be present. */
  readonly values: readonly (string | number | boolean)[]
  /** Does a session meet it? */
  readonly allows?: (data: Record<string, unknown>) => boolean
  /** Types only. */
  readonly $infer?: Required
}
