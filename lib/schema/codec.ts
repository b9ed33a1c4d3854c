import type { SessionSchema } from '../../types/index.js'
import { InvalidData, InvalidSchema, ReservedKey, UnknownKey } from '../errors.js'
import { assertUsable, createInitial } from './initial.js'
import { isForbiddenKey, outOfBounds, toJson } from '../values/json.js'
import { formatPath } from '../values/path.js'
import type { Path } from '../values/path.js'
import type { Data, Stored } from '../record/record.js'
import { inspectSchema } from './inspect.js'
import type { Inspection } from './inspect.js'
import { isZod } from './keys.js'
import { clone, isPlainObject, same, sameKeys } from '../values/clone.js'
import { Transcoder } from './transcoder.js'
import type { Read } from './transcoder.js'
import { undeclaredMatcher } from './undeclared.js'

/** Parsed JSON that claims to be a {@link Stored}. */
export interface StoredForm { readonly data: unknown, readonly extra?: unknown }

export type Decoded = { readonly ok: true, readonly data: Data } | { readonly ok: false, readonly paths: readonly string[] }

export interface Codec {
  /** JSON as it was kept → live data, in fresh containers each time. Never throws. */
  decode (stored: StoredForm): Decoded
  /** Like `decode`, but keeps the top-level keys that validate. Not ok if even the rest with its defaults fails. */
  salvage (stored: StoredForm): Decoded
  /**
   * Live → what is kept; of `live` only own enumerable string keys count. The next read gives what was written now: data
   * that would come back different is refused. Throws `FST_TYPED_SESSION_INVALID_DATA`, `…_UNKNOWN_KEY`, `…_RESERVED_KEY`.
   */
  encode (live: object): Stored
  /** Like `encode`; where that decodes the data on the way, it need not be done again. */
  keep (live: object): Stored
  /** The data of a new session, fresh each time. Throws `FST_TYPED_SESSION_INVALID_OPTION` if `initial` is a function and returns something else. */
  initial (): Data
  /** A deep copy of live data that shares nothing mutable. Throws `FST_TYPED_SESSION_INVALID_DATA` for what cannot be copied. */
  copy (data: Data): Data
  /** Would `live` be stored differently than `found`? `true` if it cannot be stored at all. */
  differs (found: Data, live: object): boolean
  /** Is it a top-level key that the schema declares? */
  declares (key: string): boolean
  /** Is it one of `undeclaredKeys`, which plugins write outside the schema? */
  isUndeclared (key: string): boolean
}

export interface CodecOptions {
  /** The stored form of a new session, or a function that returns it. Default `{}`, or what the whole schema defaults to. */
  readonly initial?: unknown
  /** Names and patterns of keys outside the schema. Default `[]`. */
  readonly undeclaredKeys?: readonly (string | RegExp)[]
  /** Names that the session object itself uses. */
  readonly reserved: ReadonlySet<string>
}

/** Checks the schema and makes its codec. Throws `FST_TYPED_SESSION_INVALID_SCHEMA`, `FST_TYPED_SESSION_INVALID_OPTION`. */
export function createCodec (schema: SessionSchema, { initial, undeclaredKeys = [], reserved }: CodecOptions): Codec {
  if (!isZod(schema)) throw new InvalidSchema('it is not a Zod 4 schema. Use z.object()')
  const inspection = inspectSchema(schema, reserved)
  if (inspection.problems.length > 0) throw new InvalidSchema(inspection.problems.join('; '))
  const isExtra = undeclaredKeys.length === 0 ? null : undeclaredMatcher(undeclaredKeys, inspection.keys, reserved)
  const codec = new SchemaCodec(new Transcoder(schema, inspection), inspection, isExtra, reserved, initial)
  assertUsable(codec, initial)
  return codec
}

class SchemaCodec implements Codec {
  readonly #transcoder: Transcoder
  readonly #inspection: Inspection
  readonly #isExtra: (key: string) => boolean
  /** May there be keys outside the schema? */
  readonly #hasExtras: boolean
  readonly #reserved: ReadonlySet<string>
  readonly initial: () => Data

