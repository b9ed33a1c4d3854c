import { isPlainObject } from '../values/clone.js'
import { parseJson } from '../values/json.js'
import type { OldSession } from './options.js'

/** Deeper than any session is. */
const MAX_DEPTH = 100
/** The texts and numbers of a JSON text, Python's included. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?Infinity|NaN/g
const WHOLE = /^-?\d{16,}$/
const NO_NUMBER = /^(?:-?Infinity|NaN)$/

/** Flask writes an object with one key in place of Python's own types. Each function gets its value, already decoded. */
const TAGS: Readonly<Record<string, (value: never) => unknown>> = {
  ' t': (items: unknown) => items,
  ' b': (base64: unknown) => new Uint8Array(Buffer.from(String(base64), 'base64')),
  ' m': (html: unknown) => html,
  ' u': (hex: unknown) => String(hex).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  ' d': (date: unknown) => dateOf(String(date)),
  // An object of the application's that looks like one of these: its key has two underscores more.
  ' di': (object: unknown) => Object.fromEntries(Object.entries(Object(object) as object).map(([key, value]) => [key.slice(0, -2), value]))
}

/** As HTTP writes it. JavaScript takes the years of the first century for ours: `datetime.min`, which stands for never, would be in 2001. */
function dateOf (text: string): Date {
  const date = new Date(text)
  const [year] = /\b00\d\d\b/.exec(text) ?? []
  if (year !== undefined) date.setUTCFullYear(Number(year))
  return date
}

/** Flask's `TaggedJSONSerializer`: the object that a text stands for; `null` if it stands for none. Never throws. */
export function readTagged (text: string): OldSession | null {
  const json = parseJson(exact(text))
  const data = fits(json, 0) ? untag(json) : null
  return isPlainObject(data) ? data : null
}

/** Is it nested so little that the stack is far from its end? */
function fits (value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth < MAX_DEPTH && Object.values(value).every((item) => fits(item, depth + 1))
}

function untag (value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(untag)
  const entries = Object.entries(value).map(([key, item]) => [key, untag(item)] as const)
  const [only] = entries
  const decode = entries.length === 1 && only !== undefined && Object.hasOwn(TAGS, only[0]) ? TAGS[only[0]] : undefined
  return decode === undefined ? Object.fromEntries(entries) : decode(only?.[1] as never)
}

/**
 * Python has whole numbers of any size. One that JavaScript would round becomes a text, or somebody might be taken for somebody else.
 * It also writes numbers that are none, which become `null`, as `JSON.stringify` has it.
 */
function exact (text: string): string {
  return text.replace(TOKENS, (token) => {
    if (NO_NUMBER.test(token)) return 'null'
    return WHOLE.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token
  })
}
