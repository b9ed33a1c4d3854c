import { inspect } from 'node:util'
import type { RejectReason } from '../../types/index.js'
import type { Id, Place } from '../backends/place.js'
import { Moved, NewerVersion, StoreFailed } from '../errors.js'
import type { Exchange } from '../http/exchange.js'
import type { Data } from '../session/merge.js'
import { assign, type Session } from '../session/session.js'
import { publicHandle } from '../tokens/public-id.js'
import { emit, type Runtime } from './runtime.js'
import { type Ending, type Late, NO_WISH, NOT_FOUND, type Obstacle, type Standing, type Wish } from './standing.js'

/** One request's session. Every change of its state is a method here. */
export class Visit {
  readonly runtime: Runtime
  readonly exchange: Exchange
  /** The value of `request.session`. */
  readonly session: Session
  standing: Standing = NOT_FOUND
  wish: Wish = NO_WISH
  obstacle: Obstacle = null
  ending: Ending = null
  /** Counts the sessions that this request began with or went on to. */
  life = 0
  /** The save that is under way; never rejects. */
  saving: Promise<void> | null = null
  /** `destroy()` cannot keep its word: the response says so. */
  refusal: Error | null = null
  /** The response has become an error because of the session. */
  broken = false
  /** The store has failed to save: the response does not wait for it a second time. */
  storeFailed = false
  /** The data as last saved, once nothing more is saved by itself; later changes are lost. */
  accepted: Data | null = null
  /** `null` until the response has ended. */
  late: Late | null = null
  #fresh: Id | null = null

  constructor (runtime: Runtime, exchange: Exchange, session: (visit: Visit) => Session) {
    this.runtime = runtime
    this.exchange = exchange
    this.session = session(this)
  }

  get place (): Place | null { return this.standing.place }

  get data (): Data { return this.session as Session & Data }

  handle (): string {
    return publicHandle((this.place ?? this.freshId()).key)
  }

  /** The id that a new session will get. */
  freshId (): Id {
    this.#fresh ??= this.runtime.backend.newId()
    return this.#fresh
  }

  forgetFreshId (): void {
    this.#fresh = null
  }

  copy (data: Data): Data { return this.runtime.codec.copy(data) }

  /** The data as they are now; shallow if a value cannot be copied. */
  snapshot (): Data {
    const data = { ...this.data }
    try {
      return this.copy(data)
    } catch {
      return data
    }
  }

  /** A save, a reload or another request has put the session on another record. The data that a handler holds stay. */
  standOn (standing: Standing): void {
    this.standing = standing
  }

  /** The session gets its data back as they were found. */
  restore (): void {
    assign(this.session, this.copy(this.standing.data))
  }

  /** The session becomes a new one. */
  begin (): void {
    this.life++
    this.#fresh = null
    this.wish = NO_WISH
    this.standOn({ ...NOT_FOUND, data: this.runtime.codec.initial() })
    this.restore()
  }

  ask (wish: Partial<Wish>): void {
    this.wish = { ...this.wish, ...wish }
  }

  /** `wish` was granted; what was asked since then is still open. */
  granted (wish: Wish): void {
    if (this.wish === wish) this.wish = NO_WISH
  }

  hinder (obstacle: Obstacle): void {
    this.obstacle = obstacle
  }

  /** Throws if a new session may not begin, with the reason. */
  assertFree (): void {
    const { obstacle, runtime: { settings } } = this
    if (obstacle === 'moved') throw new Moved()
    if (obstacle === 'store') throw new StoreFailed()
    if (obstacle?.why === 'unreadable' && obstacle.place.record.times.version > settings.version) throw new NewerVersion()
  }

  /** The record that `destroy()` would end. */
  get endable (): Place | null {
    if (this.place !== null || typeof this.obstacle !== 'object') return this.place
    return this.obstacle?.place ?? null
  }

  /** `destroy()`: the record is noted, to be ended, and the object goes on as a new session. */
  end (): void {
    const place = this.endable
    if (place !== null || this.exchange.several !== null || this.exchange.old !== null) {
      this.ending = { asked: place }
      if (typeof this.obstacle === 'object') this.obstacle = null
    }
    this.begin()
    if (this.accepted !== null) this.accepted = this.copy(this.standing.data)
  }

  /** A save has kept a record for a session that was destroyed meanwhile: end it as well. */
  endToo (place: Place): void {
    this.ending = { asked: place }
  }

  /** The session that `destroy()` asked to end has ended. */
  ended (): void {
    this.ending = null
    this.exchange.removeAll(this.runtime.cookies.clear)
  }

  /** It is over, and not by `destroy()`: nothing is written. Unless this request has ended it, the browser may hold a newer cookie. */
  endedElsewhere (reason: 'ended-elsewhere' | 'expired' | null): void {
    this.ending = 'elsewhere'
    if (reason === null) return this.exchange.removeAll(this.runtime.cookies.clear)
    this.exchange.leaveCookies()
    this.reject(reason)
  }

  refuse (error: Error): void {
    this.refusal = error
  }

  /** The response becomes an error. Fastify runs the hooks for it once more. */
  fail (): void {
    this.broken = true
  }

  saveFailed (error: unknown): void {
    if (error instanceof StoreFailed) this.storeFailed = true
  }

  /** `data` is what counts from now on: later changes are lost unless a `save()` follows. */
  accept (data: Data): void {
    this.accepted = data
  }

  /** The response leaves, and with it `data`. */
  close (data: Data): void {
    this.exchange.close()
    this.accept(data)
  }

  /** The response begins anew, as an error. */
  reopen (): void {
    this.accepted = null
    this.exchange.reopen()
  }

  /** While `running` is under way, no other save of this request begins. */
  busyWith (running: Promise<unknown>): void {
    const free = () => { this.saving = null }
    this.saving = running.then(free, free)
  }

  /** The response has ended. */
  watch (late: Late): void {
    this.late = late
  }

  reject (reason: RejectReason, paths: readonly string[] = []): void {
    const { exchange: { request }, runtime } = this
    request.log.debug({ session: runtime.settings.name, reason, paths }, 'session not accepted')
    emit(runtime, 'onReject', () => ({ request, id: this.handle(), reason, paths }))
  }

  /** Nothing of a session belongs into a log, whoever prints the request. */
  [inspect.custom] (): string { return 'Visit {}' }
}
