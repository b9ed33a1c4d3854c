import type { $ZodType, $ZodTypes } from 'zod/v4/core'

/** The top-level keys of live data, and whether there may be others. */
export interface LiveKeys { readonly keys: ReadonlySet<string>, readonly open: boolean, readonly problem: string | null }

/** Is it a schema of Zod 4? */
export const isZod = (value: unknown): value is $ZodType => typeof value === 'object' && value !== null && '_zod' in value

const NOT_AN_OBJECT = 'session: the schema must describe an object. Use z.object()'

/** Looks through wrappers, unions and codecs at the object that a handler holds. */
export function liveKeys (schema: $ZodType): LiveKeys {
  return collect(schema, new Set())
}

function collect (schema: $ZodType, seen: Set<$ZodType>): LiveKeys {
  // A lazy schema that is nothing but itself.
  if (seen.has(schema) || !isZod(schema)) return { keys: new Set(), open: false, problem: NOT_AN_OBJECT }
  const { def } = (schema as $ZodTypes)._zod
  const inside = new Set(seen).add(schema)
  const through = (inner: unknown): LiveKeys => collect(inner as $ZodType, inside)
  switch (def.type) {
    case 'object':
      return { keys: new Set(Object.keys(def.shape)), open: isOpen(def.catchall as $ZodType | undefined), problem: null }
    case 'record':
      return recordKeys(def.keyType as $ZodType)
    case 'union':
      return join(def.options.map(through))
    case 'intersection':
      return join([through(def.left), through(def.right)])
    case 'pipe':
      return through(def.out)
    case 'lazy':
      return through((schema as unknown as { _zod: { innerType: $ZodType } })._zod.innerType)
    case 'default':
    case 'prefault':
    case 'catch':
    case 'optional':
    case 'nonoptional':
    case 'readonly':
      return through(def.innerType)
    default:
      return { keys: new Set(), open: false, problem: NOT_AN_OBJECT }
  }
}

/** Can live data lack a value under `key`, as a key can that is optional or may be null? What cannot be told can. */
export function mayBeAbsent (schema: $ZodType, key: string): boolean {
  const { def } = (schema as $ZodTypes)._zod
  const inside = (inner: unknown): boolean => mayBeAbsent(inner as $ZodType, key)
  switch (def.type) {
    case 'object': {
      const property = (def.shape as Readonly<Record<string, $ZodType>>)[key]
      return property === undefined || mayBeNothing(property)
    }
    case 'union':
      return def.options.some(inside)
    case 'intersection':
      return inside(def.left) && inside(def.right)
    case 'pipe':
      return inside(def.out)
    default:
      return 'innerType' in def ? inside(def.innerType) : true
  }
}

const VALUES: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'enum', 'object', 'array', 'tuple', 'record', 'date', 'bigint', 'map', 'set'])

function mayBeNothing (schema: $ZodType): boolean {
  const { def } = (schema as $ZodTypes)._zod
  if (schema._zod.optout === 'optional' || def.type === 'nullable') return true
  if (def.type === 'union') return def.options.some((option) => mayBeNothing(option as $ZodType))
  if (def.type === 'pipe') return mayBeNothing(def.out as $ZodType)
  return 'innerType' in def ? mayBeNothing(def.innerType as $ZodType) : !VALUES.has(def.type)
}

const isOpen = (catchall: $ZodType | undefined): boolean => catchall !== undefined && catchall._zod.def.type !== 'never'

function recordKeys (keyType: $ZodType): LiveKeys {
  const { values } = keyType._zod
  return { keys: new Set([...values ?? []].map(String)), open: values === undefined, problem: null }
}

function join (parts: readonly LiveKeys[]): LiveKeys {
  return {
    keys: new Set(parts.flatMap(part => [...part.keys])),
    open: parts.some(part => part.open),
    problem: parts.find(part => part.problem !== null)?.problem ?? null
  }
}
