import type { Adopter } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { deriveKey, readSigned } from './itsdangerous.js'
import { type AdoptOptions, checkMap, type OldKeys, readKeys } from './options.js'
import { readTagged } from './tagged-json.js'

/** `PERMANENT_SESSION_LIFETIME`: 31 days. */
const MAX_AGE = 2_678_400

export interface FlaskOptions<Stored> extends AdoptOptions<Stored> {
  /** `SECRET_KEY`, then those of `SECRET_KEY_FALLBACKS`: a `str` as a text, `bytes` as a `Buffer`. */
  readonly secret: OldKeys
  /** Of the `session_interface`. Default `'cookie-session'`. */
  readonly salt?: string | undefined
  /** `PERMANENT_SESSION_LIFETIME` in seconds: an older cookie is no session. Default 31 days. */
  readonly maxAge?: number | undefined
}

/**
 * Takes over sessions of Flask's own cookie; `cookie` is `SESSION_COOKIE_NAME`, by default `session`. Sessions of Flask-Session are
 * no such ones. `map` gets a tuple as a list, `bytes` as a `Uint8Array`, a UUID and Markup as a text, a datetime as a `Date`. A whole
 * number above 2⁵³ comes as a text. `createdAt` is when Flask has last written the cookie.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION`, also for a secret of less than 16 bytes or one of well-known examples.
 */
export function fromFlask<Stored> (options: FlaskOptions<Stored>): Adopter<Stored> {
  const { cookie, until, ending, map, secret, salt = 'cookie-session', maxAge = MAX_AGE } = options ?? {}
  checkMap('fromFlask', map)
  if (typeof salt !== 'string') throw new InvalidOption('fromFlask.salt', 'must be a text')
  if (typeof maxAge !== 'number' || !(maxAge > 0)) throw new InvalidOption('fromFlask.maxAge', 'must be a number of seconds, more than 0')
  const keys = readKeys('fromFlask.secret', secret).map((key) => deriveKey(key, salt))
  return {
    cookie,
    until,
    ending,
    read (value) {
      const signed = readSigned(value, keys)
      // Flask counts whole seconds.
      if (signed === null || Math.floor(Date.now() / 1000) - signed.at / 1000 > maxAge) return null
      const old = readTagged(signed.text)
      const data = old === null ? null : map(old)
      return data === null ? null : { data, createdAt: new Date(signed.at) }
    }
  }
}
