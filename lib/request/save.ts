import { admit } from './session-limit.js'
import { after, type Answer } from '../async/answer.js'
import { type Draft, ENDED, type Overtaken, type Place, type Saved } from '../backends/place.js'
import { cookieMaxAge, makeDraft } from './draft.js'
import { Conflict, Ended, HeadersSent, Moved, NewerVersion, StoreFailed } from '../errors.js'
import type { Data } from '../session/merge.js'
import { assess, canSendCookie, type Circumstances, type Plan, type Reason } from './plan.js'
import { publicHandle } from '../tokens/public-id.js'
import { createRecord, endOf, supersede } from './ending.js'
import { emit } from './runtime.js'
import type { Session } from '../session/session.js'
import type { Visit } from './visit.js'
import { WorkingCopy } from './working-copy.js'

/** Every lost race means that another request was saved, so this is only reached when that many save at once. */
const MAX_RACES = 100
/** Milliseconds that a save waits for others at most: an `update()` may be waiting for this very request. */
const PATIENCE = 50
/** Where `@fastify/csrf-protection` keeps its secret. One that was planted before a sign-in must be nothing after it (CVE-2022-24895). */
const CSRF_SECRET = '_csrf'

/** Saves what is to be saved of a session that was read; at once where the backend needs no I/O. `false`: that was nothing. */
export function commit (visit: Visit, circumstances: Circumstances = {}): Answer<boolean> {
  const { saving } = visit
  const session = visit.session as Session
  // One after the other: two saves of one request would each take the other's for changes of its own.
  if (saving !== null) return saving.then(() => commit(visit, circumstances))
  if (visit.over) return circumstances.response === undefined ? Promise.reject(new Ended()) : false
  const plan = circumstances.change === undefined ? assess(visit, session as unknown as Data, circumstances) : null
  if (plan?.action === 'nothing') return false
  const running = new Commit(visit, session, circumstances).run(plan)
  if (!(running instanceof Promise)) return true
  const free = () => { visit.saving = null }
  visit.saving = running.then(free, free)
  return running.then(() => true)
}

/** One save: as many attempts as it takes until no other request was faster. */
class Commit {
  readonly #visit: Visit
  readonly #circumstances: Circumstances
  readonly #work: WorkingCopy
  readonly #epoch: number
  #asked = 0

  constructor (visit: Visit, session: Session, circumstances: Circumstances) {
    this.#visit = visit
    this.#circumstances = circumstances
    this.#work = new WorkingCopy(visit, session, circumstances.change)
    this.#epoch = visit.epoch
  }

