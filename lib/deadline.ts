import { StoreFailed } from './errors.js'

/**
 * Runs one call to a store, and gives up after `timeout` milliseconds.
 * Rejects with `StoreFailed`, whose cause says what went wrong without what drivers attach: queries, commands, rows.
 */
export function withDeadline<T> (timeout: number, call: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(storeFailure(new Error(`no answer within ${timeout} ms`))), timeout)
    const fail = (error: unknown) => {
      clearTimeout(timer)
      reject(storeFailure(error))
    }
    try {
      call().then((value) => {
        clearTimeout(timer)
        resolve(value)
      }, fail)
    } catch (error) {
      fail(error)
    }
  })
}

export function storeFailure (error: unknown): Error {
  const failure = new StoreFailed()
  const { name, message, code, stack }: NodeJS.ErrnoException = error instanceof Error ? error : new Error('the store threw no error')
  failure.cause = Object.assign(new Error(message), { name, stack, ...(typeof code === 'string' && { code }) })
  return failure
}
