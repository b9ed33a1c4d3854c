import type { Awaitable } from '../../types/index.js'
import type { Answer } from './answer.js'
import { StoreFailed } from '../errors.js'

/**
 * Runs one call to a store, and gives up after `timeout` milliseconds. Throws, or rejects with, `StoreFailed`, whose cause
 * says what went wrong without what drivers attach: queries, commands, rows.
 */
export function withDeadline<T> (timeout: number, call: () => Awaitable<T>): Answer<T> {
  let answer: Awaitable<T>
  try {
    answer = call()
  } catch (error) {
    throw storeFailure(error)
  }
  if (answer instanceof Promise) return within(timeout, answer)
  return isThenable<T>(answer) ? within(timeout, Promise.resolve(answer)) : answer
}

/** A promise of another make: some drivers bring their own. */
function isThenable<T> (answer: unknown): answer is PromiseLike<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function'
}

function within<T> (timeout: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let answered = false
    let timer: NodeJS.Timeout | undefined
    const settle = () => {
      answered = true
      clearTimeout(timer)
    }
    answer.then((value) => {
      settle()
      resolve(value)
    }, (error: unknown) => {
      settle()
      reject(storeFailure(error))
    })
    // A store in this process has answered by then, and needs no timer.
    queueMicrotask(() => {
      if (!answered) timer = setTimeout(() => reject(storeFailure(new Error(`no answer within ${timeout} ms`))), timeout)
    })
  })
}

export function storeFailure (error: unknown): Error {
  const failure = new StoreFailed()
  const { name, message, code, stack }: NodeJS.ErrnoException = error instanceof Error ? error : new Error('the store threw no error')
  failure.cause = Object.assign(new Error(message), { name, stack, ...(typeof code === 'string' && { code }) })
  return failure
}
