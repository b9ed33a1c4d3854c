import type { $ZodType } from 'zod/v4/core'
import type { RequestLike, RequireSession, SessionHandle, SessionSchema } from '../types/index.js'
import { SessionRequired } from './errors.js'
import { discriminantOf } from './discriminant.js'

type Required = readonly (string | number | boolean)[]

/** See {@link RequireSession}. */
export const requireSession = ((session: SessionHandle<SessionSchema, string> | $ZodType, ...values: Required) => {
  const { name, schema } = 'plugin' in session ? session : { name: 'session', schema: session }
  const discriminant = discriminantOf(schema)
  const allows = discriminant === null
    ? (data: Record<string, unknown>) => values.every((key) => data[String(key)] !== undefined && data[String(key)] !== null)
    : (data: Record<string, unknown>) => values.includes(data[discriminant] as string)
  return {
    config: { [name]: { require: { values } } },
    async onRequest (request: RequestLike) {
      if (!allows(request.getDecorator(name))) throw new SessionRequired()
    }
  }
}) as unknown as RequireSession
