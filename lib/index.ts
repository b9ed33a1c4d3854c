import fp from 'fastify-plugin'
import type { RegisteredSchema, SessionOptions } from '../types/index.js'
import { sessionPlugin as plugin } from './plugin/plugin.js'

export type * from '../types/index.js'
export { SessionError } from './errors.js'
export { createSession, withSession } from './plugin/handle.js'
export { requireBound } from './guards/require-bound.js'
export { requireRecent } from './guards/require-recent.js'
export { returnPath } from './guards/return-path.js'
export { requireSession, withGuard } from './guards/require-session.js'
export { sessionSocket } from './sockets/session-socket.js'

/** `app.register(sessionPlugin, { schema, secret })`. Throws at `register` for whatever is wrong with the options. */
export const sessionPlugin = fp(plugin, { name: 'fastify-typed-session', fastify: '5.x' }) as (app: object, options: SessionOptions<RegisteredSchema>) => Promise<void>
export default sessionPlugin
