import type { Codec } from './codec.js'
import type { Data } from '../session/merge.js'
import type { Found, Opened, SessionRecord } from '../record/record.js'
import { isPlainObject } from '../values/clone.js'
import { isPromise } from '../async/promises.js'

type Step = (stored: Data) => unknown

export interface OpeningOptions {
  readonly version: number
  readonly migrate: Readonly<Record<string, Step>>
  readonly onInvalid: 'discard' | 'salvage'
}

/** Decodes records: lifts old ones step by step, validates, and remembers what it has decoded. */
export class Opener {
  readonly #codec: Codec
  readonly #options: OpeningOptions
  readonly #report: (error: unknown, version: number) => void
  /** The versions whose step has failed. */
  readonly #failed = new Set<number>()

  /** `report` is told what is wrong with the step from a version, once. */
  constructor (codec: Codec, options: OpeningOptions, report: (error: unknown, version: number) => void) {
    this.#codec = codec
    this.#options = options
    this.#report = report
  }

  /** The data belong to the opener: copy them before anything may change them. Never throws. */
  open (record: SessionRecord): Opened {
    record.found.opened ??= this.#decode(record)
    return record.found.opened
  }

  #decode ({ times, found }: SessionRecord): Opened {
    const lifted = this.#lift(times.version, found)
    if (lifted === null) return { ok: false, paths: ['migrate'] }
    const decoded = this.#codec.decode(lifted)
    const upgraded = times.version < this.#options.version
    if (decoded.ok) return { ok: true, data: decoded.data, upgraded, salvaged: [] }
    if (this.#options.onInvalid === 'discard') return decoded
    const rest = this.#codec.salvage(lifted)
    // Not lifted for good: what was dropped stays in the record until somebody changes the session.
    return rest.ok ? { ok: true, data: rest.data, upgraded: false, salvaged: decoded.paths } : decoded
  }

  #lift (from: number, found: Found): Found | null {
    let data = found.data
    for (let version = from; version < this.#options.version; version++) {
      const step = this.#options.migrate[version]
      if (step === undefined) continue
      try {
        data = lift(step, data)
      } catch (error) {
        if (!this.#failed.has(version)) this.#report(error, version)
        this.#failed.add(version)
        return null
      }
    }
    return data === found.data ? found : { data, extra: found.extra }
  }
}

/** The return value of a step, or else its argument as the step has left it. */
function lift (step: Step, data: unknown): Data {
  const stored = structuredClone(data) as Data
  const result = step(stored)
  if (result === undefined) return stored
  if (isPromise(result)) throw new TypeError('it gave a promise. A session is decoded synchronously')
  if (!isPlainObject(result)) throw new TypeError('it gave no object')
  return result
}
