import type { Adopter } from '../../types/index.js'
import { fromConnect } from './connect-sessions.js'
import { type AdoptOptions, type ConnectReader, type OldKeys, readKeys } from './options.js'
import { unsign } from './signed-id.js'

export interface ExpressSessionOptions<Stored> extends AdoptOptions<Stored> {
  /** The `secret` of express-session, or all that are still in use. */
  readonly secret: OldKeys
  /** Its store, opened with the same client and options. */
  readonly store: ConnectReader
}

/**
 * Takes over sessions of express-session, from any store of its own; `cookie` is its option `name`, by default `connect.sid`.
 * `map` gets the session as it lies there, with its `cookie`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION`, also for a secret of less than 16 bytes or one of well-known examples.
 */
export function fromExpressSession<Stored> (options: ExpressSessionOptions<Stored>): Adopter<Stored> {
  const keys = readKeys('fromExpressSession.secret', options?.secret)
  return fromConnect('fromExpressSession', options, (value) => value.startsWith('s:') ? unsign(value.slice(2), keys) : null)
}
