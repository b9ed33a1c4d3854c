import type { Draft, Place } from '../backends/place.js'
import { describe } from './describe.js'
import type { Data } from '../session/merge.js'
import type { Plan } from './plan.js'
import type { Card, Times } from '../record/record.js'
import { deadline } from '../record/timeouts.js'
import type { Runtime } from './runtime.js'
import type { Visit } from './visit.js'

/** What is to be kept of `work`. Throws what the codec throws for data that do not satisfy the schema. */
export function makeDraft (visit: Visit, plan: Plan, work: Data): Draft {
  const { runtime: { codec, settings }, place } = visit
  const written = plan.changed || place === null
  const stored = written ? codec.keep(work) : place.record.found as Draft['stored']
  const times = makeTimes(visit, plan, work, place)
  const subject = settings.subject?.({ ...(written ? work : visit.base) })
  const card = subject === undefined ? null : makeCard(visit, plan, place)
  return { times, stored, subject, card, expiresAt: deadline(times, plan.now, settings) }
}

/** What is said of a session that lists show. It is described when somebody signs in. */
function makeCard (visit: Visit, { moving, privileged }: Plan, place: Place | null): Card | null {
  const about = place === null || privileged ? describe(visit) : place.record.card?.about ?? null
  const from = place === null || moving === null ? null : place.key
  return about === null && from === null ? null : { about, from }
}

function makeTimes (visit: Visit, { now, moving, privileged, changed }: Plan, work: Data, place: Place | null): Times {
  const { runtime: { settings }, remember } = visit
  const before = place?.record.times
  return {
    version: changed || before === undefined ? settings.version : before.version,
    createdAt: before?.createdAt ?? now,
    savedAt: now,
    authenticatedAt: privileged || before === undefined ? authenticatedAt(visit, work, now) : before.authenticatedAt,
    rotatedAt: moving !== null || before === undefined ? now : before.rotatedAt,
    persist: remember ?? before?.persist ?? null
  }
}

/** `now` if the data say that somebody has signed in, or the application has just said so; else 0. */
function authenticatedAt ({ runtime, reauthenticated }: Visit, work: Data, now: number): number {
  return reauthenticated || signedIn(runtime, work) ? now : 0
}

/** Is it somebody's, or has a `rotateOn` key another value than in a new session? */
export function signedIn ({ codec, settings: { rotateOn, subject } }: Pick<Runtime, 'codec' | 'settings'>, work: Data): boolean {
  if (subject?.({ ...work }) !== undefined) return true
  const set = rotateOn.filter((key) => work[key] !== undefined && work[key] !== null)
  if (set.length === 0) return false
  const initial = codec.initial()
  return set.some((key) => codec.differs(initial, { ...initial, [key]: work[key] }))
}

/** How long the cookie outlives the browser, in seconds; `null`: it does not. Never longer than the session. */
export function cookieMaxAge ({ runtime: { settings } }: Visit, times: Times, now: number): number | null {
  const seconds = times.persist ?? settings.cookie.persistent
  return seconds === 0 ? null : Math.ceil(Math.min(seconds, (times.createdAt + settings.absolute - now) / 1000))
}