  /** `plan`: what was found to be due, unless `update()` has to run first. */
  run (plan: Plan | null): Answer<void> {
    const failed = (error: unknown) => {
      if (error instanceof StoreFailed) this.#visit.storeFailed = true
      if (!this.#destroyed()) this.#work.giveUp()
      return Promise.reject(error)
    }
    const { place, runtime: { turns } } = this.#visit
    try {
      // Those who have lost a race would lose it to whoever is new each time.
      const others = place === null ? null : turns.others(place.key, PATIENCE)
      const running = others === null ? this.#save(plan) : others.then(() => this.#save(null))
      return running instanceof Promise ? running.catch(failed) : running
    } catch (error) {
      return failed(error)
    }
  }

  #save (plan: Plan | null): Answer<void> {
    const attempt = after(this.#isReady() ? plan : this.#prepare(plan), (prepared) => this.#attempt(prepared))
    return after(attempt, (overtaken) => overtaken === null ? undefined : this.#race(overtaken))
  }

  /** Those who lost a race for one session go on one by one, so that they do not lose it to each other again. */
  async #race (overtaken: Overtaken): Promise<void> {
    await this.#visit.runtime.turns.run(overtaken.latest.key, async () => {
      let next: Overtaken | null = overtaken
      for (let race = 0; race < MAX_RACES; race++) {
        this.#work.rebase(next)
        next = await this.#attempt(this.#circumstances.change === undefined ? null : await this.#prepare(null))
        if (next === null) return
      }
      throw new Conflict()
    })
  }

  /** `prepared`: what is due, as far as it is known. `null`: done. */
  #attempt (prepared: Plan | null): Answer<Overtaken | null> {
    if (this.#destroyed()) return null
    this.#asked = this.#visit.asked
    const plan = prepared ?? this.#assess()
    if (plan.action === 'delete') return endOf(this.#visit).then(() => this.#attempt(null))
    return after(this.#act(plan), (overtaken) => this.#destroyed() ? null : overtaken)
  }

  /** Is there nothing that may still change the data? */
  #isReady (): boolean {
    return this.#circumstances.change === undefined && !this.#visit.runtime.hooks.has('preSave')
  }

  /** What may still change the data: `update()`, then the hooks. Returns the plan if nothing of that was there. */
  async #prepare (plan: Plan | null): Promise<Plan | null> {
    const { runtime, request } = this.#visit
    const { change, response } = this.#circumstances
    if (response?.failed) return plan
    if (change !== undefined) await this.#work.change(change)
    if (!runtime.hooks.has('preSave')) return plan
    if (!this.#assess().changed) return null
    const event = { request, id: this.#visit.handle(), isNew: this.#visit.isNew() }
    await this.#work.amend((data) => runtime.hooks.before('preSave', { ...event, data }, runtime.settings.storeTimeout))
    return null
  }

  #act (plan: Plan): Answer<Overtaken | null> {
    const { place } = this.#visit
    if (plan.action === 'nothing') return this.#finish(plan, null)
    if (plan.action === 'create' || place === null) return this.#create(plan)
    if (plan.action === 'move') return this.#move(plan, place)
    return plan.action === 'touch' ? this.#touch(plan, place) : this.#replace(plan, place)
  }

  #create (plan: Plan): Answer<null> {
    this.#visit.assertFree()
    this.#assertCookie()
    const draft = this.#draft(plan)
    const creating = admit(this.#visit, draft.subject, () =>
      createRecord(this.#visit, draft, () => this.#visit.freshId(), () => this.#visit.forgetFreshId()))
    return after(creating, (kept) => {
      this.#finish(plan, kept)
      this.#emit('onCreate')
      this.#emit('onSave')
      return null
    })
  }

  #replace (plan: Plan, place: Place): Answer<Overtaken | null> {
    const { backend } = this.#visit.runtime
    const sendable = canSendCookie(this.#visit)
    if (backend.selfContained) this.#assertCookie()
    this.#assertVersion(plan, place)
    const reissue = sendable && (plan.touchDue || place.stale || this.#visit.remember !== undefined)
    return after(backend.replace(place, this.#draft(plan), reissue), (outcome) => {
      if (outcome === ENDED) return this.#endedElsewhere()
      if ('latest' in outcome) return outcome
      this.#finish(plan, outcome)
      this.#emit('onSave')
      return null
    })
  }

  #touch (plan: Plan, place: Place): Answer<Overtaken | null> {
    const { backend } = this.#visit.runtime
    if (!canSendCookie(this.#visit)) return backend.selfContained ? null : this.#replace(plan, place)
    return after(backend.touch(place, this.#draft(plan)), (outcome) => outcome === ENDED ? this.#endedElsewhere() : this.#finish(plan, outcome))
  }

  async #move (plan: Plan, place: Place): Promise<Overtaken | null> {
    const { runtime: { backend, hooks, settings }, request } = this.#visit
    const reason = plan.moving as Reason
    // Reached by an old token, or moved meanwhile: rotating again would end a token that the browser has just been given.
    if (place.raw === null) throw new Moved()
    this.#assertCookie()
    if (plan.changed) this.#assertVersion(plan, place)
    const next = backend.newId()
    const previousId = this.#visit.handle()
    const event = { request, id: publicHandle(next.key), previousId, reason }
    const forget = reason !== 'periodic' && Object.hasOwn(this.#work.data, CSRF_SECRET) && !this.#visit.runtime.codec.declares(CSRF_SECRET)
    let final = plan
    if ((forget || hooks.has('preRotate')) && !this.#circumstances.response?.failed) {
      await this.#work.amend(async (data) => {
        if (forget) delete data[CSRF_SECRET]
        await hooks.before('preRotate', { ...event, data }, settings.storeTimeout)
      })
      if (this.#destroyed()) return null
      const amended = this.#assess()
      final = { ...amended, action: 'move', moving: amended.privileged ? 'privilege' : reason }
    }
    const draft = this.#draft(final)
    const { successor, outcome } = await admit(this.#visit, draft.subject, async () => {
      const successor = await createRecord(this.#visit, draft, () => next, () => Object.assign(next, backend.newId()))
      return { successor, outcome: await supersede(this.#visit, place, successor.place, final.moving !== 'periodic', plan.now) }
    })
    if (outcome === ENDED) return this.#endedElsewhere()
    if (outcome !== 'done') return outcome
    this.#finish(final, successor)
    emit(this.#visit.runtime, 'onRotate', () => ({ ...event, id: publicHandle(next.key), reason: final.moving as Reason, data: this.#work.copy() }))
    if (final.changed) this.#emit('onSave')
    return null
  }

  /** Somebody ended the session meanwhile. Nothing is written and no cookie sent: the browser may hold a newer one. */
  #endedElsewhere (): null {
    if (this.#destroyed()) return null
    this.#visit.over = true
    this.#visit.cookie = null
    this.#visit.reject('ended-elsewhere')
    if (this.#circumstances.response === undefined) throw new Ended()
    return null
  }

  #finish (plan: Plan, kept: Saved | null): null {
    const visit = this.#visit
    if (this.#destroyed()) {
      if (kept !== null) visit.ended = kept.place
      return null
    }
    if (kept !== null) {
      visit.place = kept.place
      if (kept.token !== null) visit.cookie = visit.runtime.cookies.set(kept.token, cookieMaxAge(kept.place.record.times, visit.runtime.settings, plan.now))
    }
    visit.upgraded = false
    if (visit.asked === this.#asked) {
      visit.rotation = visit.reauthenticated = visit.touched = false
      visit.remember = undefined
    }
    this.#work.settle(plan.changed, kept !== null)
    return null
  }

  /** `destroy()` was called while this save was under way. What it keeps is to be ended. */
  #destroyed (): boolean {
    return this.#visit.epoch !== this.#epoch
  }

  #assess (): Plan {
    return assess(this.#visit, this.#work.data, this.#circumstances, this.#work.landed)
  }

  #draft (plan: Plan): Draft {
    const draft = makeDraft(this.#visit, plan, this.#work.data)
    this.#work.fix(plan.changed, draft.stored.opened)
    return draft
  }

  #assertCookie (): void {
    if (!canSendCookie(this.#visit)) throw new HeadersSent()
  }

  #assertVersion (plan: Plan, place: Place): void {
    if (plan.changed && place.record.times.version > this.#visit.runtime.settings.version) throw new NewerVersion()
  }

  #emit (name: 'onCreate' | 'onSave'): void {
    // A hook before this one has ended it.
    if (this.#destroyed()) return
    emit(this.#visit.runtime, name, () => ({ request: this.#visit.request, id: this.#visit.handle(), data: this.#work.copy() }))
  }
}
