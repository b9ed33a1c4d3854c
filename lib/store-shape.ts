export const storeMethods: readonly string[] = ['create', 'load', 'replace', 'touch', 'delete']

/** Whether it has every method that a store must have. */
export function isStore (value: unknown): boolean {
  const members = Object(value) as Record<string, unknown>
  return storeMethods.every((name) => typeof members[name] === 'function')
}

/** The advice for a value that is no store. */
export function storeAdvice (value: unknown): string {
  const has = (...names: string[]) => names.every((name) => typeof (Object(value) as Record<string, unknown>)[name] === 'function')
  if (typeof value === 'function') return 'must be a store, and this is a function: call it, as in memoryStore()'
  if (has('sendCommand') || has('evalsha')) return 'must be a store, and this is a Redis client: redisStore({ client })'
  if (has('get', 'set', 'destroy')) return 'must be a store, and this is one for express-session: connectStore(store)'
  return `must be a store, such as memoryStore() or redisStore({ client }): an object with the methods ${storeMethods.join(', ')}`
}
