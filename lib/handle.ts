import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { CreateSession, RequestLike, SessionHandle, SessionSchema, WithSessionFunction } from '../types/index.js'
import { sessionPlugin } from './plugin.js'

/** Declares a session: `handle.plugin` to register it, `handle.get(request)` to read it, typed anywhere. */
export const createSession = ((schema: SessionSchema, options: { name?: string }) => {
  const name = options.name ?? 'session'
  return {
    name,
    schema,
    plugin: fp(async (app: FastifyInstance) => sessionPlugin(app, { ...options, schema }), { name: 'fastify-typed-session', fastify: '5.x' }),
    get: (request: RequestLike) => request.getDecorator(name),
    sessions: (app: RequestLike) => app.getDecorator(`${name}s`)
  }
}) as unknown as CreateSession

/** Registers a handle and types the instance's requests by it: no `declare module`. Returns the same instance. */
export const withSession = ((app: FastifyInstance, session: SessionHandle<SessionSchema>) => {
  app.register(session.plugin)
  return app
}) as unknown as WithSessionFunction
