import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { CreateSession, RequestLike, SessionHandle, SessionSchema, WithSessionFunction } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { sessionPlugin } from './plugin.js'
import { checkRoutes } from '../guards/wiring.js'
import { registered } from '../session/registered.js'
import { openerOf } from './open-cookie.js'

/** Declares a session: a plugin to register, whose `get(request)` is typed anywhere. Throws `FST_TYPED_SESSION_INVALID_OPTION` without options. */
export const createSession = ((schema: SessionSchema, options: { name?: string }) => {
  if (typeof options !== 'object' || options === null) throw new InvalidOption('secret', 'is missing: createSession(schema, { secret })')
  const name = options.name ?? 'session'
  const declared = { ...options, schema }
  const plugin = fp(async (app: FastifyInstance, given: object) => {
    assertNothingOf(given)
    await sessionPlugin(app, declared)
  }, { name: 'fastify-typed-session', fastify: '5.x' })
  const members = {
    schema,
    plugin,
    get: (request: RequestLike) => registered(request, name),
    sessions: (app: RequestLike) => registered(app, name, `${name}s`),
    open: openerOf(declared)
  }
  // The name of a function can be defined, not assigned.
  return Object.defineProperty(Object.assign(plugin, members), 'name', { value: name, enumerable: true })
}) as unknown as CreateSession

/** Registers a handle and types the instance's requests by it: no `declare module`. Returns the same instance. */
export const withSession = ((app: FastifyInstance, session: SessionHandle<SessionSchema>) => {
  // A mistake in a route is told where the route is, and not when the plugin has run.
  checkRoutes(app, session)
  app.register(session.plugin)
  return app
}) as WithSessionFunction

/** The options that Fastify itself takes at `register`. */
const REGISTER_OPTIONS: ReadonlySet<string> = new Set(['prefix', 'logLevel', 'logSerializers'])

function assertNothingOf (given: object): void {
  const misplaced = Object.keys(given).find((name) => !REGISTER_OPTIONS.has(name))
  if (misplaced !== undefined) throw new InvalidOption(misplaced, 'is given to register(handle.plugin), give it to createSession(schema, options)')
}
