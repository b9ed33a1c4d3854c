import type { $ZodType } from 'zod/v4/core'
import { isAsyncFunction, isKnownSync, isPromise } from '../async/promises.js'

// Where Zod keeps the functions that an application hands in, on schemas and on checks.
interface Callbacks {
  readonly fn?: unknown
  readonly tx?: unknown
  readonly transform?: unknown
  readonly reverseTransform?: unknown
  readonly check?: unknown
}
interface Check { readonly _zod: { readonly def: Callbacks, readonly check?: unknown } }

const OPAQUE: ReadonlySet<unknown> = new Set(['custom', 'property'])

const isFunction = (value: unknown): value is object => typeof value === 'function'

/** The functions that Zod runs for this node itself, except known synchronous ones. */
export function userFunctions (schema: $ZodType): { functions: readonly object[], normalises: boolean } {
  const def = schema._zod.def as Callbacks & { checks?: readonly Check[], coerce?: boolean }
  const checks = def.checks ?? []
  const functions = [...callbacks(def), ...checks.flatMap(checkFunctions)]
  return {
    functions: functions.filter(fn => !isKnownSync(fn)),
    normalises: def.coerce === true || checks.some(check => check._zod.def.check === 'overwrite')
  }
}

const callbacks = ({ fn, tx, transform, reverseTransform }: Callbacks): object[] =>
  [fn, tx, transform, reverseTransform].filter(isFunction)

function checkFunctions ({ _zod: { def, check } }: Check): object[] {
  const own = callbacks(def)
  // superRefine() and check() leave nothing in the definition, property() runs a schema of its own.
  return OPAQUE.has(def.check) && own.length === 0 && isFunction(check) ? [check] : own
}

/** Is it declared asynchronous, or does it return a promise when it is tried with nothing? */
export const isAsync = (fn: object): boolean => isAsyncFunction(fn) || returnsPromise(fn)

function returnsPromise (fn: object): boolean {
  try {
    const nothing = { value: undefined, issues: [] }
    return isPromise((fn as (value: unknown, context: unknown) => unknown)(nothing, nothing))
  } catch {
    // It wants something better to work on, so it has not begun to wait.
    return false
  }
}
