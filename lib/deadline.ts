import { StoreFailed } from './errors.js'

/**
 * Runs one call to a store, and gives up after `timeout` milliseconds.
 * Rejects with `StoreFailed`, whose cause says what went wrong without what drivers attach: queries, commands, rows.
 */
export function withDeadline<T> (timeout: number, call: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let answered = false
    let timer: NodeJS.Timeout | undefined
    const settle = () => {
      answered = true
      clearTimeout(timer)
    }
    const fail = (error: unknown) => {
      settle()
      reject(storeFailure(error))
    }
    try {
      call().then((value) => {
        settle()
        resolve(value)
      }, fail)
    } catch (error) {
      return fail(error)
    }
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
