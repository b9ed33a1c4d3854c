export const storeMethods: readonly string[] = ['create', 'load', 'replace', 'touch', 'delete']

/** Whether it has every method that a store must have. */
export function isStore (value: unknown): boolean {
  const members = Object(value) as Record<string, unknown>
  return storeMethods.every((name) => typeof members[name] === 'function')
}
