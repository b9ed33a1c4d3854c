const known = new WeakSet<object>()

/** Marks a function of ours as one that never returns a promise, so that a schema with it can take Zod's compiled path. */
export function sync<F extends object> (fn: F): F {
  known.add(fn)
  return fn
}

export const isKnownSync = (fn: object): boolean => known.has(fn)
