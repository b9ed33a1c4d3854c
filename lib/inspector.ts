import fp from 'fastify-plugin'
import type { InspectorOptions } from './inspector/options.js'
import { inspectorPlugin as plugin } from './inspector/plugin.js'

export type { InspectorOptions } from './inspector/options.js'

/**
 * `app.register(inspector)`, after the sessions: a page at `/.session` that shows a developer the sessions of their own browser, and what
 * becomes of them. Where `NODE_ENV` is `production` and there is no `allow`, it registers nothing.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` at `register` for what is wrong with the options, where there is no session yet, and
 * where `allow` is missing although `NODE_ENV` is neither `development` nor `test`.
 */
export const inspector = fp(plugin, { name: 'fastify-typed-session-inspector', fastify: '5.x', encapsulate: true }) as (app: object, options: InspectorOptions) => Promise<void>
export default inspector
