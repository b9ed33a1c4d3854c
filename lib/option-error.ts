import type { $ZodError, $ZodIssue } from 'zod/v4/core'
import { InvalidOption } from './errors.js'

/** The first thing that is wrong with the options, by its path, never its value. */
export function optionError (error: $ZodError, parent: readonly string[]): Error {
  const issue = error.issues[0] as $ZodIssue
  const path = [...parent, ...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])]
  return new InvalidOption(path.join('.'), messageOf(issue))
}

function messageOf (issue: $ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return 'there is no such option'
  return issue.code === 'invalid_key' ? (issue.issues[0] as $ZodIssue).message : issue.message
}
