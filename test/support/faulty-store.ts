import type { Awaitable, SessionStore } from '../../types/index.js'

export type Operation = 'create' | 'load' | 'replace' | 'delete'

/** What becomes of a call; `call` makes it after all. */
export type Fault = (call: () => Promise<unknown>) => unknown

/** Stands in what drivers attach to their errors: nobody may ever see it. */
export const ATTACHED = 'attached-by-the-driver'
/** Stands in the message of the driver's error: for the log, never for the answer. */
export const DRIVER_TEXT = 'read ECONNRESET 10.0.0.7:6379'

/** As drivers make them: with the command, its arguments, the row. */
export function driverError (): Error {
  return Object.assign(new Error(DRIVER_TEXT), {
    code: 'ECONNRESET', command: { name: 'SET', args: [ATTACHED] }, detail: ATTACHED, query: ATTACHED, parameters: [ATTACHED]
  })
}

/** Faults after which the call has no answer. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  rejects: () => Promise.reject(driverError()),
  throws: () => { throw driverError() },
  hangs: () => new Promise(() => {}),
  'answers too late': (call) => new Promise((resolve, reject) => setTimeout(() => { call().then(resolve, reject) }, 10_000)),
  'rejects too late': () => new Promise((_resolve, reject) => setTimeout(() => reject(driverError()), 10_000)),
  // eslint-disable-next-line prefer-promise-reject-errors
  'rejects with nothing': () => Promise.reject(),
  'throws a text': () => { throw ATTACHED },
  'answers a callback that nobody gave': () => undefined,
  'returns no promise': () => ({ ok: true })
}

/** A store whose calls can be made to fail. */
export class FaultyStore implements SessionStore {
  readonly #store: SessionStore
  #faults: Array<{ operation: Operation, fault: Fault, skip: number, times: number }> = []
  /** Every call, in order. */
  readonly calls: Operation[] = []
  /** The arguments of every call. */
  readonly arguments: unknown[][] = []

  constructor (store: SessionStore) {
    this.#store = store
  }

  /** From now on, after `skip` good calls and `times` times, calls of this kind fail. */
  break (operation: Operation, fault: Fault, { skip = 0, times = Infinity } = {}): void {
    this.#faults.push({ operation, fault, skip, times })
  }

  heal (): void {
    this.#faults = []
  }

  create (...args: Parameters<SessionStore['create']>): ReturnType<SessionStore['create']> {
    return this.#run('create', args, () => this.#store.create(...args))
  }

  load (...args: Parameters<SessionStore['load']>): ReturnType<SessionStore['load']> {
    return this.#run('load', args, () => this.#store.load(...args))
  }

  replace (...args: Parameters<SessionStore['replace']>): ReturnType<SessionStore['replace']> {
    return this.#run('replace', args, () => this.#store.replace(...args))
  }

  touch (...args: Parameters<SessionStore['touch']>): ReturnType<SessionStore['touch']> {
    return this.#store.touch(...args)
  }

  delete (...args: Parameters<SessionStore['delete']>): ReturnType<SessionStore['delete']> {
    return this.#run('delete', args, () => this.#store.delete(...args))
  }

  findBySubject (subject: string): ReturnType<NonNullable<SessionStore['findBySubject']>> {
    return (this.#store.findBySubject as NonNullable<SessionStore['findBySubject']>).call(this.#store, subject)
  }

  #run<T> (operation: Operation, args: unknown[], call: () => Awaitable<T>): Awaitable<T> {
    this.calls.push(operation)
    this.arguments.push(args)
    for (const entry of this.#faults) {
      if (entry.operation !== operation || entry.times <= 0) continue
      if (entry.skip > 0) {
        entry.skip--
        continue
      }
      entry.times--
      return entry.fault(async () => await call()) as Promise<T>
    }
    return call()
  }
}
