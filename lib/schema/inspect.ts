import type { $ZodType, $ZodTypes } from 'zod/v4/core'
import { isAsync, userFunctions } from './functions.js'
import { FORBIDDEN_KEYS, isForbiddenKey } from '../values/json.js'
import { isZod, liveKeys, mayBeAbsent } from './keys.js'
import { sharedDefault } from './shared-defaults.js'
import { unstorable } from './unstorable.js'

/** The facts about a schema that its codec must know, and the reasons not to use it. */
export interface Inspection {
  /** Top-level keys of the live data that the schema declares. */
  readonly keys: ReadonlySet<string>
  /** Does it take other top-level keys too (`catchall`, `record`)? */
  readonly open: boolean
  /** Does some part look different live than stored? */
  readonly converts: boolean
  /** The keys that it declares, at any depth, and those that nobody may: all that can be named without telling data. */
  readonly names: ReadonlySet<string>
  /** May a string or number come back changed because the schema says so (`.trim()`)? */
  readonly normalises: boolean
  /** May decoded data share or freeze containers (`any`, `custom`, `.readonly()`)? */
  readonly shares: boolean
  /** Does it run functions that might return a promise? */
  readonly foreign: boolean
  /** Everything that makes it unusable, each with its path and the remedy. Empty: usable. */
  readonly problems: readonly string[]
}

/** Stored: as it is kept. Live: the other side of a codec, which may be anything. */
type Side = 'stored' | 'live'
interface Child { readonly schema: $ZodType, readonly path: string, readonly side: Side }
type Findings = { -readonly [K in 'converts' | 'normalises' | 'shares' | 'foreign']: boolean } & { names: Set<string>, problems: string[] }

const MAX_NESTING = 100
/** Where `@fastify/csrf-protection` keeps its secret. */
const CSRF = '_csrf'
const PASSING_THROUGH: ReadonlySet<string> = new Set(['any', 'unknown', 'custom'])

/** Walks a schema, recursive ones too, and collects everything that is wrong with it at once. */
export function inspectSchema (schema: $ZodType, reserved: ReadonlySet<string>): Inspection {
  const findings: Findings = { converts: false, normalises: false, shares: false, foreign: false, names: new Set(FORBIDDEN_KEYS), problems: [] }
  walk({ schema, path: 'session', side: 'stored' }, findings, new Map(), 0)
  const { keys, open, problem } = liveKeys(schema)
  if (problem !== null) findings.problems.push(problem)
  for (const key of keys) {
    if (reserved.has(key)) findings.problems.push(`session.${key}: the name is reserved for a member of the session. Choose another`)
  }
  if (findings.problems.length === 0 && keys.has(CSRF) && !mayBeAbsent(schema, CSRF)) {
    findings.problems.push(`session.${CSRF}: a sign-in takes it away, because somebody else may have planted it. Make it .optional()`)
  }
  return { ...findings, keys, open }
}

function walk (node: Child, findings: Findings, seen: Map<$ZodType, Set<Side>>, depth: number): void {
  if (!isZod(node.schema)) {
    findings.problems.push(`${node.path}: ${whatIsWrong(node.schema)}`)
    return
  }
  const sides = seen.get(node.schema) ?? new Set()
  if (sides.has(node.side)) return
  seen.set(node.schema, sides.add(node.side))
  if (depth > MAX_NESTING) {
    findings.problems.push(`${node.path}: the schema has no end. Let z.lazy() return the same schema each time`)
    return
  }
  inspectNode(node, findings)
  for (const child of children(node, findings)) walk(child, findings, seen, depth + 1)
}

function whatIsWrong (schema: unknown): string {
  if (schema === undefined) return 'it is undefined. Do two files import each other? Move the schema to one of its own'
  return schema instanceof Object && '_def' in schema ? 'it is a schema of Zod 3. Make it with Zod 4' : 'it is no schema. Use one of Zod, as in z.string()'
}

function inspectNode ({ schema, path, side }: Child, findings: Findings): void {
  const { def } = (schema as $ZodTypes)._zod
  if (side === 'stored') {
    const problem = unstorable(schema)
    if (problem !== null) findings.problems.push(`${path}: ${problem}`)
  }
  if (def.type === 'transform' || def.type === 'success') {
    findings.problems.push(`${path}: a transform or preprocess works in one direction only. Use z.codec() with decode and encode`)
  }
  // A loose record hands on what its keys do not match.
  if (def.type === 'record' && 'mode' in def && def.mode === 'loose') findings.shares = true
  if (def.type === 'readonly' || (side === 'stored' && PASSING_THROUGH.has(def.type))) findings.shares = true
  if (def.type === 'default' || def.type === 'catch') {
    for (const part of sharedDefault(schema)) findings.problems.push(`${path}${part.path}: ${part.remedy}`)
  }
  inspectFunctions(schema, path, findings)
}

function inspectFunctions (schema: $ZodType, path: string, findings: Findings): void {
  const { functions, normalises } = userFunctions(schema)
  if (normalises) findings.normalises = true
  if (functions.length > 0) findings.foreign = true
  if (functions.some(isAsync)) findings.problems.push(`${path}: it is asynchronous. A session is decoded and encoded synchronously: check before you assign`)
}

function children (node: Child, findings: Findings): Child[] {
  const { def } = (node.schema as $ZodTypes)._zod
  const { path, side } = node
  const child = (schema: unknown, suffix = '', on = side): Child => ({ schema: schema as $ZodType, path: path + suffix, side: on })
  switch (def.type) {
    case 'object':
      return objectChildren(def, node, findings)
    case 'array':
      return [child(def.element, '[]')]
    case 'tuple':
      return [...def.items.map((item, i) => child(item, `[${i}]`)), ...def.rest ? [child(def.rest, '[…]')] : []]
    case 'record':
    case 'map':
      return [child(def.keyType, '<key>'), child(def.valueType, '.*')]
    case 'set':
      return [child(def.valueType, '<item>')]
    case 'union':
      return def.options.map((option, i) => child(option, `|${i}`))
    case 'intersection':
      return [child(def.left), child(def.right)]
    case 'pipe':
      if (isCodec(def)) findings.converts = true
      // A plain pipe hands on the result of its first half, where there may be a codec.
      return [child(def.in), child(def.out, '', 'live')]
    case 'lazy':
      return [child((node.schema as $ZodType & { _zod: { innerType: $ZodType } })._zod.innerType)]
    case 'default':
    case 'prefault':
    case 'catch':
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'readonly':
    case 'success':
      return [child(def.innerType)]
    default:
      return []
  }
}

const isCodec = (def: object): boolean => 'reverseTransform' in def && def.reverseTransform !== undefined

function objectChildren (def: { shape: Readonly<Record<string, unknown>>, catchall?: unknown }, { path, side }: Child, findings: Findings): Child[] {
  const keys = Object.keys(def.shape)
  for (const key of keys) findings.names.add(key)
  // Zod takes an inherited toString for a value of the key toString.
  for (const key of keys.filter(key => isForbiddenKey(key) || key in Object.prototype)) findings.problems.push(`${path}.${key}: a key cannot have this name, every object has it`)
  if (Object.getOwnPropertySymbols(def.shape).length > 0) findings.problems.push(`${path}: a symbol cannot be a key in JSON. Use a string`)
  const named = keys.map(key => ({ schema: def.shape[key] as $ZodType, path: `${path}.${key}`, side }))
  return def.catchall === undefined ? named : [...named, { schema: def.catchall as $ZodType, path: `${path}.*`, side }]
}
