import type { Place } from '../backends/place.js'
import { MAX_AGE } from '../options/cookie-options.js'
import type { Settings } from '../options/options.js'
import type { Times } from '../record/record.js'
import { askTimeouts, inForce } from '../record/timeouts.js'
import type { Data } from '../session/merge.js'
import type { Runtime } from './runtime.js'

/** A save, as far as its times are concerned. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The time of use to be kept. */
  readonly usedAt: number
  readonly changed: boolean
  /** Is it a change of privilege: another value of a `rotateOn` key, another subject, or `reauthenticated()`? */
  readonly privileged: boolean
  /** Has somebody just proved who they are, by `reauthenticated()`? */
  readonly proved: boolean
  /** Why it gets a new id; `null`: it does not. */
  readonly rotate: Reason | null
}

export type Reason = 'requested' | 'privilege' | 'periodic'

/** The times of the record to be kept with `data`. `persist`: the wish, or `undefined`. Throws `InvalidData` where a timeout function gives no timeout. */
export function makeTimes (
  { place, data: was }: { readonly place: Place | null, readonly data: Data }, moment: Moment, persist: boolean | undefined, data: Data, runtime: Pick<Runtime, 'codec' | 'settings'>
): Times {
  const { now, usedAt, rotate, privileged, proved, changed } = moment
  const before = place?.record.times
  const { settings } = runtime
  const provedAt = before?.authenticatedAt ?? 0
  return {
    version: changed || before === undefined ? settings.version : before.version,
    createdAt: before?.createdAt ?? now,
    usedAt,
    authenticatedAt: proved ? now : privileged || before === undefined ? authenticatedAt(runtime, was, data, provedAt, now) : provedAt,
    rotatedAt: rotate !== null || before === undefined ? now : before.rotatedAt,
    persist: persist ?? before?.persist ?? null,
    // An old cookie leads to the id that the session had, and to no other.
    adoptedUntil: rotate === null ? before?.adoptedUntil ?? 0 : 0,
    ...askTimeouts(data, settings)
  }
}

/**
 * The time of use to be kept at `now`. `counts`: is the request a use? `judgedAt`: when the session was found to be live; if its idle
 * deadline has passed since then, that was the use.
 */
export function timeOfUse (place: Place | null, counts: boolean, judgedAt: number, now: number, { idle }: Settings): number {
  if (place === null) return now
  if (!counts) return place.usedAt
  return now < place.usedAt + inForce(place.record.times.idle, idle) ? now : Math.max(place.usedAt, judgedAt)
}

/** Is it time to move the idle deadline? At once where a timeout has become a function of the data that nobody has asked yet. */
export function isTouchDue ({ record: { times }, usedAt }: Place, { idle, absolute, touchAfter }: Settings, now: number): boolean {
  if ((idle.ask !== null && times.idle === 0) || (absolute.ask !== null && times.absolute === 0)) return true
  return now - usedAt >= (idle.ask === null ? touchAfter : Math.min(touchAfter, inForce(times.idle, idle) / 10))
}

/** When somebody last proved who they are, now that `was` has become `data`. The step from nobody to somebody is a proof; another person's is none. */
function authenticatedAt (runtime: Pick<Runtime, 'codec' | 'settings'>, was: Data, data: Data, before: number, now: number): number {
  if (!signedIn(runtime, data)) return 0
  if (!signedIn(runtime, was)) return now
  return isSamePerson(runtime, was, data) ? before : 0
}

/** Is it somebody's: is there a subject, or without that option, has the first `rotateOn` key another value than in a new session? */
export function signedIn ({ codec, settings: { rotateOn: [key], subject } }: Pick<Runtime, 'codec' | 'settings'>, data: Data): boolean {
  if (subject !== null) return subject({ ...data }) !== undefined
  if (key === undefined || data[key] === undefined || data[key] === null) return false
  const initial = codec.initial()
  return codec.differs(initial, { ...initial, [key]: data[key] })
}

function isSamePerson ({ codec, settings: { rotateOn: [key], subject } }: Pick<Runtime, 'codec' | 'settings'>, was: Data, data: Data): boolean {
  if (subject !== null) return subject({ ...was }) === subject({ ...data })
  return !codec.differs(was, { ...was, [key as string]: data[key as string] })
}

/** Until when a browser is to keep the cookie: as long as the session can last. `null`: until it is closed. */
export function cookieUntil (times: Times, { cookie, absolute }: Pick<Settings, 'cookie' | 'absolute'>): number | null {
  return times.persist ?? cookie.persistent ? times.createdAt + inForce(times.absolute, absolute) : null
}

/** The cookie's `Max-Age`, in seconds; `null`: it ends with the browser. */
export function cookieMaxAge (times: Times, settings: Pick<Settings, 'cookie' | 'absolute'>, now: number): number | null {
  const until = cookieUntil(times, settings)
  return until === null ? null : Math.min(MAX_AGE, Math.ceil((until - now) / 1000))
}

/** When a new session with these data would end that is kept `now`. Throws what {@link makeTimes} throws. */
export function deadlineOfNew (data: Data, settings: Settings, now: number): number {
  const { idle, absolute } = askTimeouts(data, settings)
  return Math.floor(now + Math.min(inForce(idle, settings.idle), inForce(absolute, settings.absolute)))
}
