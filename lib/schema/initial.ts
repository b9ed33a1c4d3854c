import { InvalidOption, InvalidSchema } from '../errors.js'
import { toJson } from '../values/json.js'
import { formatPaths } from '../values/path.js'
import type { Data, Stored } from '../record/record.js'
import { differences } from './round-trip.js'
import { sharedParts } from './shared-defaults.js'
import { attempt } from './transcoder.js'
import type { Read, Transcoder } from './transcoder.js'

/**
 * Makes the data of new sessions: what the schema decodes from `initial`, else from `{}`, else from nothing.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` or `…_INVALID_SCHEMA` if that cannot be done.
 */
export function createInitial (transcoder: Transcoder, initial: unknown): () => Data {
  if (initial !== undefined) return fromOption(transcoder, initial)
  const empty = attempt(() => transcoder.read({}))
  if (empty.ok) return () => accepted(transcoder.read({}))
  if (attempt(() => transcoder.read(undefined)).ok) return () => accepted(transcoder.read(undefined))
  throw new InvalidSchema(`{} does not satisfy it (${formatPaths(empty.paths)}), so it has no new session. Give the option initial, or defaults`)
}

function fromOption (transcoder: Transcoder, initial: unknown): () => Data {
  if (typeof initial === 'function') {
    const make = (): Data => accepted(transcoder.read(asJson(initial())))
    make()
    return make
  }
  const json = JSON.stringify(asJson(initial))
  const make = (): Data => accepted(transcoder.read(JSON.parse(json)))
  make()
  return make
}

function accepted (result: Read): Data {
  if (result.ok) return result.data
  throw new InvalidOption('initial', `it does not satisfy the schema: ${formatPaths(result.paths)}. Give the stored form`)
}

function asJson (initial: unknown): unknown {
  try {
    return toJson(initial)
  } catch {
    throw new InvalidOption('initial', 'it is not JSON. Give the stored form: dates as strings, and so on')
  }
}

type Usable = { initial (): Data, encode (live: Data): Stored }

/**
 * A new session must be one that can be saved, must hold all of `initial`, and share nothing with the next one.
 * Throws `FST_TYPED_SESSION_INVALID_SCHEMA` or `…_INVALID_OPTION`.
 */
export function assertUsable (codec: Usable, initial: unknown): void {
  const { data } = encoded(codec)
  const given = asJson(typeof initial === 'function' ? initial() : initial ?? {})
  const dropped = differences(given, data).filter(({ kind }) => kind === 'dropped')
  if (dropped.length > 0) throw new InvalidOption('initial', `the schema has no ${formatPaths(dropped.map(({ path }) => path))}`)
  const shared = sharedParts(codec.initial(), codec.initial())
  if (shared.length > 0) {
    throw new InvalidSchema(`new sessions would share ${formatPaths(shared)}. Make it anew each time, in the codec that decodes it or with .default(() => …)`)
  }
}

function encoded (codec: Usable): Stored {
  try {
    return codec.encode(codec.initial())
  } catch (error) {
    throw error instanceof InvalidSchema ? error : new InvalidSchema(`a new session could not be saved. ${(error as Error).message}`)
  }
}
