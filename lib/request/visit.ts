import { inspect } from 'node:util'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RejectReason } from '../../types/index.js'
import type { Loaded, Place } from '../backends/place.js'
import { Controls } from './members.js'
import { Moved, NewerVersion, NotReady, StoreFailed } from '../errors.js'
import type { Data } from '../session/merge.js'
import { emit, type Runtime } from './runtime.js'
import { publicHandle } from '../tokens/public-id.js'
import { assign, Session } from '../session/session.js'

export type Change = (data: Data) => Data | void | Promise<Data | void>

/** One request's session, from the cookie that came in to the cookie that goes out. */
export class Visit {
  readonly runtime: Runtime
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly token: string | null
  /** The same object for every request of one route. */
  readonly route: unknown
  loaded: Loaded | null = null
  #loading = false
  /** `null` until the session is read. */
  session: Session | null = null
  /** The record the session stands on; `null`: it is new. */
  place: Place | null = null
  /** The data as they were found. Never handed out. */
  base: Data = {}
  /** The record needs writing even if the handler changes nothing. */
  upgraded = false
  rotation = false
  /** `reauthenticated()` was called. */
  reauthenticated = false
  touched = false
  /** What `persist()` asked for; `undefined`: nothing. */
  remember: boolean | undefined
  /** The record that `destroy()` ended. */
  ended: Place | null = null
  /** A request that lost its way to its record: it may read, but not open another session over it. */
  barrier: 'moved' | 'store' | null = null
  /** A record that does not satisfy the schema: it can be ended, but not read. */
  unreadable: Place | null = null
  /** What was asked for and cannot be done: the response says so. */
  refused: Error | null = null
  /** It was ended elsewhere while this request ran. */
  over = false
  /** The `Set-Cookie` to send. */
  cookie: string | null = null
  /** `save()` has put it on the raw response already. */
  exposed = false
  /** The response has become an error because of the session. */
  broken = false
  /** The store has failed to save: the answer does not wait for it a second time. */
  storeFailed = false
  /** The save that is under way; never rejects. */
  saving: Promise<void> | null = null
  /** Counts the sessions that this request began with or went on to. */
  epoch = 0
  /** Counts what was asked of the session: `rotate()`, `reauthenticated()`, `touch()`, `persist()`. */
  asked = 0
  /** The response has left, or is about to: what the session held then. */
  closed: Data | null = null
  /** How often its late changes may still be reported; `0` until the response has ended. */
  reportsLeft = 0
  #fresh: { raw: Buffer, key: string } | null = null
  readonly #onStoreError: 'fail' | 'anonymous'

  constructor (runtime: Runtime, request: FastifyRequest, reply: FastifyReply, token: string | null, route: unknown, onStoreError: 'fail' | 'anonymous') {
    this.runtime = runtime
    this.request = request
    this.reply = reply
    this.token = token
    this.route = route
    this.#onStoreError = onStoreError
  }

  /**
   * Asks the backend. Only a store that takes its time makes this a promise. Throws, or rejects with, `StoreFailed`; throws
   * `NotReady` while it is being asked, as in a hook that runs the moment a client hangs up.
   */
  fetch (): void | Promise<void> {
    if (this.token === null || this.loaded !== null) return
    if (this.#loading) throw new NotReady(this.runtime.settings.name)
    this.#loading = true
    const failed = (error: Error) => this.#storeFailed(error)
    try {
      const loading = this.runtime.backend.load(this.token, Date.now())
      if (loading instanceof Promise) return loading.then((loaded) => { this.loaded = loaded }, failed)
      this.loaded = loading
    } catch (error) {
      failed(error as Error)
    }
  }

  /** What `request.session` is from now on. */
  open (): Session {
    this.fetch()
    this.session = new Session(new Controls(this), {})
    this.#settle()
    return this.session
  }

  handle (): string {
    return publicHandle((this.place ?? this.freshId()).key)
  }

  /** The id that a new session will get. */
  freshId (): { raw: Buffer, key: string } {
    this.#fresh ??= this.runtime.backend.newId()
    return this.#fresh
  }

  forgetFreshId (): void {
    this.#fresh = null
  }

  isNew (): boolean { return this.place === null }

  copy (data: Data): Data { return this.runtime.codec.copy(data) }

  reject (reason: RejectReason, paths: readonly string[] = []): void {
    this.request.log.debug({ session: this.runtime.settings.name, reason, paths }, 'session not accepted')
    emit(this.runtime, 'onReject', () => ({ request: this.request, id: this.handle(), reason, paths }))
  }

  /** Why a new session may not be opened, if it may not. */
  assertFree (): void {
    if (this.barrier === 'moved') throw new Moved()
    if (this.barrier === 'store') throw new StoreFailed()
    if (this.unreadable !== null && this.unreadable.record.times.version > this.runtime.settings.version) throw new NewerVersion()
  }

  /** Nothing of a session belongs into a log, whoever prints the request. */
  [inspect.custom] (): string {
    return 'Visit {}'
  }

  /** What the session holds now; shallow if it holds what cannot be copied. */
  snapshot (): Data {
    const data = { ...this.session }
    try {
      return this.copy(data)
    } catch {
      return data
    }
  }

  #settle (): void {
    const { loaded } = this
    if (loaded?.state === 'found' && this.read(loaded.place)) {
      emit(this.runtime, 'onLoad', () => ({ request: this.request, id: this.handle(), data: this.copy(this.base) }))
      return
    }
    this.begin()
    if (loaded?.state === 'none') this.reject(loaded.reason)
    if (loaded?.state === 'moved') {
      this.barrier = 'moved'
      this.reject('moved')
    }
  }

  /** The session becomes what `place` holds; `false` if that does not satisfy the schema. */
  read (place: Place): boolean {
    const opened = this.runtime.opener.open(place.record)
    if (!opened.ok) {
      this.unreadable = place
      this.reject('invalid', opened.paths)
      return false
    }
    this.place = place
    this.base = opened.data
    this.upgraded = opened.upgraded
    this.restore()
    if (opened.salvaged.length > 0) this.reject('salvaged', opened.salvaged)
    return true
  }

  /** The session becomes what it was found as. */
  restore (): void {
    assign(this.session as Session, this.copy(this.base))
  }

  /** The session becomes a new one. */
  begin (): void {
    this.epoch++
    this.place = null
    this.#fresh = null
    this.rotation = this.reauthenticated = this.touched = this.upgraded = false
    this.remember = undefined
    this.base = this.runtime.codec.initial()
    this.restore()
  }

  #storeFailed (error: Error): void {
    this.request.log.error({ err: error.cause }, 'session store failed to load')
    this.barrier = 'store'
    this.loaded = { state: 'none', reason: 'store-failed' }
    if (this.#onStoreError === 'fail') throw error
  }
}
