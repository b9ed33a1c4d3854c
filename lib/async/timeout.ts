import type { Awaitable } from '../../types/index.js'
import type { Answer } from './answer.js'
import { StoreFailed } from '../errors.js'

/** How long a store may take, and what it is called in the log. */
export interface Limit {
  /** Milliseconds. */
  readonly timeout: number
  readonly store: string
}

/** One step of a request: a load, a save, an end. It has one time limit for all its store calls. */
export interface Step {
  /** When its time is over, by `performance.now()`. 0: nothing has taken time yet. Any object that lives as long may have it. */
  until: number
}

/**
 * Runs one call to a store, and gives up when its time is over: that of `step`, or its own. Throws, or rejects with,
 * `StoreFailed`, whose cause names call and store, and says what went wrong without what drivers attach: queries, rows.
 */
export function withDeadline<T> (limit: Limit, name: string, call: () => Awaitable<T>, step?: Step): Answer<T> {
  // Only a step that a store has kept waiting has a clock to look at.
  if (step !== undefined && step.until !== 0 && performance.now() >= step.until) throw noAnswer(limit, name)
  let answer: Awaitable<T>
  try {
    answer = call()
  } catch (error) {
    throw storeFailure(error, `${name}() of ${limit.store} failed: `)
  }
  if (answer instanceof Promise) return within(limit, name, answer, step)
  return isThenable<T>(answer) ? within(limit, name, Promise.resolve(answer), step) : answer
}

/** A promise of another make: some drivers bring their own. */
function isThenable<T> (answer: unknown): answer is PromiseLike<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function'
}

function within<T> (limit: Limit, name: string, answer: Promise<T>, step: Step | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(noAnswer(limit, name)), timeLeft(limit, step))
    answer.then((value) => {
      clearTimeout(timer)
      resolve(value)
    }, (error: unknown) => {
      clearTimeout(timer)
      reject(storeFailure(error, `${name}() of ${limit.store} failed: `))
    })
  })
}

function timeLeft ({ timeout }: Limit, step: Step | undefined): number {
  if (step === undefined) return timeout
  const now = performance.now()
  if (step.until === 0) step.until = now + timeout
  // The call itself may have held the process up for longer. Node warns of a negative time.
  return Math.max(1, step.until - now)
}

function noAnswer ({ timeout, store }: Limit, name: string): Error {
  return storeFailure(new Error(`${name}() of ${store} had no answer within ${timeout} ms (storeTimeout)`))
}

/** Its cause is `error` with `what` before its message, for the log only. */
export function storeFailure (error: unknown, what = ''): Error {
  const failure = new StoreFailed()
  const { name, message, code, stack }: NodeJS.ErrnoException = error instanceof Error ? error : new Error('what was thrown is no error')
  failure.cause = Object.assign(new Error(what + message), { name, stack, ...(typeof code === 'string' && { code }) })
  return failure
}
