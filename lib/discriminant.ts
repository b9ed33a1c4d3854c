import type { $ZodType, $ZodTypes } from 'zod/v4/core'

/** The key that tells the members of a union apart; `null` for a schema that is no such union. */
export function discriminantOf (schema: $ZodType): string | null {
  const { def } = schema._zod as unknown as { def: $ZodTypes['_zod']['def'] }
  if ('innerType' in def) return discriminantOf(def.innerType as $ZodType)
  if (def.type !== 'union') return null
  const values = def.options.map((option) => (option as $ZodType)._zod.propValues ?? {})
  const candidates = Object.keys(values[0] ?? {})
  return candidates.find((key) => values.every((of) => of[key] !== undefined) && disjoint(values.map((of) => of[key] as Set<unknown>))) ?? null
}

function disjoint (sets: readonly Set<unknown>[]): boolean {
  const all = new Set(sets.flatMap((set) => [...set]))
  return all.size === sets.reduce((sum, set) => sum + set.size, 0)
}
