import type { $ZodType, $ZodTypes } from 'zod/v4/core'

/** The key that tells the members of a union apart, and its values; `null` for a schema that is no such union. */
export function discriminantOf (schema: $ZodType): { readonly key: string, readonly values: ReadonlySet<unknown> } | null {
  const { def } = schema._zod as unknown as { def: $ZodTypes['_zod']['def'] }
  if ('innerType' in def) return discriminantOf(def.innerType as $ZodType)
  if (def.type !== 'union') return null
  const members = def.options.map((option) => (option as $ZodType)._zod.propValues ?? {})
  for (const key of members.flatMap((member) => Object.keys(member))) {
    const sets = members.map((member) => member[key])
    if (sets.every((set) => set !== undefined) && disjoint(sets as Set<unknown>[])) return { key, values: new Set(sets.flatMap((set) => [...set as Set<unknown>])) }
  }
  return null
}

function disjoint (sets: readonly Set<unknown>[]): boolean {
  return new Set(sets.flatMap((set) => [...set])).size === sets.reduce((sum, set) => sum + set.size, 0)
}
