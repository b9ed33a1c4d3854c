import type { Draft, Place } from '../backends/place.js'
import { describe } from './describe.js'
import type { Data } from '../session/merge.js'
import type { Plan } from './plan.js'
import type { Card, Times } from '../record/record.js'
import { askTimeouts, deadline, inForce } from '../record/timeouts.js'
import { MAX_AGE } from '../options/cookie-options.js'
import type { Settings } from '../options/options.js'
import type { Runtime } from './runtime.js'
import type { Visit } from './visit.js'

/** What is to be kept of `work`. Throws what the codec throws for data that do not satisfy the schema, or `InvalidData` of a timeout. */
export function makeDraft (visit: Visit, plan: Plan, work: Data): Draft {
  const { runtime: { codec, settings }, place, base } = visit
  const written = plan.changed || place === null
  const stored = written ? codec.keep(work) : place.record.found as Draft['stored']
  const data = written ? work : base
  const times = makeTimes({ place, data: base }, plan, visit.remember, data, visit.runtime)
  const subject = settings.subject?.({ ...data })
  const card = subject === undefined ? null : makeCard(visit, plan, place)
  return { times, stored, subject, card, expiresAt: deadline(times, times.usedAt, settings) }
}

/** What is said of a session that lists show. It is described when somebody signs in. */
function makeCard (visit: Visit, { moving, privileged }: Plan, place: Place | null): Card | null {
  const about = place === null || privileged ? describe(visit) : place.record.card?.about ?? null
  const from = place === null || moving === null ? null : place.key
  return about === null && from === null ? null : { about, from }
}

/** What the session was found as. */
interface Before { readonly place: Place | null, readonly data: Data }

/** The times of the record to be kept with `data`. `persist`: what was asked, `undefined` if nothing was. Throws `InvalidData` where a timeout that is a function of the data gives none. */
export function makeTimes (
  { place, data: was }: Before, plan: Plan, persist: boolean | undefined, data: Data, runtime: Pick<Runtime, 'codec' | 'settings'>
): Times {
  const { now, usedAt, moving, privileged, proved, changed } = plan
  const before = place?.record.times
  const { settings } = runtime
  const provedAt = before?.authenticatedAt ?? 0
  return {
    version: changed || before === undefined ? settings.version : before.version,
    createdAt: before?.createdAt ?? now,
    usedAt,
    authenticatedAt: proved ? now : privileged || before === undefined ? authenticatedAt(runtime, was, data, provedAt, now) : provedAt,
    rotatedAt: moving !== null || before === undefined ? now : before.rotatedAt,
    persist: persist ?? before?.persist ?? null,
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

/** When somebody last proved who they are, now that what `was` is `data`: at the step from nobody to somebody; of anybody else, never. */
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
