import type { Draft, Place } from './backends/backend.js'
import type { Data } from './merge.js'
import type { Plan } from './plan.js'
import { deadline, type Times } from './record.js'
import type { Runtime } from './runtime.js'
import type { Visit } from './visit.js'

/** What is to be kept of `work`. Throws what the codec throws for data that do not satisfy the schema. */
export function makeDraft (visit: Visit, plan: Plan, work: Data): Draft {
  const { runtime: { codec, settings }, place } = visit
  const written = plan.changed || place === null
  const stored = written ? codec.encode(work) : place.record.found as Draft['stored']
  const times = makeTimes(visit, plan, work, place)
  const subject = settings.subject?.({ ...(written ? work : visit.base) })
  return { times, stored, subject, expiresAt: deadline(times, plan.now, settings) }
}

function makeTimes (visit: Visit, { now, moving, privileged, changed }: Plan, work: Data, place: Place | null): Times {
  const { runtime: { settings }, remember } = visit
  const before = place?.record.times
  return {
    version: changed || before === undefined ? settings.version : before.version,
    createdAt: before?.createdAt ?? now,
    savedAt: now,
    authenticatedAt: privileged || before === undefined ? authenticatedAt(visit.runtime, work, now) : before.authenticatedAt,
    rotatedAt: moving !== null || before === undefined ? now : before.rotatedAt,
    persist: remember ?? before?.persist ?? null
  }
}

/** `now` if a `rotateOn` key has a value, and another one than in a new session; else 0. */
export function authenticatedAt ({ codec, settings: { rotateOn } }: Pick<Runtime, 'codec' | 'settings'>, work: Data, now: number): number {
  const set = rotateOn.filter((key) => work[key] !== undefined && work[key] !== null)
  if (set.length === 0) return 0
  const initial = codec.initial()
  return set.some((key) => codec.differs(initial, { ...initial, [key]: work[key] })) ? now : 0
}

/** How long the cookie outlives the browser, in seconds; `null`: it does not. Never longer than the session. */
export function cookieMaxAge ({ runtime: { settings } }: Visit, times: Times, now: number): number | null {
  const seconds = times.persist ?? settings.cookie.persistent
  return seconds === 0 ? null : Math.ceil(Math.min(seconds, (times.createdAt + settings.absolute - now) / 1000))
}
