import type { $ZodType, $ZodTypes } from 'zod/v4/core'

/** The keys that tell the members of a union apart, and the values of all of them. */
export interface Discriminants { readonly keys: readonly string[], readonly values: ReadonlySet<unknown> }

/** As the type of the same name has them; `null` for a schema that is no such union. */
export function discriminantsOf (schema: $ZodType): Discriminants | null {
  const schemas = membersOf(schema)
  if (schemas.length < 2) return null
  const members = schemas.map((member) => member._zod.propValues ?? {})
  const found = Object.keys(members[0] as object).flatMap((key) => {
    const sets = members.map((member) => member[key] as ReadonlySet<unknown> | undefined)
    return sets.every(isLiteral) && areDisjoint(sets) ? [{ key, values: sets.flatMap((set) => [...set]) }] : []
  })
  return found.length === 0 ? null : { keys: found.map(({ key }) => key), values: new Set(found.flatMap(({ values }) => values)) }
}

/** The member of such a union that `data` belong to, by any of its keys. */
export function memberOf (schema: $ZodType, data: Readonly<Record<string, unknown>>): $ZodType | null {
  const keys = discriminantsOf(schema)?.keys.filter((key) => Object.hasOwn(data, key)) ?? []
  return membersOf(schema).find(({ _zod: { propValues } }) => keys.some((key) => propValues?.[key]?.has(data[key] as string))) ?? null
}

function membersOf (schema: $ZodType): $ZodType[] {
  const { def } = schema._zod as { def: $ZodTypes['_zod']['def'] }
  if ('innerType' in def) return membersOf(def.innerType as $ZodType)
  return def.type === 'union' ? def.options.flatMap((option) => membersOf(option as $ZodType)) : [schema]
}

const LITERAL: ReadonlySet<string> = new Set(['string', 'number', 'boolean'])

/** One that may be absent tells nothing. */
const isLiteral = (set: ReadonlySet<unknown> | undefined): set is ReadonlySet<unknown> => set !== undefined && [...set].every((value) => LITERAL.has(typeof value))

const areDisjoint = (sets: readonly ReadonlySet<unknown>[]): boolean =>
  new Set(sets.flatMap((set) => [...set])).size === sets.reduce((sum, set) => sum + set.size, 0)
