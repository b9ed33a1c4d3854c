import type { $ZodError, $ZodIssue } from 'zod/v4/core'
import { InvalidOption } from '../errors.js'

const LIFETIME = 'how long a session lives is for idleTimeout and absoluteTimeout to say (in seconds), and whether its cookie outlives the browser for cookie.persistent'
const SECRET = 'use secret'
const NAME = 'use cookie.name'

// The names in other session plugins.
const HINTS = new Map(Object.entries({
  maxAge: LIFETIME,
  expires: LIFETIME,
  expiry: LIFETIME,
  ttl: LIFETIME,
  persistent: 'use cookie.persistent',
  key: SECRET,
  keys: SECRET,
  password: SECRET,
  secrets: `${SECRET}, which may be a list`,
  cookieName: NAME,
  sessionName: `use name, or ${NAME}`,
  cookieOptions: 'use cookie',
  httpOnly: 'the cookie is always HttpOnly',
  saveUninitialized: 'a session is kept when something is written to it',
  resave: 'a session is kept when it has changed',
  rolling: 'the idle deadline moves by itself, see touchAfter',
  'cookie.maxAge': 'use persistent: true. How long the session lives is for idleTimeout and absoluteTimeout to say',
  'cookie.expires': 'use persistent: true. How long the session lives is for idleTimeout and absoluteTimeout to say',
  'cookie.httpOnly': 'the cookie is always HttpOnly',
  'cookie.signed': 'it always is'
}))

/** The first thing that is wrong with the options, by its path, never its value. `known`: the names of those that there are. */
export function optionError (error: $ZodError, parent: readonly string[], known: readonly string[]): Error {
  const issue = error.issues[0] as $ZodIssue
  const path = [...parent, ...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])].join('.')
  return new InvalidOption(path, messageOf(issue, path, known))
}

function messageOf (issue: $ZodIssue, path: string, known: readonly string[]): string {
  if (issue.code !== 'unrecognized_keys') return issue.code === 'invalid_key' ? (issue.issues[0] as $ZodIssue).message : issue.message
  const hint = HINTS.get(path)
  if (hint !== undefined) return `there is no such option, ${hint}`
  const meant = nearest(issue.keys[0] as string, known)
  return `there is no such option${meant === undefined ? '' : `, did you mean ${meant}?`}`
}

/** The one of `words` that at most two slips turn `word` into; capitals are no slips. */
function nearest (word: string, words: readonly string[]): string | undefined {
  const slips = words.map((other) => distance(word.toLowerCase(), other.toLowerCase()))
  const least = Math.min(...slips)
  return least <= Math.min(2, word.length / 3) ? words[slips.indexOf(least)] : undefined
}

/** How many letters have to be put in, left out or replaced (Levenshtein). */
function distance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (const [index, letter] of [...a].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= b.length; column++) {
      const replaced = row[column - 1]! + (letter === b[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
