import { after, type Answer } from '../async/answer.js'
import { isKept, type Overtaken } from '../backends/place.js'
import { Conflict, Ended } from '../errors.js'
import { create, end, finish, replace, rotate, touch } from './actions.js'
import { letGo } from './adoption/old-session.js'
import { dataToKeep, type Plan, planFor, type Why } from './plan.js'
import type { Visit } from './visit.js'
import { WorkingCopy } from './working-copy.js'

/** Every lost race means that another request was saved, so this is only reached when that many save at once. */
const MAX_RACES = 100
/** Milliseconds that a save waits for others at most: an `update()` may be waiting for this very request. */
const PATIENCE = 50

/** Saves the session, if there is anything to save; at once where the backend needs no I/O. `false`: there was nothing. */
export function save (visit: Visit, why: Why): Answer<boolean> {
  // One after the other: two saves of one request would each take the other's changes for its own.
  if (visit.saving !== null) return visit.saving.then(() => save(visit, why))
  if (visit.ending === 'elsewhere') return why.response ? false : Promise.reject(new Ended())
  const plan = why.change === undefined ? planFor(visit, dataToKeep(visit, why), why) : null
  if (plan?.action === 'nothing') return false
  const started = start(new WorkingCopy(visit, why), plan)
  const running = visit.exchange.old === null ? started : after(started, () => letGo(visit))
  if (!(running instanceof Promise)) return true
  visit.busyWith(running)
  return running.then(() => true)
}

/** `plan`: as far as it is known before hooks and `update()` have run. */
function start (work: WorkingCopy, plan: Plan | null): Answer<void> {
  const { place, runtime: { turns } } = work.visit
  try {
    // Let requests that already lost a race go first, or newcomers would keep beating them.
    const others = place === null ? null : turns.others(place.key, PATIENCE)
    const running = others === null ? run(work, plan) : others.then(() => run(work, null))
    return running instanceof Promise ? running.catch((error: unknown) => failed(work, error)) : running
  } catch (error) {
    return failed(work, error)
  }
}

function failed (work: WorkingCopy, error: unknown): Promise<never> {
  work.giveUp(error)
  return Promise.reject(error)
}

function run (work: WorkingCopy, plan: Plan | null): Answer<void> {
  const prepared = work.isReady ? plan : prepare(work, plan)
  const first = after(prepared, (known) => attempt(work, known))
  return after(first, (overtaken) => overtaken === null ? undefined : race(work, overtaken))
}

/** Requests that lost a race for one session go on one by one, so that they do not lose it to each other again. */
async function race (work: WorkingCopy, overtaken: Overtaken): Promise<void> {
  await work.visit.runtime.turns.run(overtaken.latest.key, async () => {
    let next: Overtaken | null = overtaken
    for (let lost = 0; lost < MAX_RACES; lost++) {
      if (!work.rebase(next)) return
      next = await attempt(work, work.why.change === undefined ? null : await prepare(work, null))
      if (next === null) return
    }
    throw new Conflict()
  })
}

/** Runs `update()`, then the hooks, which may still change the data. Returns the plan if there are none. */
async function prepare (work: WorkingCopy, plan: Plan | null): Promise<Plan | null> {
  const { visit, why: { change, failed } } = work
  const { runtime: { hooks, settings }, exchange: { request } } = visit
  if (failed) return plan
  if (change !== undefined) await work.change(change)
  if (!hooks.has('preSave')) return plan
  if (!work.plan().changed) return null
  const event = { request, id: visit.handle(), isNew: !isKept(visit.place) }
  await work.amend((data) => hooks.before('preSave', { ...event, data }, settings.storeTimeout))
  return null
}

/** `null`: done, or the session was destroyed meanwhile. */
function attempt (work: WorkingCopy, known: Plan | null): Answer<Overtaken | null> {
  if (work.destroyed) return null
  work.begin()
  const plan = known ?? work.plan()
  if (plan.action === 'end') return end(work).then(() => attempt(work, null))
  return after(act(work, plan), (overtaken) => work.destroyed ? null : overtaken)
}

function act (work: WorkingCopy, plan: Plan): Answer<Overtaken | null> {
  const { place } = work.visit
  if (plan.action === 'nothing') return finish(work, plan, null)
  if (place === null) return create(work, plan)
  if (plan.action === 'rotate') return rotate(work, plan, place)
  return plan.action === 'touch' ? touch(work, plan, place) : replace(work, plan, place)
}