  constructor (transcoder: Transcoder, inspection: Inspection, isExtra: ((key: string) => boolean) | null, reserved: ReadonlySet<string>, initial: unknown) {
    this.#transcoder = transcoder
    this.#inspection = inspection
    this.#isExtra = isExtra ?? (() => false)
    this.#hasExtras = isExtra !== null
    this.#reserved = reserved
    this.initial = createInitial(transcoder, initial)
  }

  decode ({ data, extra = null }: StoredForm): Decoded {
    try {
      const beyond = outOfBounds(extra)
      if (beyond !== null) return this.#failed([beyond])
      return this.#withExtra(isPlainObject(data) ? this.#transcoder.read(data) : NOTHING, extra)
    } catch {
      return this.#failed(WHOLE)
    }
  }

  salvage ({ data, extra = null }: StoredForm): Decoded {
    try {
      const result = isPlainObject(data) ? salvageKeys(this.#transcoder, data) : NOTHING
      return this.#withExtra(result, outOfBounds(extra) === null ? extra : null)
    } catch {
      return this.#failed(WHOLE)
    }
  }

  encode (live: object): Stored {
    const { data, extra } = this.#split(live)
    return { data: this.#transcoder.write(data).stored, extra: extra && toJson(extra, this.#inspection.names) as Data }
  }

  keep (live: object): Stored {
    const { data, extra } = this.#split(live)
    const { stored, decoded } = this.#transcoder.write(data)
    if (extra !== null) return { data: stored, extra: toJson(extra, this.#inspection.names) as Data }
    return decoded === null ? { data: stored, extra } : { data: stored, extra, opened: { ok: true, data: decoded, upgraded: false, salvaged: [] } }
  }

  copy (data: Data): Data {
    try {
      return clone(data)
    } catch {
      // Data that encode accepted can be decoded: encode has read them back.
      return (this.decode(this.encode(data)) as Extract<Decoded, { ok: true }>).data
    }
  }

  differs (found: Data, live: object): boolean {
    try {
      // An undeclared key that holds {} is as good as absent, which only the stored forms show.
      return !sameKeys(found, live) && (!this.#hasExtras || this.#storedDiffers(found, live))
    } catch {
      return this.#storedDiffers(found, live)
    }
  }

  declares (key: string): boolean {
    return this.#inspection.keys.has(key)
  }

  isUndeclared (key: string): boolean {
    return this.#isExtra(key)
  }

  #storedDiffers (found: Data, live: object): boolean {
    try {
      return !same(this.encode(found), this.encode(live))
    } catch {
      return true
    }
  }

  #failed (paths: readonly Path[]): Decoded {
    return { ok: false, paths: [...new Set(paths.map((path) => formatPath(path, this.#inspection.names)))] }
  }

  #withExtra (result: Read, extra: unknown): Decoded {
    if (!result.ok) return this.#failed(result.paths)
    if (!isPlainObject(extra)) return result
    for (const key of Object.keys(extra)) {
      if (this.#isExtra(key)) result.data[key] = clone(extra[key])
    }
    return result
  }

  #split (live: object): { data: Data, extra: Data | null } {
    const data: Data = {}
    const extra: Data = {}
    for (const key of Object.keys(live)) {
      const value = (live as Data)[key]
      if (this.#reserved.has(key)) throw new ReservedKey(key)
      if (isForbiddenKey(key)) throw new InvalidData(`${key} (this key is not allowed)`)
      if (value === undefined) continue
      if (this.#inspection.keys.has(key)) data[key] = value
      else if (this.#isExtra(key)) extra[key] = value
      else if (this.#inspection.open) data[key] = value
      else throw new UnknownKey(formatPath([key]))
    }
    for (const key of Object.keys(extra)) if (isEmpty(extra[key])) delete extra[key]
    return { data, extra: isEmpty(extra) ? null : extra }
  }
}

const isEmpty = (value: unknown): boolean => isPlainObject(value) && Object.keys(value).length === 0

const WHOLE: readonly Path[] = [[]]
const NOTHING: Read = { ok: false, paths: WHOLE }

function salvageKeys (transcoder: Transcoder, data: Data): Read {
  const rest = new Map(Object.entries(data))
  for (;;) {
    const result = transcoder.read(Object.fromEntries(rest))
    if (result.ok) return result
    const removed = result.paths.map(path => rest.delete(String(path[0])))
    if (!removed.includes(true)) return result
  }
}
