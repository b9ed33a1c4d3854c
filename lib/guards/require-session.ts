import type { $ZodType } from 'zod/v4/core'
import type { RequestLike, RequireSession, SessionHandle, SessionSchema } from '../../types/index.js'
import { discriminantsOf } from '../schema/discriminant.js'
import { InvalidOption, SessionRequired } from '../errors.js'
import type { Data } from '../session/merge.js'
import { tellOfGuard } from './route-options.js'
import { isZod, liveKeys } from '../schema/keys.js'

type Values = readonly (string | number | boolean)[]

/**
 * Route options that let a request through only if its session is in one of the given states, or has all of the given keys; else
 * `FST_TYPED_SESSION_REQUIRED`, a 401. `session`: a handle, or the schema of the session called `session`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for what is no state or key of the schema. See {@link RequireSession}.
 */
export const requireSession = ((session: SessionHandle<SessionSchema, string> | $ZodType, ...values: Values) => {
  const { name, schema } = declared(session)
  const allows = requirement(schema, values)
  const require = { values, allows }
  const onRequest = async (request: RequestLike) => {
    if (!allows(request.getDecorator(name))) throw new SessionRequired()
  }
  // The plugin looks into the config, too: a route that brings an onRequest of its own would replace the one above.
  return { config: { [name]: { require } }, onRequest, ...tellOfGuard(onRequest, require) }
}) as unknown as RequireSession

function declared (session: unknown): { name: string, schema: $ZodType } {
  if (isZod(session)) return { name: 'session', schema: session }
  if (typeof session === 'object' && session !== null && 'plugin' in session) return session as unknown as SessionHandle<SessionSchema, string>
  throw new InvalidOption('requireSession', 'needs a session as createSession() makes it, or the schema of one')
}

function requirement (schema: $ZodType, values: Values): (data: Data) => boolean {
  const union = discriminantsOf(schema)
  const known = union === null ? liveKeys(schema).keys : union.values
  const unknown = values.find((value) => !known.has(value as string))
  if (unknown !== undefined || values.length === 0) {
    throw new InvalidOption('requireSession', `there is no ${union === null ? 'key' : union.keys.join(' or ')} "${unknown}". There are: ${[...known].join(', ')}`)
  }
  return union === null
    ? (data) => values.every((key) => Object.hasOwn(data, String(key)) && data[String(key)] !== undefined && data[String(key)] !== null)
    : (data) => union.keys.some((key) => values.includes(data[key] as string))
}
