import { type Draft, ENDED, type Kept, type Overtaken, type Place } from './backends/backend.js'
import { cookieMaxAge, makeDraft } from './draft.js'
import { Conflict, Ended, HeadersSent, Moved, NewerVersion, StoreFailed } from './errors.js'
import { type Data, merge } from './merge.js'
import { assess, canSendCookie, type Circumstances, type Plan, type Reason, sameValue } from './plan.js'
import { emit } from './runtime.js'
import { assign, type Session } from './session.js'
import { type Change, publicHandle, type Visit } from './visit.js'

/** Every lost race means that another request was saved, so this is only reached when that many save at once. */
const MAX_RACES = 100
const MAX_COLLISIONS = 3

/** Saves what is to be saved. `undefined` when there is nothing to wait for. */
export function commit (visit: Visit, circumstances: Circumstances = {}): Promise<void> | undefined {
  const { session, saving } = visit
  if (session === null) return
  // One after the other: two saves of one request would each take the other's for changes of its own.
  if (saving !== null) return saving.then(() => commit(visit, circumstances))
  if (visit.over) return circumstances.response === undefined ? Promise.reject(new Ended()) : undefined
  if (circumstances.change === undefined && assess(visit, session as unknown as Data, circumstances).action === 'nothing') return
  const running = new Commit(visit, session, circumstances).run()
  const free = () => { visit.saving = null }
  visit.saving = running.then(free, free)
  return running
}

/** One save: as many attempts as it takes until no other request was faster. */
class Commit {
  readonly #visit: Visit
  readonly #session: Session
  readonly #circumstances: Circumstances
  readonly #epoch: number
  /** Where the session stood at the beginning. */
  readonly #origin: Place | null
  /** What is to be kept: the session itself, until it has to be merged. */
  #work: Data
  /** What `update()` starts from. */
  #before: Data | null
  /** What the session held when `#work` parted from it. */
  #parted: Data | null
  /** What the last attempt was to keep: the handler may go on changing the session meanwhile. */
  #kept: Data | null = null
  #asked = 0
  #landed: Overtaken['moved'] = 'no'

  constructor (visit: Visit, session: Session, circumstances: Circumstances) {
    this.#visit = visit
    this.#session = session
    this.#circumstances = circumstances
    this.#epoch = visit.epoch
    this.#origin = visit.place
    this.#work = session as unknown as Data
    this.#before = circumstances.change === undefined ? null : visit.copy({ ...this.#work })
    this.#parted = this.#before
  }

  async run (): Promise<void> {
    const { base } = this.#visit
    try {
      await this.#attempt()
    } catch (error) {
      if (error instanceof StoreFailed) this.#visit.storeFailed = true
      // The session still holds what it held, so it has to be compared with what it was found as.
      if (!this.#visit.over && !this.#destroyed()) Object.assign(this.#visit, { place: this.#origin, base })
      throw error
    }
  }

  async #attempt (): Promise<void> {
    for (let race = 0; race < MAX_RACES; race++) {
      if (race === 0 || this.#before !== null) await this.#prepare()
      if (this.#destroyed()) return
      this.#asked = this.#visit.asked
      const plan = this.#assess()
      if (plan.action === 'delete') {
        await this.#end()
        continue
      }
      const overtaken = await this.#act(plan)
      if (overtaken === null || this.#destroyed()) return
      this.#rebase(overtaken)
    }
    throw new Conflict()
  }

  /** What may still change the data: `update()`, then the hooks. */
  async #prepare (): Promise<void> {
    const { runtime, request } = this.#visit
    const { change, response } = this.#circumstances
    if (response?.failed) return
    if (change !== undefined && this.#before !== null) {
      const draft = this.#visit.copy(this.#before)
      this.#work = await this.#change(change, draft) ?? draft
    }
    if (!runtime.hooks.has('preSave')) return
    if (!this.#assess().changed) return
    await this.#amend((data) => runtime.hooks.before('preSave', { request, id: this.#visit.handle(), data, isNew: this.#visit.isNew() }, runtime.settings.storeTimeout))
  }

  // Busy only while it runs: a second update() of the same request waits for its turn.
  async #change (change: Change, draft: Data): Promise<Data | void> {
    this.#visit.busy = true
    try {
      const changed = change(draft)
      return changed instanceof Promise ? await changed : changed
    } finally {
      this.#visit.busy = false
    }
  }

  async #amend (hooks: (data: Data) => Promise<void>): Promise<void> {
    const data = this.#copy()
    this.#part()
    this.#visit.busy = true
    try {
      await hooks(data)
    } finally {
      this.#visit.busy = false
    }
    this.#work = data
  }

  async #act (plan: Plan): Promise<Overtaken | null> {
    const { place } = this.#visit
    if (plan.action === 'nothing') return this.#finish(plan, null)
    if (plan.action === 'create' || place === null) return this.#create(plan)
    if (plan.action === 'move') return this.#move(plan, place)
    return plan.action === 'touch' ? this.#touch(plan, place) : this.#replace(plan, place)
  }

