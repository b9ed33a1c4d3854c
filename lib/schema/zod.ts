import type { $ZodRawIssue, $ZodType } from 'zod/v4/core'
import { InvalidSchema } from '../errors.js'
import type { Path } from '../values/path.js'

export type Direction = 'forward' | 'backward'
export interface Outcome { readonly value: unknown, readonly issues: readonly $ZodRawIssue[] }

/**
 * Runs a schema, forward to decode, backward to encode. Throws what the functions in the schema throw, and
 * `FST_TYPED_SESSION_INVALID_SCHEMA` if one of them returns a promise.
 *
 * With `foreign` functions the schema runs as Zod runs it for its asynchronous callers. It still answers at once where
 * nothing is asynchronous. Where something is, Zod's synchronous callers would drop the promise, and its rejection would end the
 * process.
 */
export function run (schema: $ZodType, value: unknown, direction: Direction, foreign: boolean): Outcome {
  const outcome = schema._zod.run({ value, issues: [] }, { async: foreign, direction })
  if (!(outcome instanceof Promise)) return outcome
  outcome.catch(() => {})
  throw new InvalidSchema('a function in it returned a promise. A session is decoded and encoded synchronously')
}

/** Where an issue is: for keys that the schema does not know, where those are. */
export function issuePaths (issue: $ZodRawIssue): Path[] {
  const path = issue.path ?? []
  return issue.code === 'unrecognized_keys' ? (issue.keys as string[]).map(key => [...path, key]) : [path]
}

const MAX_MESSAGE = 200

/** The rule that an issue broke, without the value. A message of the schema's author is taken only if it is a literal: others might carry one. */
export function issueReason (issue: $ZodRawIssue): string {
  const own = literalMessage(issue.inst)
  if (own !== undefined) return own
  if (issue.code === 'custom') return 'refine'
  return issue.code === 'invalid_type' ? `expected ${String(issue.expected)}` : String(issue.code).replaceAll('_', ' ')
}

/** Zod keeps a literal as a function without parameters; called with nothing, it can tell of no value. */
function literalMessage (inst: unknown): string | undefined {
  const error: unknown = (inst as $ZodType | undefined)?._zod.def.error
  if (typeof error !== 'function' || error.length > 0) return undefined
  const message: unknown = error()
  return typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : undefined
}

/** Is it about the keys of a record, which are data? */
export const isAboutRecord = ({ inst }: $ZodRawIssue): boolean => (inst as $ZodType | undefined)?._zod.def.type === 'record'
