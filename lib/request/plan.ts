import { isKept } from '../backends/place.js'
import { NotBegun } from '../errors.js'
import { isCacheable } from '../http/headers.js'
import { hasForeignCookie } from '../http/set-cookie.js'
import type { Codec } from '../schema/codec.js'
import type { Data } from '../session/merge.js'
import { NO_WISH } from './standing.js'
import { isTouchDue, type Moment, timeOfUse } from './times.js'
import type { Visit } from './visit.js'

export type Change = (data: Data) => Data | void | Promise<Data | void>

/** Why a session is saved now. */
export interface Why {
  /** The response is about to leave; else the handler asked for it. */
  readonly response: boolean
  /** The response is an error (5xx). */
  readonly failed: boolean
  /** `update()`: run on the latest data before each attempt. */
  readonly change?: Change
}

/** The facts about a session when it is to be saved. */
export interface Facts {
  /** Is there a record that `destroy` has ended, and that is still kept? */
  readonly ended: boolean
  /** Does it stand on a record, or is it a new session? */
  readonly stored: boolean
  /** Would it be stored differently than it was found? */
  readonly changed: boolean
  /** Is it to get a new id: asked for, a change of privilege, or due? */
  readonly rotate: boolean
  /** Is it time to move the idle deadline? */
  readonly touchDue: boolean
  /** Was its token made with an older secret than the newest? */
  readonly stale: boolean
  /** Is the response an error (5xx)? Then the session stays as it was found. */
  readonly failed: boolean
  /** Would a cookie harm the response? Then work that is only due by time is put off. */
  readonly deferred: boolean
}

/** The decision. */
export type Action = 'nothing' | 'create' | 'replace' | 'touch' | 'rotate' | 'end'

/** Decides what happens to a session when the response leaves. After an `end` it is asked again, for the session that is left. */
export function decide (facts: Facts): Action {
  if (facts.ended) return 'end'
  const changed = facts.changed && !facts.failed
  if (!facts.stored) return changed ? 'create' : 'nothing'
  if (facts.rotate) return 'rotate'
  if (changed) return 'replace'
  if (facts.failed || facts.deferred) return 'nothing'
  return facts.touchDue || facts.stale ? 'touch' : 'nothing'
}

/** The work of one attempt to save. */
export interface Plan extends Moment {
  readonly action: Action
  readonly touchDue: boolean
}

/** `work`: the data to be kept. Throws `NotBegun` where the handler saves a new session on a route that may not begin one. */
export function planFor (visit: Visit, work: Data, why: Why): Plan {
  const { standing: { place, data, judgedAt, upgraded }, wish, exchange, runtime: { settings, codec, backend } } = visit
  const { failed } = why
  const now = Date.now()
  const stored = place !== null
  // A session reached through a tombstone has no id of its own here, and gets no token. So work that is only worth a token is not due.
  const attached = stored && place.raw !== null
  const counts = wish.touch || exchange.route?.touch !== false
  const touchDue = attached ? wish.touch || (counts && isTouchDue(place, settings, now)) : stored && wish.touch && !backend.selfContained
  const stale = attached && place.stale
  const rotationDue = attached && !failed && settings.rotateEvery > 0 && now - place.record.times.rotatedAt >= settings.rotateEvery
  const unwritten = upgraded || (stored && !isKept(place))
  const deferred = (touchDue || stale || rotationDue || unwritten) && why.response && mayWait(visit)
  const changed = codec.differs(data, work) || (!failed && ((unwritten && !deferred) || remembers(visit)))
  const proved = wish.reauthenticated && !failed
  const privileged = proved || (changed && gainsPrivilege(visit, work))
  const periodic = rotationDue && !deferred && exchange.canSetCookie
  const rotate = !stored ? null : privileged ? 'privilege' : wish.rotate ? 'requested' : periodic ? 'periodic' : null
  const action = decide({
    ended: visit.ending !== null && visit.ending !== 'elsewhere', stored, changed, rotate: rotate !== null, touchDue, stale, failed, deferred
  })
  const plan: Plan = { action, now, usedAt: timeOfUse(place, counts, judgedAt, now, settings), changed, privileged, proved, touchDue, rotate }
  return action === 'create' && !mayBegin(visit, why) ? { ...plan, action: 'nothing', changed: false } : plan
}

/** The session's data; of a failed request the data as they were found, without those that `regenerate()` drops. */
export function dataToKeep ({ data: now, standing: { data }, wish: { keep }, runtime: { codec } }: Visit, { failed }: Why): Data {
  if (!failed) return now
  if (keep === null) return data
  return { ...codec.initial(), ...Object.fromEntries(Object.entries(data).filter(([key]) => keep.has(key))) }
}

/** Has anybody asked for a save, or is it only due by time, by a newer secret or by a newer version? */
export function isAsked (visit: Visit): boolean {
  return visit.wish !== NO_WISH || visit.ending !== null || visit.runtime.codec.differs(visit.standing.data, visit.data)
}

/** A cookie would harm a response that shared caches may keep, or that has the cookie of an application behind a gateway. */
function mayWait ({ exchange, runtime: { cookies } }: Visit): boolean {
  return isCacheable(exchange.reply) || hasForeignCookie(exchange, cookies)
}

function mayBegin ({ exchange: { request, route } }: Visit, { response }: Why): boolean {
  if (route?.begin !== false) return true
  if (!response) throw new NotBegun()
  request.log.debug('changes of a new session were dropped: its route begins none')
  return false
}

function remembers ({ place, wish: { persist } }: Visit): boolean {
  return place !== null && persist !== undefined && persist !== place.record.times.persist
}

/** Has a `rotateOn` key changed, or whose session it is? */
function gainsPrivilege ({ standing: { data }, runtime: { settings, codec } }: Visit, work: Data): boolean {
  if (settings.rotateOn.some((key) => !sameValue(codec, data, key, data[key], work[key]))) return true
  try {
    return settings.subject !== null && settings.subject({ ...data }) !== settings.subject({ ...work })
  } catch {
    // Nobody has validated these data yet: that comes next, and says what is wrong with them.
    return true
  }
}

/** Are two values of one key stored alike, beside `others`? */
export function sameValue (codec: Codec, others: Data, key: string, a: unknown, b: unknown): boolean {
  return Object.is(a, b) || !codec.differs({ ...others, [key]: a }, { ...others, [key]: b })
}
