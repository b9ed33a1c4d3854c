import type { $ZodError, $ZodIssue } from 'zod/v4/core'
import { InvalidOption } from '../errors.js'

// What other session plugins call it.
const HINTS = new Map(Object.entries({
  maxAge: ', use persistent; how long a session lives is for idleTimeout and absoluteTimeout to say',
  expires: ', use persistent; how long a session lives is for idleTimeout and absoluteTimeout to say',
  httpOnly: ', the cookie is always HttpOnly',
  cookieName: ', use cookie.name',
  saveUninitialized: ', a session is kept when something is written to it',
  resave: ', a session is kept when it has changed',
  rolling: ', the idle deadline moves by itself, see touchAfter'
}))

/** The first thing that is wrong with the options, by its path, never its value. */
export function optionError (error: $ZodError, parent: readonly string[]): Error {
  const issue = error.issues[0] as $ZodIssue
  const path = [...parent, ...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])]
  return new InvalidOption(path.join('.'), messageOf(issue))
}

function messageOf (issue: $ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `there is no such option${HINTS.get(issue.keys[0] as string) ?? ''}`
  return issue.code === 'invalid_key' ? (issue.issues[0] as $ZodIssue).message : issue.message
}
