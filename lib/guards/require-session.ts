import type { $ZodType } from 'zod/v4/core'
import type { RequestLike, RequireSession, SessionHandle, SessionSchema } from '../../types/index.js'
import { discriminantsOf } from '../schema/discriminant.js'
import { InvalidOption, SessionRequired } from '../errors.js'
import type { Data } from '../session/merge.js'
import { introduce } from './route-options.js'
import { isZod, liveKeys, mayBeAbsent } from '../schema/keys.js'
import { registered } from '../session/registered.js'
import { expectOnRoute } from './wiring.js'

type Values = readonly (string | number | boolean)[]

/**
 * Route options that let a request through only if its session is in one of the given states, or has all of the given keys. Else
 * `FST_TYPED_SESSION_REQUIRED`, a 401. `session`: a handle, or the schema of the session called `session`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for a value that is no state or key of the schema. See {@link RequireSession}.
 */
export const requireSession = ((session: SessionHandle<SessionSchema, string> | $ZodType, ...values: Values) => {
  const { name, schema } = declared(session)
  const allows = requirement(schema, values)
  const hook = async (request: RequestLike) => {
    if (!allows(registered<Data>(request, name))) throw new SessionRequired()
  }
  const require = { values, allows }
  introduce({ session: name, schema, requirement: require, hook })
  expectOnRoute()
  // A route, or a second guard, may replace the config and the hook. A symbol of its own nothing replaces.
  return { config: { [name]: { require } }, onRequest: hook, [Symbol('requireSession')]: hook }
}) as unknown as RequireSession

function declared (session: unknown): { name: string, schema: $ZodType } {
  if (isZod(session)) return { name: 'session', schema: session }
  if (session instanceof Object && 'plugin' in session) return session as unknown as SessionHandle<SessionSchema, string>
  throw new InvalidOption('requireSession', 'needs a session as createSession() makes it, or the schema of one')
}

function requirement (schema: $ZodType, values: Values): (data: Data) => boolean {
  const union = discriminantsOf(schema)
  const known = union === null ? liveKeys(schema).keys : union.values
  const unknown = values.find((value) => !known.has(value as string))
  if (unknown !== undefined || values.length === 0) {
    throw new InvalidOption('requireSession', `there is no ${union === null ? 'key' : union.keys.join(' or ')} "${unknown}". There are: ${[...known].join(', ')}`)
  }
  if (union !== null) return (data) => union.keys.some((key) => values.includes(data[key] as string))
  const always = values.find((key) => !mayBeAbsent(schema, String(key)))
  if (always !== undefined) throw new InvalidOption('requireSession', `every session has "${always}", so everybody would be let in. Require a key that is .optional()`)
  return (data) => values.every((key) => isPresent(Object.hasOwn(data, String(key)) ? data[String(key)] : undefined))
}

/** As `subject` has it: an empty text says of nobody who they are. */
const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== ''
