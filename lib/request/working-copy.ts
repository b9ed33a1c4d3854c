import type { Overtaken } from '../backends/place.js'
import { Conflict, Moved } from '../errors.js'
import { hookOf } from '../session/hooks.js'
import { type Data, merge } from '../session/merge.js'
import { sameValue } from './plan.js'
import type { Opened } from '../record/record.js'
import { emit } from './runtime.js'
import { assertData, assign, type Session, withUndeclared } from '../session/session.js'
import type { Change, Visit } from './visit.js'

/** What one save is about to keep. It is the session itself, until hooks, `update()` or another request make it differ. */
export class WorkingCopy {
  data: Data
  /** How the session has moved since the save began. */
  landed: Overtaken['moved'] = 'no'
  readonly #visit: Visit
  readonly #session: Session
  readonly #origin: Pick<Visit, 'place' | 'base'>
  /** What `update()` starts from. */
  #before: Data | null
  /** What the session held when the copy parted from it: the handler may go on changing it meanwhile. */
  #parted: Data | null
  /** What the last attempt was to keep. */
  #kept: Data | null = null

  constructor (visit: Visit, session: Session, change: Change | undefined) {
    this.#visit = visit
    this.#session = session
    this.#origin = { place: visit.place, base: visit.base }
    this.data = session as unknown as Data
    this.#before = change === undefined ? null : this.copy()
    this.#parted = this.#before
  }

  copy (): Data {
    return this.#visit.copy({ ...this.data })
  }

  /** What the attempt that begins now is to keep. `opened`: what the next request is going to read of it, if that is known. */
  fix (changed: boolean, opened: Opened | undefined): void {
    if (changed && opened?.ok) this.#kept = opened.data
    else if (changed || this.#parted !== null) this.#kept = this.copy()
  }

  /** Runs `update()`'s function on what it starts from. */
  async change (change: Change): Promise<void> {
    const draft = this.#visit.copy(this.#before as Data)
    const next = await hookOf.run(this.#visit.request, () => change(draft)) ?? draft
    assertData('update(change)', next, 'must return an object with the whole data, or nothing: write (data) => { data.n++ } with braces')
    this.data = next === draft ? draft : withUndeclared(draft, next, (key) => this.#visit.runtime.codec.isUndeclared(key))
  }

  /** Runs hooks that may change the data. */
  async amend (hooks: (data: Data) => Promise<void>): Promise<void> {
    const data = this.copy()
    this.#part()
    await hookOf.run(this.#visit.request, () => hooks(data))
    this.data = data
  }

  /** Our changes on top of the latest record. Throws `Conflict` if the two together are not valid. */
  rebase ({ latest, moved }: Overtaken): void {
    const visit = this.#visit
    const opened = visit.runtime.opener.open(latest.record)
    if (!opened.ok) throw new Conflict()
    // What a session holds after a change of privilege is not for a request that came in before it.
    if (moved === 'final' && this.#before !== null) throw new Moved()
    const { data, conflicts } = this.#merge(visit.base, visit.copy(opened.data), this.#before ?? { ...this.data }, true)
    this.#part()
    this.#assertStorable(data)
    if (moved !== 'no') this.landed = this.landed === 'final' ? 'final' : moved
    visit.place = latest
    visit.base = opened.data
    this.data = visit.copy(data)
    if (this.#before !== null) this.#before = visit.copy(data)
    emit(visit.runtime, 'onConflict', () => ({ request: visit.request, id: visit.handle(), keys: conflicts, data: this.copy() }))
  }

  /** The save is done: the session becomes what was kept, with what the handler has changed since. */
  settle (changed: boolean, written: boolean): void {
    const visit = this.#visit
    if (changed) visit.base = this.#kept as Data
    if (this.#parted === null) return
    if (this.landed === 'final') {
      // The request goes on from where it stood, so that its next save is merged again.
      Object.assign(visit, { place: this.#origin.place, base: this.#parted })
      return
    }
    const kept = visit.copy(written ? this.#kept as Data : this.data)
    const ours = { ...this.#session } as Data
    const { data } = this.#merge(this.#parted, kept, ours, false)
    // What a handler holds on to stays a part of the session, unless something else has become of it.
    for (const key of Object.keys(data)) if (sameValue(visit, key, ours[key], data[key])) data[key] = ours[key]
    assign(this.#session, data)
  }

  /** The save has failed: the session has to be compared with what it was found as. */
  giveUp (): void {
    Object.assign(this.#visit, this.#origin)
  }

  #merge (base: Data, theirs: Data, ours: Data, resolve: boolean) {
    const visit = this.#visit
    const resolvers = resolve ? visit.runtime.settings.merge : {}
    return merge(resolve ? visit.copy(base) : base, theirs, ours, resolvers, (a, b, key) => sameValue(visit, key, a, b))
  }

  #part (): void {
    this.#parted ??= this.#visit.copy({ ...this.#session })
  }

  // Each side was valid, so what is not is the two together.
  #assertStorable (data: Data): void {
    try {
      this.#visit.runtime.codec.encode(data)
    } catch (cause) {
      throw Object.assign(new Conflict(), { cause })
    }
  }
}
