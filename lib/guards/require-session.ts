import type { $ZodType } from 'zod/v4/core'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { GuardOptions, RequireSession, SessionHandle, SessionSchema, WithGuardFunction } from '../../types/index.js'
import { discriminantsOf } from '../schema/discriminant.js'
import { Forbidden, InvalidOption, SessionRequired } from '../errors.js'
import type { Data } from '../session/merge.js'
import { forHeader, isLocalPath } from './return-path.js'
import { guardOf, introduce } from './route-options.js'
import { isZod, liveKeys, mayBeAbsent } from '../schema/keys.js'
import { registered } from '../session/registered.js'
import { expectOnRoute } from './wiring.js'

type Values = readonly (string | number | boolean)[]
type Options = GuardOptions<unknown>

/** The longest way back. Encoded it is up to three times as long, and a server that had room for the first address would refuse the second. */
const LONGEST = 8_192
/** No text of an address has control characters or half a surrogate. */
const ADDRESS = /^[^\p{Cc}\p{Cs}]+$/u

/**
 * Route options that let a request through only if its session is in one of the given states, or has all of the given keys. Else
 * `FST_TYPED_SESSION_REQUIRED`, a 401. `session`: a handle, or the schema of the session called `session`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for a value that is no state or key of the schema, and for another option. See {@link RequireSession}.
 */
export const requireSession = ((session: SessionHandle<SessionSchema, string> | $ZodType, ...required: readonly (Values[number] | Options)[]) => {
  const { name, schema } = declared(session)
  const { values, when, redirectTo } = split(required)
  const allows = requirement(schema, values)
  const hook = async (request: FastifyRequest, reply: FastifyReply) => {
    const data = registered<Data>(request, name)
    if (!allows(data)) return refuse(request, reply, redirectTo)
    if (when !== undefined && await when(data, request) !== true) throw new Forbidden()
    return undefined
  }
  const require = { values, allows }
  introduce({ session: name, schema, requirement: require, hook })
  expectOnRoute()
  // A route, or a second guard, may replace the config and the hook. A symbol of its own nothing replaces.
  return { config: { [name]: { require } }, onRequest: hook, [Symbol('requireSession')]: hook }
}) as unknown as RequireSession

/** Guards every route of an instance, and narrows its requests. See {@link WithGuardFunction}. */
export const withGuard = ((app: FastifyInstance, { onRequest }: { onRequest: onRequestAsyncHookHandler }) => {
  if (guardOf(onRequest) === undefined) throw new InvalidOption('withGuard(app, guard)', 'needs a guard as requireSession() makes it')
  app.addHook('onRequest', onRequest)
  return app
}) as WithGuardFunction

function split (required: readonly (Values[number] | Options)[]): Options & { values: Values } {
  const last = required.at(-1)
  if (typeof last !== 'object') return { values: required as Values }
  const { when, redirectTo, ...others } = last as Options & Record<string, unknown>
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw new InvalidOption(`requireSession({ ${unknown} })`, 'there is no such option, it takes when, redirectTo')
  if (when !== undefined && typeof when !== 'function') throw new InvalidOption('requireSession({ when })', 'must be a function of the session')
  if (redirectTo !== undefined && (typeof redirectTo !== 'string' || !ADDRESS.test(redirectTo))) throw new InvalidOption('requireSession({ redirectTo })', 'must be the address of your sign-in page')
  return { values: required.slice(0, -1) as Values, when, redirectTo: redirectTo && forHeader(redirectTo) }
}

/** Only a page can be shown instead: whoever sends a form or calls an API is told. The hook returns the reply, or the handler would run. */
function refuse (request: FastifyRequest, reply: FastifyReply, page: string | undefined): FastifyReply {
  if (page === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) throw new SessionRequired()
  const [address = '', ...fragment] = page.split(/(?=#)/)
  const returnTo = isLocalPath(request.originalUrl) ? encodeURIComponent(request.originalUrl) : ''
  const back = returnTo === '' || returnTo.length > LONGEST ? '' : `${address.includes('?') ? '&' : '?'}returnTo=${returnTo}`
  return reply.redirect(address + back + fragment.join(''), 303)
}

function declared (session: unknown): { name: string, schema: $ZodType } {
  if (isZod(session)) return { name: 'session', schema: session }
  if (session instanceof Object && 'plugin' in session) return session as SessionHandle<SessionSchema, string>
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
