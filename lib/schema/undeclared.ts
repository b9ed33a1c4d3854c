import { InvalidOption } from '../errors.js'
import { isForbiddenKey } from '../values/json.js'

/**
 * Tells the keys that plugins may write outside the schema. Throws `FST_TYPED_SESSION_INVALID_OPTION` for a name that
 * already means something.
 */
export function undeclaredMatcher (
  names: readonly (string | RegExp)[], declared: ReadonlySet<string>, reserved: ReadonlySet<string>
): (key: string) => boolean {
  const taken = (key: string): boolean => declared.has(key) || reserved.has(key) || isForbiddenKey(key)
  const literal = new Set(names.filter(name => typeof name === 'string'))
  for (const name of literal) {
    if (taken(name)) throw new InvalidOption('undeclaredKeys', `"${name}" is ${declared.has(name) ? 'declared by the schema' : 'not available as a key'}. Remove it`)
  }
  const patterns = names.filter(name => name instanceof RegExp).map(stateless)
  if (literal.size + patterns.length < new Set(names).size) throw new InvalidOption('undeclaredKeys', 'every entry must be a string or a regular expression')
  return key => !taken(key) && (literal.has(key) || patterns.some(pattern => pattern.test(key)))
}

/** With the flags g and y a pattern remembers where it stopped, and every second test would fail. */
const stateless = (pattern: RegExp): RegExp => new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