  async #create (plan: Plan): Promise<null> {
    this.#visit.assertFree()
    this.#assertCookie()
    const kept = await this.#store(this.#draft(plan), () => this.#visit.freshId(), () => this.#visit.forgetFreshId())
    this.#finish(plan, kept)
    this.#emit('onCreate')
    this.#emit('onSave')
    return null
  }

  async #replace (plan: Plan, place: Place): Promise<Overtaken | null> {
    const { backend } = this.#visit.runtime
    const sendable = canSendCookie(this.#visit)
    if (backend.selfContained) this.#assertCookie()
    this.#assertVersion(plan, place)
    const reissue = sendable && (plan.touchDue || place.stale || this.#visit.remember !== undefined)
    const outcome = await backend.replace(place, this.#draft(plan), reissue)
    if (outcome === ENDED) return this.#endedElsewhere()
    if ('latest' in outcome) return outcome
    this.#finish(plan, outcome)
    this.#emit('onSave')
    return null
  }

  async #touch (plan: Plan, place: Place): Promise<Overtaken | null> {
    const { backend } = this.#visit.runtime
    if (!canSendCookie(this.#visit)) return backend.selfContained ? null : this.#replace(plan, place)
    const outcome = await backend.touch(place, this.#draft(plan))
    if (outcome === ENDED) return this.#endedElsewhere()
    return this.#finish(plan, outcome)
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
    let final = plan
    if (hooks.has('preRotate') && !this.#circumstances.response?.failed) {
      await this.#amend((data) => hooks.before('preRotate', { ...event, data }, settings.storeTimeout))
      if (this.#destroyed()) return null
      const amended = this.#assess()
      final = { ...amended, action: 'move', moving: amended.privileged ? 'privilege' : reason }
    }
    const successor = await this.#store(this.#draft(final), () => next, () => Object.assign(next, backend.newId()))
    const outcome = await this.#supersede(place, successor.place, final.moving !== 'periodic', plan.now)
    if (outcome === ENDED) return this.#endedElsewhere()
    if (outcome !== 'done') return outcome
    this.#finish(final, successor)
    emit(this.#visit.runtime, 'onRotate', () => ({ ...event, id: publicHandle(next.key), reason: final.moving as Reason, data: this.#copy() }))
    if (final.changed) this.#emit('onSave')
    return null
  }

  /** Whatever keeps the old id from ending leaves nothing behind under the new one. */
  async #supersede (place: Place, successor: Place, final: boolean, now: number): Promise<'done' | Overtaken | typeof ENDED> {
    const { backend } = this.#visit.runtime
    let outcome: 'done' | Overtaken | typeof ENDED
    try {
      outcome = await backend.supersede(place, successor, final, now)
    } catch (error) {
      // Not waited for: the store may not answer this either.
      this.#discard(successor)
      throw error
    }
    if (outcome !== 'done') await backend.discard(successor)
    return outcome
  }

  async #discard (place: Place): Promise<void> {
    const { runtime, request } = this.#visit
    try {
      await runtime.backend.discard(place)
    } catch (error) {
      request.log.error({ err: error }, 'session record of a failed rotation could not be removed')
    }
  }

  async #store (draft: Draft, id: () => { raw: Buffer }, another: () => void): Promise<Kept> {
    for (let tries = 0; tries < MAX_COLLISIONS; tries++) {
      const kept = await this.#visit.runtime.backend.create(id().raw, draft)
      if (kept !== null) return kept
      another()
    }
    throw new Conflict()
  }

  async #end (): Promise<void> {
    const visit = this.#visit
    await visit.end(visit.ended as Place)
    visit.ended = null
    visit.cookie = visit.runtime.cookies.clear
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

  /** Our changes on top of the latest record. */
  #rebase ({ latest, moved }: Overtaken): void {
    const visit = this.#visit
    const opened = visit.runtime.opener.open(latest.record)
    if (!opened.ok) throw new Conflict()
    if (moved === 'final' && this.#before !== null) throw new Moved()
    const theirs = visit.copy(opened.data)
    const ours = this.#before ?? { ...this.#work }
    const { data, conflicts } = merge(visit.copy(visit.base), theirs, ours, visit.runtime.settings.merge, (a, b, key) => sameValue(visit, key, a, b))
    this.#part()
    this.#assertStorable(data)
    if (moved !== 'no') this.#landed = this.#landed === 'final' ? 'final' : moved
    visit.place = latest
    visit.base = opened.data
    this.#work = visit.copy(data)
    if (this.#before !== null) this.#before = visit.copy(data)
    emit(visit.runtime, 'onConflict', () => ({ request: visit.request, id: visit.handle(), keys: conflicts, data: this.#copy() }))
  }

  #finish (plan: Plan, kept: Kept | null): null {
    const visit = this.#visit
    if (this.#destroyed()) {
      if (kept !== null) visit.ended = kept.place
      return null
    }
    if (kept !== null) {
      visit.place = kept.place
      if (kept.token !== null) visit.cookie = visit.runtime.cookies.set(kept.token, cookieMaxAge(visit, kept.place.record.times, plan.now))
    }
    visit.upgraded = false
    if (visit.asked === this.#asked) {
      visit.rotation = visit.touched = false
      visit.remember = undefined
    }
    if (plan.changed) visit.base = this.#kept as Data
    if (this.#parted !== null) this.#rejoin(this.#parted, kept === null ? this.#work : this.#kept as Data)
    return null
  }

  /** The session becomes what was kept, with what the handler has changed since `#work` parted from it. */
  #rejoin (parted: Data, kept: Data): void {
    const visit = this.#visit
    if (this.#landed === 'final') {
      // What a session holds after a change of privilege is not for a request that came in before it: that goes on from
      // where it stood, so that its next save is merged again.
      Object.assign(visit, { place: this.#origin, base: parted })
      return
    }
    const same = (a: unknown, b: unknown, key: string) => sameValue(visit, key, a, b)
    assign(this.#session, merge(parted, visit.copy(kept), { ...this.#session }, {}, same).data)
  }

  #part (): void {
    this.#parted ??= this.#visit.copy({ ...this.#session })
  }

  /** `destroy()` was called while this save was under way. What it keeps is to be ended. */
  #destroyed (): boolean {
    return this.#visit.epoch !== this.#epoch
  }

  #assess (): Plan {
    return assess(this.#visit, this.#work, this.#circumstances, this.#landed)
  }

  #draft (plan: Plan): Draft {
    const draft = makeDraft(this.#visit, plan, this.#work)
    if (plan.changed || this.#parted !== null) this.#kept = this.#copy()
    return draft
  }

  /** Each side was valid, so what is not is the two together. */
  #assertStorable (data: Data): void {
    try {
      this.#visit.runtime.codec.encode(data)
    } catch (cause) {
      throw Object.assign(new Conflict(), { cause })
    }
  }

  #assertCookie (): void {
    if (!canSendCookie(this.#visit)) throw new HeadersSent()
  }

  #assertVersion (plan: Plan, place: Place): void {
    if (plan.changed && place.record.times.version > this.#visit.runtime.settings.version) throw new NewerVersion()
  }

  #copy (): Data {
    return this.#visit.copy({ ...this.#work })
  }

  #emit (name: 'onCreate' | 'onSave'): void {
    emit(this.#visit.runtime, name, () => ({ request: this.#visit.request, id: this.#visit.handle(), data: this.#copy() }))
  }
}
