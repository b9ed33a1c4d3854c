import type { $ZodType, $ZodTypes } from 'zod/v4/core'

const CODECS = 'from fastify-typed-session/codecs'

const REMEDIES: Readonly<Record<string, string>> = {
  date: `Use date() ${CODECS}`,
  bigint: `Use bigint() ${CODECS}`,
  map: `Use mapOf(key, value) ${CODECS}`,
  set: `Use setOf(item) ${CODECS}`,
  undefined: 'Use .optional()',
  void: 'Use .optional()',
  nan: 'Use z.number().nullable()',
  symbol: 'Use a string, or a z.codec() to one',
  function: 'Keep what the function needs instead',
  promise: 'Await it and keep the result',
  file: 'Keep it elsewhere, and its name here'
}

const CLASS_REMEDIES = new Map<unknown, string>([
  [Date, `Use date() ${CODECS}`],
  [Map, `Use mapOf(key, value) ${CODECS}`],
  [Set, `Use setOf(item) ${CODECS}`],
  [Uint8Array, `Use bytes() ${CODECS}`],
  [Buffer, `Use bytes() ${CODECS}`],
  [URL, `Use url() ${CODECS}`]
])

/** Why values of this schema, or its items, cannot be kept as JSON, and what to use; `null` if they can. */
export function unstorable (schema: $ZodType): string | null {
  const { def } = (schema as $ZodTypes)._zod
  const remedy = REMEDIES[def.type]
  if (remedy !== undefined) return `z.${def.type}() cannot be stored as JSON. ${remedy}`
  switch (def.type) {
    case 'literal':
      return unstorableLiteral(def.values)
    case 'custom':
      return unstorableInstance(schema)
    case 'array':
      return isGap(def.element) ? GAP : null
    case 'tuple':
      return [...def.items, def.rest].some(isGap) ? GAP : null
    default:
      return null
  }
}

const GAP = 'an item that is undefined would come back as null. Use .nullable() for the items'

function isGap (schema: unknown): boolean {
  const { optin, optout } = (schema as $ZodType | null)?._zod ?? {}
  return optout === 'optional' && optin !== undefined
}

function unstorableLiteral (values: readonly unknown[]): string | null {
  if (values.includes(undefined)) return 'the literal undefined cannot be stored as JSON. Use .optional()'
  if (values.some(value => typeof value === 'bigint')) return `a bigint literal cannot be stored as JSON. Use bigint() ${CODECS}`
  return null
}

/** `z.instanceof()`; a `z.custom()` may be a JSON value and is checked when it is encoded. */
function unstorableInstance (schema: $ZodType): string | null {
  const wanted: unknown = schema._zod.bag.Class
  if (typeof wanted !== 'function') return null
  return `an instance of ${wanted.name} cannot be stored as JSON. ${CLASS_REMEDIES.get(wanted) ?? 'Use a z.codec() to JSON'}`
}
