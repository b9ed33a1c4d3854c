import { after, type Answer } from '../async/answer.js'
import { type Draft, ENDED, type Id, isKept, type Overtaken, type Place, type Saved } from '../backends/place.js'
import { Conflict, Ended, HeadersSent, Moved, NewerVersion, StoreFailed } from '../errors.js'
import { publicHandle } from '../tokens/public-id.js'
import { deadline } from '../record/timeouts.js'
import { cookieMaxAge, cookieUntil, type Reason } from './times.js'
import { end as endPlace, endAsked } from './ending.js'
import type { Plan } from './plan.js'
import { emit, isHeard } from './runtime.js'
import { withRoomFor } from './session-limit.js'
import type { Visit } from './visit.js'
import type { WorkingCopy } from './working-copy.js'

const MAX_COLLISIONS = 3
/** Where `@fastify/csrf-protection` keeps its secret. One that was planted before a sign-in must be nothing after it (CVE-2022-24895). */
const CSRF_SECRET = '_csrf'

/** A new session gets a record and its first id. */
export function create (work: WorkingCopy, plan: Plan): Answer<null> {
  const { visit } = work
  visit.assertFree()
  assertCookie(visit)
  const draft = work.draft(plan)
  const creating = withRoomFor(work, draft.subject, () => createRecord(work, draft, () => visit.freshId(), () => visit.forgetFreshId()))
  return after(creating, (saved) => {
    finish(work, plan, saved)
    emitSaved(work, 'onCreate')
    emitSaved(work, 'onSave')
    return null
  })
}

/** The same id, other data: compare and set. An adopted session is set where there was nothing. */
export function replace (work: WorkingCopy, plan: Plan, place: Place): Answer<Overtaken | null> {
  const { visit, visit: { exchange, runtime: { backend, settings } } } = work
  if (backend.selfContained) assertCookie(visit)
  assertVersion(visit, plan, place)
  const draft = work.draft(plan)
  if (draft.expiresAt <= plan.now) return over(work, plan, place)
  const lasts = cookieUntil(draft.times, settings) !== cookieUntil(place.record.times, settings)
  const reissue = exchange.canSetCookie && (plan.touchDue || place.stale || lasts)
  return after(withRoomFor(work, draft.subject, () => backend.replace(place, draft, reissue, work)), (outcome) => {
    if (outcome === ENDED) return endedElsewhere(work, 'ended-elsewhere')
    if ('latest' in outcome) return outcome
    finish(work, plan, outcome)
    if (outcome.created) emitSaved(work, 'onCreate')
    emitSaved(work, 'onSave')
    return null
  })
}

/** The same record, a later deadline. */
export function touch (work: WorkingCopy, plan: Plan, place: Place): Answer<Overtaken | null> {
  const { exchange, runtime: { backend } } = work.visit
  if (!exchange.canSetCookie) return backend.selfContained ? null : replace(work, plan, place)
  const draft = work.draft(plan)
  if (draft.expiresAt <= plan.now) return over(work, plan, place)
  return after(backend.touch(place, draft, work), (outcome) => outcome === ENDED ? endedElsewhere(work, 'ended-elsewhere') : finish(work, plan, outcome))
}

/** A new id: the new record, then a tombstone in the place of the old one, then the cookie. */
export async function rotate (work: WorkingCopy, due: Plan, place: Place): Promise<Overtaken | null> {
  const { visit, visit: { runtime: { backend } } } = work
  // Reached by an old token, or moved meanwhile: rotating again would end a token that the browser has just been given.
  if (place.raw === null) throw new Moved()
  assertCookie(visit)
  assertVersion(visit, due, place)
  const next = backend.newId()
  const previousId = visit.handle()
  const plan = await beforeRotation(work, due, next, previousId)
  if (plan === null) return null
  const draft = work.draft(plan)
  if (draft.expiresAt <= plan.now) return await over(work, plan, place)
  const { successor, outcome } = await withRoomFor(work, draft.subject, async () => {
    const successor = await createRecord(work, draft, () => next, () => Object.assign(next, backend.newId()))
    return { successor, outcome: await supersede(work, place, successor.place, plan.rotate !== 'periodic', plan.now) }
  })
  if (outcome === ENDED) return endedElsewhere(work, 'ended-elsewhere')
  if (outcome !== 'done') return outcome
  finish(work, plan, successor)
  const reason = plan.rotate as Reason
  if (!isKept(place)) emitSaved(work, 'onCreate')
  emit(visit.runtime, 'onRotate', () => ({ request: visit.exchange.request, id: publicHandle(next.key), previousId, reason }), () => work.copy())
  if (plan.changed) emitSaved(work, 'onSave')
  return null
}

