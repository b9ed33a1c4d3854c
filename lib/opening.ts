import type { Codec } from './codec.js'
import type { Data } from './merge.js'
import type { Found, Opened, SessionRecord } from './record.js'

export interface OpeningOptions {
  readonly version: number
  readonly migrate: Readonly<Record<string, (stored: Data) => Data>>
  readonly onInvalid: 'discard' | 'salvage'
}

/** Decodes records: lifts old ones step by step, validates, and remembers what it has decoded. */
export class Opener {
  readonly #codec: Codec
  readonly #options: OpeningOptions

  constructor (codec: Codec, options: OpeningOptions) {
    this.#codec = codec
    this.#options = options
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
    return rest.ok ? { ok: true, data: rest.data, upgraded, salvaged: decoded.paths } : decoded
  }

  #lift (from: number, found: Found): Found | null {
    let data = found.data
    try {
      for (let version = from; version < this.#options.version; version++) {
        const step = this.#options.migrate[version]
        if (step !== undefined) data = step(structuredClone(data) as Data)
      }
    } catch {
      return null
    }
    return data === found.data ? found : { data, extra: found.extra }
  }
}
