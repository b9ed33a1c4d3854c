import { commit } from './save.js'
import { ChangedTooLate, Ended, HeadersSent, InvalidOption, Moved, Reentrant, StoreFailed } from '../errors.js'
import { ENDED } from '../backends/place.js'
import { hookOf } from '../session/hooks.js'
import type { Data } from '../session/merge.js'
import { canSendCookie, hasLeft } from './plan.js'
import { deadline } from '../record/timeouts.js'
import { deadlineOfNew } from './draft.js'
import { expose } from '../http/headers.js'
import { Session, type SessionOwner } from '../session/session.js'
import type { Change, Visit } from './visit.js'

/** What the members of the session object do: most of it is only noted, and done when the response leaves. */
export class Controls implements SessionOwner {
  readonly #visit: Visit

  constructor (visit: Visit) {
    this.#visit = visit
  }

  static visitOf (controls: Controls): Visit { return controls.#visit }

  handle (): string { return this.#visit.handle() }
  isNew (): boolean { return this.#visit.isNew() }
  createdAt (): number { return this.#visit.place?.record.times.createdAt ?? Date.now() }
  authenticatedAt (): number { return this.#visit.place?.record.times.authenticatedAt ?? 0 }

  expiresAt (): number {
    const { place, runtime: { settings } } = this.#visit
    return place === null ? deadlineOfNew(this.#visit.session as unknown as Data, settings, Date.now()) : deadline(place.record.times, place.usedAt, settings)
  }

  copy (data: Data): Data { return this.#visit.copy(data) }
  initial (): Data { return this.#visit.runtime.codec.initial() }
  isUndeclared (key: string): boolean { return this.#visit.runtime.codec.isUndeclared(key) }

  rotate (): void {
    this.#assertOpen('rotate()')
    if (!canSendCookie(this.#visit)) throw new HeadersSent()
    this.#visit.rotation = true
    this.#visit.asked++
  }

  reauthenticated (): void {
    this.rotate()
    this.#visit.reauthenticated = true
  }

  touch (): void {
    this.#assertOpen('touch()')
    this.#visit.touched = true
    this.#visit.asked++
  }

  persist (on: boolean): void {
    this.#assertOpen('persist()')
    if (typeof on !== 'boolean') throw new InvalidOption('persist(on)', 'must be true or false: how long a session lives is for idleTimeout and absoluteTimeout to say')
    this.#visit.remember = on
    this.#visit.asked++
  }

  /** The session is over; the object goes on as a new one. Waits only where no response is to come that would end it. */
  destroy (): void | Promise<void> {
    const visit = this.#visit
    const place = visit.place ?? visit.unreadable
    // There may well be one to end, and nobody should believe that it did.
    if (visit.barrier !== null) visit.refused = visit.barrier === 'store' ? new StoreFailed() : new Moved()
    if (place !== null) {
      if (visit.runtime.backend.records === null) this.#assertRemovable()
      visit.ended = place
      visit.unreadable = null
    }
    visit.begin()
    if (visit.closed !== null) visit.closed = this.copy(visit.base)
    if (visit.ended === null || visit.over || !hasLeft(visit)) return
    const ending = this.#commit()
    if (hookOf.getStore() !== visit.request) return ending
    // The save that waits for this hook comes first.
    ending.catch((error: unknown) => this.note(error))
  }

  changed (): void {
    const visit = this.#visit
    if (visit.reportsLeft > 0) visit.runtime.afterwards.again(visit)
  }

  note (error: unknown): void {
    const visit = this.#visit
    visit.request.log.warn({ err: error }, 'a call to the session failed')
    if (!visit.over || !(error instanceof Ended)) return
    // Whoever called has been told what becomes of it.
    visit.base = visit.snapshot()
    if (visit.closed !== null) visit.closed = visit.base
  }

  async save (): Promise<void> {
    this.#assertIdle('save()')
    await this.#commit()
  }

  async update (change: Change): Promise<void> {
    this.#assertIdle('update()')
    if (typeof change !== 'function') throw new InvalidOption('update(change)', 'must be a function of the data. To save what was changed already, call save()')
    const visit = this.#visit
    const { epoch } = visit
    while (visit.saving !== null) await visit.saving
    if (visit.epoch === epoch) await commit(visit, { change })
    if (visit.epoch !== epoch) throw new Ended() // destroy() was called meanwhile
    this.#saved()
  }

  async reload (): Promise<void> {
    this.#assertIdle('reload()')
    const visit = this.#visit
    // What a save under way keeps would otherwise be compared with what was read before it, and undone.
    while (visit.saving !== null) await visit.saving
    const { place, epoch, runtime: { backend } } = visit
    // A rotation stays asked for: whoever did so before a login counts on it.
    visit.touched = false
    visit.remember = undefined
    if (place === null) return visit.restore()
    const latest = await backend.reload(place, Date.now())
    if (visit.epoch !== epoch) return // destroy() was called meanwhile
    if (latest === 'moved') throw new Moved()
    if (latest === ENDED || !visit.read(latest)) throw new Ended()
    if (visit.closed !== null) visit.closed = visit.base
  }

  async #commit (): Promise<void> {
    await commit(this.#visit)
    this.#saved()
  }

  #saved (): void {
    const visit = this.#visit
    if (visit.closed !== null) visit.closed = visit.base
    else if (canSendCookie(visit)) expose(visit)
  }

  #assertOpen (what: string): void {
    if (this.#visit.closed !== null) throw new ChangedTooLate(what)
  }

  // Nothing but a cookie ends a session that lives in one.
  #assertRemovable (): void {
    this.#assertOpen('destroy()')
    if (!canSendCookie(this.#visit)) throw new HeadersSent()
  }

  #assertIdle (what: string): void {
    if (hookOf.getStore() === this.#visit.request) throw new Reentrant(what)
  }
}

/** The request's visit that a session object belongs to. */
export function visitBehind (session: Session): Visit {
  return Controls.visitOf(Session.ownerOf(session) as Controls)
}