/** Takes the CSRF secret away, runs the hooks, and returns the plan for the data that result. `null`: the session was destroyed meanwhile. */
async function beforeRotation (work: WorkingCopy, plan: Plan, { key }: Id, previousId: string): Promise<Plan | null> {
  const { why, visit: { exchange: { request }, runtime: { hooks, settings } } } = work
  const reason = plan.rotate as Reason
  const forget = reason !== 'periodic' && Object.hasOwn(work.data, CSRF_SECRET)
  if (why.failed || !(forget || hooks.has('preRotate'))) return plan
  await work.amend(async (data) => {
    if (forget) delete data[CSRF_SECRET]
    await hooks.before('preRotate', { request, id: publicHandle(key), previousId, reason, data }, settings.storeTimeout)
  })
  if (work.destroyed) return null
  const amended = work.plan()
  return { ...amended, action: 'rotate', rotate: amended.privileged ? 'privilege' : reason }
}

/** Ends the session that the request has destroyed, and removes its cookie. */
export async function end (work: WorkingCopy): Promise<void> {
  const { visit, visit: { ending, exchange, runtime } } = work
  if (ending !== null && ending !== 'elsewhere') await endAsked(runtime, ending.asked, exchange, work)
  visit.ended()
}

/** The session stands on what was kept, and the browser is told. */
export function finish (work: WorkingCopy, plan: Plan, saved: Saved | null): null {
  const { visit, visit: { exchange, runtime } } = work
  if (work.destroyed) {
    if (saved !== null) visit.endToo(saved.place)
    return null
  }
  if (saved !== null && saved.token !== null) exchange.setCookie(runtime.cookies.set(saved.token, cookieMaxAge(saved.place.record.times, runtime.settings, plan.now)))
  work.settle(plan, saved)
  return null
}

function endedElsewhere ({ destroyed, visit, why }: WorkingCopy, reason: 'ended-elsewhere' | 'expired' | null): null {
  if (destroyed) return null
  visit.endedElsewhere(reason)
  if (!why.response) throw new Ended()
  return null
}

/** The session has expired: since it was loaded, or by a shorter answer of a timeout function. */
function over (work: WorkingCopy, plan: Plan, place: Place): Answer<null> {
  const { visit: { exchange: { request }, runtime: { settings } } } = work
  if (plan.now < deadline(place.record.times, place.usedAt, settings)) return outlive(work, place)
  if (plan.changed) request.log.warn({ session: settings.name }, 'session not saved: it expired before the request was done')
  return endedElsewhere(work, 'expired')
}

async function outlive (work: WorkingCopy, place: Place): Promise<null> {
  await endPlace(work.visit.runtime, place, work.visit.exchange.request, work)
  return endedElsewhere(work, null)
}

/** Keeps a record under an id that is not taken. `another` makes the next id to try. */
function createRecord (work: WorkingCopy, draft: Draft, id: () => Id, another: () => void, tries = MAX_COLLISIONS): Answer<Saved> {
  if (tries === 0) throw new Conflict()
  const { visit } = work
  const own = id()
  const creating = visit.runtime.backend.create(own, draft, work)
  // It may have been kept although there was no answer, and nobody has its token.
  if (creating instanceof Promise) creating.catch((error) => { if (error instanceof StoreFailed) discard(visit, own) })
  return after(creating, (saved) => {
    if (saved !== null) return saved
    another()
    return createRecord(work, draft, id, another, tries - 1)
  })
}

/** Lets the old id end in favour of the successor. If the old id cannot end, nothing stays under the new one. */
async function supersede (work: WorkingCopy, place: Place, successor: Place, final: boolean, now: number): Promise<'done' | Overtaken | typeof ENDED> {
  const { visit, visit: { runtime: { backend, sockets } } } = work
  let outcome: 'done' | Overtaken | typeof ENDED
  try {
    outcome = await backend.supersede(place, successor, final, now, work)
  } catch (error) {
    // Not waited for: the store may not answer this either.
    discard(visit, successor)
    throw error
  }
  if (outcome === 'done') sockets.check(place.key)
  else await backend.discard(successor)
  return outcome
}

async function discard ({ runtime, exchange }: Visit, place: Pick<Place, 'key'>): Promise<void> {
  try {
    await runtime.backend.discard(place)
  } catch (error) {
    // The failure that led here is in the log already.
    exchange.request.log.debug({ err: error }, 'a session record could not be removed; nobody has a token of it')
  }
}

function assertCookie ({ exchange }: Visit): void {
  if (!exchange.canSetCookie) throw new HeadersSent()
}

function assertVersion ({ runtime: { settings } }: Visit, plan: Plan, place: Place): void {
  if (plan.changed && place.record.times.version > settings.version) throw new NewerVersion()
}

function emitSaved (work: WorkingCopy, name: 'onCreate' | 'onSave'): void {
  // A hook before this one may have ended it.
  const { visit, visit: { runtime } } = work
  if (work.destroyed || !isHeard(runtime, name)) return
  emit(runtime, name, () => ({ request: visit.exchange.request, id: visit.handle(), ...(name === 'onSave' && { isNew: work.isNew, keys: work.changedKeys() }) }), () => work.copy())
}
