import type { BoundDevice } from '../../types/index.js'
import { ENDED } from '../backends/place.js'
import { ChangedTooLate, Ended, HeadersSent, InvalidOption, Moved, Reentrant, StoreFailed, Unbound } from '../errors.js'
import { expose } from '../http/set-cookie.js'
import { factsOf } from '../record/device.js'
import { deadline } from '../record/timeouts.js'
import { hookOf } from '../session/hooks.js'
import type { Data } from '../session/merge.js'
import { Session, type SessionOwner } from '../session/session.js'
import { deadlineOfNew } from './times.js'
import { reportLate } from './late-changes.js'
import { read } from './read.js'
import { isUnbound } from './runtime.js'
import type { Change } from './plan.js'
import { save } from './save.js'
import type { Wish } from './standing.js'
import type { Visit } from './visit.js'

/** The members of the session object. Most of them only note a wish, which is granted when the response leaves. */
export class Members implements SessionOwner {
  readonly #visit: Visit

  constructor (visit: Visit) {
    this.#visit = visit
  }

  static visitOf (members: Members): Visit { return members.#visit }

  handle (): string { return this.#visit.handle() }
  isNew (): boolean { return this.#visit.place === null }
  createdAt (): number { return this.#visit.place?.record.times.createdAt ?? Date.now() }
  authenticatedAt (): number { return this.#visit.place?.record.times.authenticatedAt ?? 0 }

  device (): BoundDevice | null { return factsOf(this.#visit.place?.record.device ?? null) }

  expiresAt (): number {
    const { place, runtime: { settings } } = this.#visit
    return place === null ? deadlineOfNew(this.#visit.data, settings, Date.now()) : deadline(place.record.times, place.usedAt, settings)
  }

  copy (data: Data): Data { return this.#visit.copy(data) }
  initial (): Data { return this.#visit.runtime.codec.initial() }
  isUndeclared (key: string): boolean { return this.#visit.runtime.codec.isUndeclared(key) }

  rotate (): void {
    this.#ask('rotate()', { rotate: true })
  }

  reauthenticated (): void {
    this.#ask('reauthenticated()', { rotate: true, reauthenticated: true })
  }

  regenerate (keep: readonly string[]): void {
    this.#ask('regenerate()', { rotate: true, keep: new Set(keep) })
  }

  touch (): void {
    this.#ask('touch()', { touch: true })
  }

  persist (on: boolean): void {
    if (typeof on !== 'boolean') throw new InvalidOption('persist(on)', 'must be true or false: how long a session lives is for idleTimeout and absoluteTimeout to say')
    this.#ask('persist()', { persist: on })
  }

  /** The session is over; the object goes on as a new one. Waits only where no response is to come that would end it. */
  destroy (): void | Promise<void> {
    const visit = this.#visit
    const { exchange, obstacle, runtime } = visit
    // There may be a session to end: the caller must not believe that it has ended.
    if (obstacle === 'store') visit.refuse(new StoreFailed())
    if (obstacle === 'moved') visit.refuse(new Moved())
    if ((visit.endable !== null || exchange.several !== null || exchange.old !== null) && runtime.backend.records === null) this.#assertRemovable()
    visit.end()
    if (visit.ending === null || visit.ending === 'elsewhere' || !exchange.left) return
    const ending = this.#save()
    if (hookOf.getStore() !== exchange.request) return ending
    // The save that waits for this hook comes first.
    ending.catch((error: unknown) => this.note(error))
  }

  changed (): void {
    this.#visit.late?.again()
  }

  note (error: unknown): void {
    const visit = this.#visit
    visit.exchange.request.log.warn({ err: error }, 'a call to the session failed')
    if (visit.ending !== 'elsewhere' || !(error instanceof Ended)) return
    // The caller knows by the rejection what has become of the change, so there is nothing more to report.
    visit.standOn({ ...visit.standing, data: visit.snapshot() })
    this.#accept()
  }

  async save (): Promise<void> {
    this.#assertIdle('save()')
    await this.#save()
  }

  async update (change: Change): Promise<void> {
    this.#assertIdle('update()')
    if (typeof change !== 'function') throw new InvalidOption('update(change)', 'must be a function of the data. To save what was changed already, call save()')
    const visit = this.#visit
    const { life } = visit
    while (visit.saving !== null) await visit.saving
    if (visit.life === life) await save(visit, { response: false, failed: false, change })
    if (visit.life !== life) throw new Ended() // destroy() was called meanwhile
    this.#saved()
  }

  async reload (): Promise<void> {
    this.#assertIdle('reload()')
    const visit = this.#visit
    // Otherwise the change of a save under way would be compared with older data, and undone.
    while (visit.saving !== null) await visit.saving
    const { place, life, runtime: { backend } } = visit
    // A rotation stays asked for: code that asked for it before a login counts on it.
    visit.ask({ touch: false, persist: undefined })
    if (place === null) return visit.restore()
    const now = Date.now()
    const latest = await backend.reload(place, now)
    if (visit.life !== life) return // destroy() was called meanwhile
    if (latest === 'moved') throw new Moved()
    if (latest !== ENDED && isUnbound(visit.runtime, latest, visit.exchange.request.headers.cookie)) throw new Unbound()
    if (latest === ENDED || !read(visit, latest, now)) throw new Ended()
    this.#accept()
  }

  async #save (): Promise<void> {
    await save(this.#visit, { response: false, failed: false })
    this.#saved()
  }

  #saved (): void {
    const { exchange, runtime } = this.#visit
    this.#accept()
    if (exchange.canSetCookie) expose(exchange, runtime.cookies)
  }

  #accept (): void {
    const visit = this.#visit
    if (visit.accepted !== null) visit.accept(visit.standing.data)
  }

  /** A wish after the response is too late. It is reported like any other late change, since nobody may be waiting for a promise. */
  #ask (what: string, wish: Partial<Wish>): void {
    if (this.#visit.accepted !== null) reportLate(this.#visit, [what])
    else this.#visit.ask(wish)
  }

  // Nothing but a cookie ends a session that lives in one. A client that has gone asks for nothing more.
  #assertRemovable (): void {
    const { accepted, exchange } = this.#visit
    if (exchange.clientGone) return
    if (accepted !== null) throw new ChangedTooLate('destroy()')
    if (!exchange.canSetCookie) throw new HeadersSent()
  }

  #assertIdle (what: string): void {
    if (hookOf.getStore() === this.#visit.exchange.request) throw new Reentrant(what)
  }
}

/** The request's visit that a session object belongs to. */
export function visitBehind (session: Session): Visit {
  return Members.visitOf(Session.ownerOf(session) as Members)
}
