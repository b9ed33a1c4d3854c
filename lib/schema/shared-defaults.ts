import type { $ZodType, $ZodTypes } from 'zod/v4/core'
import { formatPath } from '../values/path.js'

/** A part of a default that every session would share: one visitor's data would show up in another's session. */
export interface SharedPart { readonly path: string, readonly remedy: string }

/** The value that the `default` or `catch` of this node would share between sessions. Asks for the value twice and compares. */
export function sharedDefault (schema: $ZodType): readonly SharedPart[] {
  const { def } = (schema as $ZodTypes)._zod
  const remedy = def.type === 'catch'
    ? 'this .catch() value would be shared by all sessions. Use .catch(() => …)'
    : 'this .default() value would be shared by all sessions. Use .default(() => …) or .prefault(…)'
  const value = def.type === 'catch' ? () => caught(def.catchValue as (context: object) => unknown) : () => (def as { defaultValue?: unknown }).defaultValue
  return sharedParts(value(), value()).map(path => ({ path: suffix(path), remedy }))
}

function caught (catchValue: (context: object) => unknown): unknown {
  try {
    return catchValue({ value: undefined, input: undefined, issues: [], error: { issues: [] } })
  } catch {
    // It wants to see a real error, so it is no constant.
    return undefined
  }
}

const suffix = (path: readonly PropertyKey[]): string => {
  if (path.length === 0) return ''
  const text = formatPath(path)
  return text.startsWith('[') ? text : `.${text}`
}

/** The paths of mutable objects that two values have in common. */
export function sharedParts (a: unknown, b: unknown, path: readonly PropertyKey[] = []): (readonly PropertyKey[])[] {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return []
  if (a === b && isMutable(a)) return [path]
  return parts(a).flatMap(([key, part]) => sharedParts(part, new Map(parts(b)).get(key), [...path, key]))
}

function parts (value: object): [PropertyKey, unknown][] {
  if (Array.isArray(value) || value instanceof Map || value instanceof Set) return [...value.values()].map((part, i) => [i, part])
  return Object.entries(value)
}

// Freezing a Date or a Map does not keep it from changing.
const isMutable = (value: object): boolean => !Object.isFrozen(value) || !(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
