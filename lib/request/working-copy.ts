import type { Step } from '../async/timeout.js'
import type { Draft, Overtaken, Saved } from '../backends/place.js'
import { Conflict, Moved } from '../errors.js'
import type { Opened } from '../record/record.js'
import { hookOf } from '../session/hooks.js'
import { type Data, merge } from '../session/merge.js'
import { assertData, assign, withUndeclared } from '../session/session.js'
import { makeDraft } from './draft.js'
import { type Change, dataToKeep, type Plan, planFor, sameValue, type Why } from './plan.js'
import { emit } from './runtime.js'
import type { Standing, Wish } from './standing.js'
import type { Visit } from './visit.js'

/** The data that one save is about to keep: the session itself, until hooks, `update()` or another request make them differ. */
export class WorkingCopy implements Step {
  /** All store calls of one save share the time for one step. */
  until = 0
  readonly visit: Visit
  readonly why: Why
  data: Data
  readonly #life: number
  readonly #origin: Standing
  /** The standing that the last attempt was to replace. */
  #replaced: Standing
  #wish: Wish
  /** `update()` starts from these. */
  #before: Data | null = null
  /** The session's data when the copy parted from them: the handler may go on changing them meanwhile. */
  #parted: Data | null = null
  /** The data that the last attempt was to keep. */
  #kept: Data | null = null

  constructor (visit: Visit, why: Why) {
    this.visit = visit
    this.why = why
    this.data = dataToKeep(visit, why)
    this.#life = visit.life
    this.#origin = this.#replaced = visit.standing
    this.#wish = visit.wish
    if (why.change !== undefined) this.#parted = this.#before = this.copy()
  }

  /** `destroy()` was called while this save was under way. The record that the save makes is to be ended. */
  get destroyed (): boolean { return this.visit.life !== this.#life }

  /** Is there nothing that may still change the data? */
  get isReady (): boolean { return this.why.change === undefined && !this.visit.runtime.hooks.has('preSave') }

  /** Was there no session before? */
  get isNew (): boolean { return this.#replaced.place === null }

  /** The keys that the save has changed. */
  changedKeys (): string[] {
    const { data } = this.#replaced
    const kept = this.#kept ?? data
    return [...new Set([...Object.keys(data), ...Object.keys(kept)])].filter((key) => !sameValue(this.visit.runtime.codec, data, key, data[key], kept[key]))
  }

  copy (): Data {
    return this.visit.copy({ ...this.data })
  }

  /** An attempt begins. */
  begin (): void {
    this.#wish = this.visit.wish
  }

  plan (): Plan {
    return planFor(this.visit, this.data, this.why)
  }

  draft (plan: Plan): Draft {
    this.#replaced = this.visit.standing
    const draft = makeDraft(this.visit, plan, this.data)
    this.#fix(plan.changed, draft.stored.opened)
    return draft
  }

  /** Runs `update()`'s function on the data that it starts from. */
  async change (change: Change): Promise<void> {
    const { exchange: { request }, runtime: { codec } } = this.visit
    const draft = this.visit.copy(this.#before as Data)
    const next = await hookOf.run(request, () => change(draft)) ?? draft
    assertData('update(change)', next, 'must return an object with the whole data, or nothing: write (data) => { data.n++ } with braces')
    this.data = next === draft ? draft : withUndeclared(draft, next, (key) => codec.isUndeclared(key))
  }

  /** Runs hooks that may change the data. */
  async amend (hooks: (data: Data) => Promise<void> | void): Promise<void> {
    const data = this.copy()
    this.#part()
    await hookOf.run(this.visit.exchange.request, () => hooks(data))
    this.data = data
  }

  /**
   * Our changes on top of the latest record. Throws `Moved` if the session got another id for a reason other than time: a request that
   * is older than a sign-in has no say in it. Throws `Conflict` if the two together are not valid. `false`: there is no more to do.
   */
  rebase ({ latest, moved }: Overtaken): boolean {
    const { visit } = this
    if (moved === 'final') {
      if (this.#before !== null || this.#wish.reauthenticated || this.plan().changed) throw new Moved()
      // The wish for another id is granted by the other request. The session stays as this request has found it, without the merge.
      visit.granted(this.#wish)
      visit.standOn(this.#origin)
      return false
    }
    const opened = visit.runtime.opener.open(latest.record)
    if (!opened.ok) throw new Conflict()
    const { data, conflicts } = this.#merge(visit.standing.data, visit.copy(opened.data), this.#before ?? { ...this.data }, true)
    this.#part()
    this.#assertStorable(data)
    // A touch is no change.
    const conflict = visit.runtime.codec.differs(visit.standing.data, opened.data)
    visit.standOn({ ...visit.standing, place: latest, data: opened.data })
    this.data = visit.copy(data)
    if (this.#before !== null) this.#before = visit.copy(data)
    if (conflict) emit(visit.runtime, 'onConflict', () => ({ request: visit.exchange.request, id: visit.handle(), keys: conflicts }), () => this.copy())
    return true
  }

  /** The save is done: the session becomes what was kept, with the handler's changes since. */
  settle (plan: Plan, saved: Saved | null): void {
    const { visit } = this
    const { standing } = visit
    visit.standOn({ ...standing, place: saved?.place ?? standing.place, data: plan.changed ? this.#kept as Data : standing.data, upgraded: false })
    visit.granted(this.#wish)
    if (this.#parted === null) return
    const kept = visit.copy(saved === null ? this.data : this.#kept as Data)
    const ours = { ...visit.data }
    const { data } = this.#merge(this.#parted, kept, ours, false)
    // An object that a handler holds on to stays a part of the session, unless the save has changed it.
    for (const key of Object.keys(data)) if (sameValue(visit.runtime.codec, visit.standing.data, key, ours[key], data[key])) data[key] = ours[key]
    assign(visit.session, data)
  }

  /** The save has failed: from now on the session is compared with its old standing again. */
  giveUp (error: unknown): void {
    this.visit.saveFailed(error)
    if (!this.destroyed) this.visit.standOn(this.#origin)
  }

  /** `opened`: the data as the next request is going to read them, if they are known. */
  #fix (changed: boolean, opened: Opened | undefined): void {
    if (changed && opened?.ok) this.#kept = opened.data
    else if (changed || this.#parted !== null) this.#kept = this.copy()
  }

  #merge (base: Data, theirs: Data, ours: Data, resolve: boolean) {
    const { visit, visit: { runtime: { codec, settings } } } = this
    const resolvers = resolve ? settings.merge : {}
    return merge(resolve ? visit.copy(base) : base, theirs, ours, resolvers, (a, b, key) => sameValue(codec, visit.standing.data, key, a, b))
  }

  #part (): void {
    this.#parted ??= this.visit.copy({ ...this.visit.data })
  }

  // Each side was valid, so only the two together are not.
  #assertStorable (data: Data): void {
    try {
      this.visit.runtime.codec.encode(data)
    } catch (cause) {
      throw Object.assign(new Conflict(), { cause })
    }
  }
}
