import { getHashes } from 'node:crypto'
import type { Adopter } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { fromConnect } from './connect-sessions.js'
import { type AdoptOptions, type ConnectReader, type OldKeys, readKeys } from './options.js'
import { unsign } from './signed-id.js'

export interface FastifySessionOptions<Stored> extends AdoptOptions<Stored> {
  /** The `secret` of `@fastify/session`, or all that are still in use. */
  readonly secret: OldKeys
  /** Its store, opened with the same client and options. */
  readonly store: ConnectReader
  /** Its option of that name. Default none. */
  readonly cookiePrefix?: string | undefined
  /** Its option of that name: the hash of the signature. Default `'sha256'`. */
  readonly algorithm?: string | undefined
}

/**
 * Takes over sessions of `@fastify/session`, from any store of its own; `cookie` is its option `cookieName`, by default `sessionId`.
 * `map` gets the session as it lies there, with its `cookie`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION`, also for a secret of less than 16 bytes or one of well-known examples.
 */
export function fromFastifySession<Stored> (options: FastifySessionOptions<Stored>): Adopter<Stored> {
  const { cookiePrefix = '', algorithm = 'sha256', secret } = options ?? {}
  const keys = readKeys('fromFastifySession.secret', secret)
  if (!getHashes().includes(algorithm)) throw new InvalidOption('fromFastifySession.algorithm', 'must be a hash that node:crypto knows, such as sha256')
  return fromConnect('fromFastifySession', options, (value) =>
    value.startsWith(cookiePrefix) ? unsign(value.slice(cookiePrefix.length), keys, algorithm) : null)
}
