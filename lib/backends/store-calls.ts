import type { Awaitable, ReplaceOutcome, SessionStore, StoredRecord } from '../../types/index.js'
import { after, type Answer } from '../async/answer.js'
import { isTraced, traced } from '../diagnostics/store-calls.js'
import { type Limit, type Step, storeFailure, withDeadline } from '../async/timeout.js'

/** The calls to a store: each in time, and each answer one that the contract knows. Throw, or reject with, `StoreFailed`. */
export class StoreCalls {
  readonly #store: SessionStore
  readonly #limit: Limit

  /** `timeout`: milliseconds. */
  constructor (store: SessionStore, timeout: number) {
    this.#store = store
    this.#limit = { timeout, store: typeof store.name === 'string' ? store.name : 'the session store' }
  }

  /** Milliseconds that a step may take. */
  get timeout (): number { return this.#limit.timeout }

  /** It answers at once, never by a promise. */
  get immediate (): boolean { return this.#store.immediate === true }

  create (id: string, payload: string, expiresAt: number, subject?: string, step?: Step): Answer<boolean> {
    return after(this.#call('create', () => this.#store.create(id, payload, expiresAt, subject), step), (created) => {
      if (typeof created !== 'boolean') throw this.#wrong('create', 'answered neither true nor false')
      return created
    })
  }

  load (id: string, step?: Step): Answer<string | null> {
    const payload = this.#call('load', () => this.#store.load(id), step)
    if (!(payload instanceof Promise)) {
      // A store that wants a callback has not answered yet, and does not say that there is no session.
      if (typeof payload !== 'string' && payload !== null) throw this.#wrong('load', 'answered neither a promise, nor a payload, nor null')
    } else if (this.immediate) {
      payload.catch(() => {})
      throw this.#wrong('load', 'answered by a promise, although the store says `immediate`')
    }
    return payload
  }

  /** `current`: `null` for no record at all. */
  replace (id: string, current: string | null, payload: string, expiresAt: number, subject?: string, step?: Step): Answer<ReplaceOutcome> {
    if (current === null) return after(this.create(id, payload, expiresAt, subject, step), (created) => created ? 'replaced' : 'conflict')
    return after(this.#call('replace', () => this.#store.replace(id, current, payload, expiresAt, subject), step), (outcome) => {
      if (outcome === 'replaced' || outcome === 'conflict' || outcome === 'missing') return outcome
      throw this.#wrong('replace', 'answered none of: replaced, conflict, missing')
    })
  }

  delete (id: string, step?: Step): Answer<void> {
    return this.#call('delete', () => this.#store.delete(id), step)
  }

  /** Each record has the time of one call. */
  async * findBySubject (subject: string, step?: Step): AsyncGenerator<StoredRecord> {
    const store = this.#store as Required<Pick<SessionStore, 'findBySubject'>>
    const call = <T>(next: () => Awaitable<T>) => this.#call('findBySubject', next, step)
    const records = await call(async () => store.findBySubject(subject)[Symbol.asyncIterator]())
    for (;;) {
      const { done, value } = await call(() => records.next())
      if (done) return
      yield value
    }
  }

  #call<T> (name: string, call: () => Awaitable<T>, step: Step | undefined): Answer<T> {
    if (!isTraced()) return withDeadline(this.#limit, name, call, step)
    return traced(name, this.#limit.store, () => withDeadline(this.#limit, name, call, step))
  }

  #wrong (name: string, what: string): Error {
    return storeFailure(new Error(`${name}() of ${this.#limit.store} ${what}`))
  }
}
