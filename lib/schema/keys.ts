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
      return through((schema as $ZodType & { _zod: { innerType: $ZodType } })._zod.innerType)
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

/** Can live data lack a value under `key`, as a key can that is optional or may be null? If we cannot tell: yes. */
export function mayBeAbsent (schema: $ZodType, key: string): boolean {
  return properties(schema, key).some((property) => property === undefined || kinds(property).some((kind) => !VALUES.has(kind)))
}

/** Can live data hold a text or a number under `key`? If we cannot tell: yes. */
export function mayBeText (schema: $ZodType, key: string): boolean {
  return properties(schema, key).some((property) => property === undefined || kinds(property).some((kind) => !OBJECTS.has(kind)))
}

const OBJECTS: ReadonlySet<string> = new Set(['boolean', 'object', 'array', 'tuple', 'record', 'date', 'map', 'set', 'null', 'undefined'])
const VALUES: ReadonlySet<string> = new Set(['string', 'number', 'bigint', 'enum', 'boolean', 'object', 'array', 'tuple', 'record', 'date', 'map', 'set'])

/** The declaration of `key` in each member of a schema. `undefined`: this member has none, or we cannot tell. */
function properties (schema: $ZodType, key: string): readonly ($ZodType | undefined)[] {
  const { def } = (schema as $ZodTypes)._zod
  const inside = (inner: unknown) => properties(inner as $ZodType, key)
  if (def.type === 'object') return [(def.shape as Readonly<Record<string, $ZodType>>)[key]]
  if (def.type === 'union') return def.options.flatMap(inside)
  if (def.type === 'pipe') return inside(def.out)
  if (def.type === 'intersection') {
    const declared = [def.left, def.right].flatMap(inside).filter((property) => property !== undefined)
    return declared.length > 0 ? declared : [undefined]
  }
  return 'innerType' in def ? inside(def.innerType) : [undefined]
}

/** The kinds of values that live data may have, as far as that is certain. */
function kinds (schema: $ZodType): readonly string[] {
  const { def } = (schema as $ZodTypes)._zod
  if (def.type === 'union') return def.options.flatMap((option) => kinds(option as $ZodType))
  if (def.type === 'pipe') return kinds(def.out as $ZodType)
  if (!('innerType' in def)) return [def.type]
  const inner = kinds(def.innerType as $ZodType)
  return def.type === 'nullable' || schema._zod.optout === 'optional' ? ['null', ...inner] : inner
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
