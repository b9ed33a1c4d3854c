import fp from 'fastify-plugin'
import type { DeviceBoundOptions } from '../types/index.js'
import { deviceBoundPlugin as plugin } from './device-bound/plugin.js'

export type { BoundDevice, DeviceBoundOptions } from '../types/index.js'

/**
 * `app.register(deviceBound)`, after the session. Binds sessions to the browser's device at sign-in, where the browser can do that
 * (Device Bound Session Credentials, `w3c/webappsec-dbsc`): a copy of its cookies is of no use after `cookieLife`. Needs `store` or
 * `revocations`.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` at `register` for what cannot work, and `…_NOT_REGISTERED` without the session.
 */
export const deviceBound = fp(plugin, { name: 'fastify-typed-session-device-bound', fastify: '5.x' }) as (app: object, options: DeviceBoundOptions) => Promise<void>
export default deviceBound
