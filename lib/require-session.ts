import type { $ZodType } from 'zod/v4/core'
import type { RequestLike, RequireSession, SessionHandle, SessionSchema } from '../types/index.js'
import { discriminantsOf } from './discriminant.js'
import { InvalidOption, SessionRequired } from './errors.js'
import type { Data } from './merge.js'
import { liveKeys } from './schema-keys.js'

type Values = readonly (string | number | boolean)[]

/** See {@link RequireSession}. Throws `InvalidOption` for what is no state or key of the schema. */
export const requireSession = ((session: SessionHandle<SessionSchema, string> | $ZodType, ...values: Values) => {
  const { name, schema } = 'plugin' in session ? session : { name: 'session', schema: session }
  const allows = requirement(schema, values)
  return {
    // The plugin looks here, too: a route that brings an onRequest of its own would replace the one below.
    config: { [name]: { require: { values, allows } } },
    async onRequest (request: RequestLike) {
      if (!allows(request.getDecorator(name))) throw new SessionRequired()
    }
  }
}) as unknown as RequireSession

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
