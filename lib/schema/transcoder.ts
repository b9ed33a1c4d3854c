import type { $ZodType } from 'zod/v4/core'
import { InvalidData, SessionError, UnknownKey } from '../errors.js'
import { outOfBounds, toJson } from '../values/json.js'
import { formatPath, formatPaths, formatUnknownKey } from '../values/path.js'
import type { Path } from '../values/path.js'
import type { Data } from '../record/record.js'
import { differences, withoutUndefined } from './round-trip.js'
import type { Difference } from './round-trip.js'
import { isAboutRecord, issuePaths, issueReason, run } from './zod.js'
import type { Outcome } from './zod.js'
import type { Inspection } from './inspect.js'
import { clone, isPlainObject, same } from '../values/clone.js'

export type Read = { readonly ok: true, readonly data: Data } | { readonly ok: false, readonly paths: readonly Path[] }

/** `decoded`: what `read` makes of it, where that was found on the way. */
export interface Written { readonly stored: Data, readonly decoded: Data | null }

/** The schema's two directions, without anything that lies outside the schema. */
export class Transcoder {
  readonly #schema: $ZodType
  readonly #inspection: Inspection

  constructor (schema: $ZodType, inspection: Inspection) {
    this.#schema = schema
    this.#inspection = inspection
  }

  /** Throws what the functions in the schema throw. */
  read (stored: unknown): Read {
    const beyond = outOfBounds(stored)
    return beyond === null ? this.#readWithinBounds(stored) : { ok: false, paths: [beyond] }
  }

  /** Throws `FST_TYPED_SESSION_INVALID_DATA`, `…_UNKNOWN_KEY`, `…_INVALID_SCHEMA`. */
  write (data: Data): Written {
    const { converts, shares, names } = this.#inspection
    const simple = converts ? null : this.#decodesToItself(data)
    if (simple !== null) return { stored: toJson(simple, names) as Data, decoded: shares ? null : simple }
    const live = withoutUndefined(data, names) as Data
    const stored = this.#encode(live)
    this.#assertReadsBack(live, stored)
    return { stored, decoded: null }
  }

  #decode (stored: unknown): Outcome {
    return run(this.#schema, stored, 'forward', this.#inspection.foreign)
  }

  #readWithinBounds (stored: unknown): Read {
    const { value, issues } = this.#decode(stored)
    if (issues.length > 0) return { ok: false, paths: issues.flatMap(issuePaths) }
    if (!isObject(value)) return { ok: false, paths: [[]] }
    return { ok: true, data: this.#inspection.shares ? unshared(value) : value }
  }

  /** Decoding is many times cheaper than encoding: data that decodes to itself is its own stored form. */
  #decodesToItself (live: Data): Data | null {
    try {
      const { value, issues } = this.#decode(live)
      return issues.length === 0 && isObject(value) && same(value, live) ? value : null
    } catch {
      return null
    }
  }

  #encode (live: Data): Data {
    const { foreign, names } = this.#inspection
    const { value, issues } = encodeOutcome(this.#schema, live, foreign)
    if (issues.length > 0) throw refusal(issues, names)
    const stored = toJson(value, names)
    if (!isPlainObject(stored)) throw new InvalidData('(the data as a whole) (not an object)')
    return stored
  }

  /** The next read gives what was written now: nothing dropped, nothing turned into something else. */
  #assertReadsBack (live: Data, stored: Data): void {
    const { normalises, names } = this.#inspection
    const result = attempt(() => this.#readWithinBounds(stored))
    if (!result.ok) throw new InvalidData(`${formatPaths(result.paths, names)} (cannot be read back)`)
    if (isCertainlySame(live, result.data)) return
    const all = differences(live, result.data)
    const found = all.filter(({ kind }) => kind !== 'rewritten' || !normalises)
    const dropped = found.filter(({ kind }) => kind === 'dropped')
    if (dropped.length > 0) throw new UnknownKey(dropped.map(({ path }) => formatUnknownKey(path, names)).join(', '))
    const known = found.filter(({ kind }) => kind !== 'unknown')
    if (known.length > 0) throw changed(known, names)
    // The schema may rewrite a value once (`.trim()`), but not again and again (`.overwrite((n) => n * 2)`).
    if (!same(this.#encode(result.data), stored)) throw changed(all, names)
  }
}

/** An error of a function in the schema is an answer, too: it does not accept the data as a whole. */
export function attempt (read: () => Read): Read {
  try {
    return read()
  } catch (error) {
    if (error instanceof SessionError) throw error
    return { ok: false, paths: [[]] }
  }
}

const isObject = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value)

function changed (found: readonly Difference[], names: ReadonlySet<string>): Error {
  return new InvalidData(found.map(({ path }) => `${formatPath(path, names)} (would be read back as something else)`).join(', '))
}

function isCertainlySame (a: Data, b: Data): boolean {
  try {
    return same(a, b)
  } catch {
    return false
  }
}

/** Where the schema hands containers through or freezes them, a copy; what cannot be copied stays as it is. */
function unshared (data: Data): Data {
  try {
    return clone(data)
  } catch {
    return { ...data }
  }
}

function encodeOutcome (schema: $ZodType, live: Data, foreign: boolean): Outcome {
  try {
    return run(schema, live, 'backward', foreign)
  } catch (error) {
    if (error instanceof SessionError) throw error
    throw new InvalidData(`(the data as a whole) (the schema threw ${error instanceof Error ? error.name : typeof error})`)
  }
}

function refusal (issues: Outcome['issues'], names: ReadonlySet<string>): Error {
  const unknown = issues.filter(({ code }) => code === 'unrecognized_keys')
  if (unknown.length > 0) {
    const shown = (issue: Outcome['issues'][number]) => issuePaths(issue).map((path) => isAboutRecord(issue) ? formatPath(path, names) : formatUnknownKey(path, names))
    return new UnknownKey(unknown.flatMap(shown).join(', '))
  }
  return new InvalidData(issues.flatMap(issue => issuePaths(issue).map(path => `${formatPath(path, names)} (${issueReason(issue)})`)).join(', '))
}
