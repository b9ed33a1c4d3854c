const known = new WeakSet<object>()

/** Marks a function of ours as one that never returns a promise, so that a schema with it can take Zod's compiled path. */
export function sync<F extends object> (fn: F): F {
  known.add(fn)
  return fn
}

/** Is it declared asynchronous? */
export const isAsyncFunction = (fn: unknown): boolean => Object.prototype.toString.call(fn) === '[object AsyncFunction]'

/** Is it a promise, where none is of use? Nobody waits for it, and if it rejects it must not end the process. */
export function isPromise (value: unknown): boolean {
  if (!(value instanceof Object && 'then' in value)) return false
  Promise.resolve(value).catch(() => {})
  return true
}

export const isKnownSync = (fn: object): boolean => known.has(fn)
