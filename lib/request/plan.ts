import type { Overtaken } from '../backends/place.js'
import { type Action, decide } from './decision.js'
import type { Data } from '../session/merge.js'
import { isTouchDue, timeOfUse } from './draft.js'
import type { Change, Visit } from './visit.js'

export interface Circumstances {
  /** The response is about to leave. Absent: the handler asked for the save. */
  readonly response?: {
    /** It is an error (5xx). */
    readonly failed: boolean
    /** May shared caches keep it, or has somebody else put a cookie of this session on it? What is only due can wait. */
    readonly deferrable: () => boolean
  }
  /** `update()`: run on the latest data before each attempt. */
  readonly change?: Change
}

export type Reason = 'requested' | 'privilege' | 'periodic'

/** What one attempt to save is going to do. */
export interface Plan {
  readonly action: Action
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The time of use to be kept. */
  readonly usedAt: number
  readonly changed: boolean
  /** Is it a change of privilege: another value of a `rotateOn` key, another subject, or `reauthenticated()`? */
  readonly privileged: boolean
  /** Has somebody just proved who they are, by `reauthenticated()`? */
  readonly proved: boolean
  readonly touchDue: boolean
  readonly moving: Reason | null
}

/** `work`: the data to be kept. `landed`: how the session has moved since the save began. */
export function assess (visit: Visit, work: Data, { response }: Circumstances, landed: Overtaken['moved'] = 'no'): Plan {
  const { place, runtime: { settings, codec, backend } } = visit
  const now = Date.now()
  const stored = place !== null
  const failed = response?.failed ?? false
  const deferrable = () => response?.deferrable() ?? false
  const remembers = stored && visit.remember !== undefined && visit.remember !== place.record.times.persist
  // Lifting an old record can wait, as a touch can.
  const changed = !failed && ((visit.upgraded && !deferrable()) || remembers || codec.differs(visit.base, work))
  const proved = visit.reauthenticated && !failed && landed !== 'final'
  const privileged = proved || (changed && gainsPrivilege(visit, work))
  // Without an id of its own (reached through a tombstone) it gets no token, so nothing that is only worth a token is due.
  const attached = stored && place.raw !== null
  const rotationDue = attached && !failed && settings.rotateEvery > 0 &&
    now - place.record.times.rotatedAt >= settings.rotateEvery && !deferrable() && canSendCookie(visit)
  const requested = visit.rotation && landed !== 'final'
  const moving = !stored ? null : privileged ? 'privilege' : requested ? 'requested' : rotationDue ? 'periodic' : null
  // A store's own deadline can be moved without a token, where somebody asks for that.
  const touchDue = attached ? visit.touched || isTouchDue(place, settings, now) : stored && visit.touched && !backend.selfContained
  const stale = attached && place.stale
  const action = decide({
    ended: visit.ended !== null,
    stored,
    changed,
    moving: moving !== null,
    touchDue,
    stale,
    failed,
    deferrable: (touchDue || stale) && deferrable()
  })
  return { action, now, usedAt: timeOfUse(place, true, now, now, settings), changed, privileged, proved, touchDue, moving }
}

/** Has a `rotateOn` key changed, or whose session it is? */
function gainsPrivilege (visit: Visit, work: Data): boolean {
  const { base, runtime: { settings } } = visit
  if (settings.rotateOn.some((key) => !sameValue(visit, key, base[key], work[key]))) return true
  try {
    return settings.subject !== null && settings.subject({ ...base }) !== settings.subject({ ...work })
  } catch {
    // Nobody has validated these data yet: that comes next, and says what is wrong with them.
    return true
  }
}

/** Are two values of one key stored alike? */
export function sameValue ({ base, runtime: { codec } }: Visit, key: string, a: unknown, b: unknown): boolean {
  return Object.is(a, b) || !codec.differs({ ...base, [key]: a }, { ...base, [key]: b })
}

/** Can a cookie still be set? Not once the head has left or is fixed, the client has gone, or the connection is a socket. */
export function canSendCookie (visit: Visit): boolean {
  const { request, reply, closed } = visit
  return closed === null && !reply.raw.headersSent && !hasGone(visit) && !(reply.sent && request.headers.upgrade !== undefined)
}

/** Has the client hung up? */
export function hasGone ({ reply: { raw } }: Visit): boolean {
  // An HTTP/2 response tells it of its stream only.
  return raw.destroyed || (raw as { stream?: { destroyed: boolean } }).stream?.destroyed === true
}

/** Is there no `onSend` to come that would save what happens now? */
export function hasLeft ({ reply, closed }: Visit): boolean {
  return closed !== null || reply.sent || reply.raw.headersSent
}
