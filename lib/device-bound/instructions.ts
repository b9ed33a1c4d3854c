import type { FastifyRequest } from 'fastify'
import { isLocalHost } from '../http/set-cookie.js'
import type { Device } from '../record/device.js'
import type { BoundCookie } from './bound-cookie.js'

/** Tells the browser how to keep the session ("JSON Session Instruction Format" of `w3c/webappsec-dbsc`). */
export function instructions (request: FastifyRequest, { id }: Device, { name, attributes }: BoundCookie, refresh: string): object {
  return {
    session_identifier: id,
    refresh_url: refresh,
    // The draft does not need the origin, Chromium does.
    scope: { origin: originOf(request), include_site: false, scope_specification: [] },
    credentials: [{ type: 'cookie', name, attributes }]
  }
}

/** As the browser sees it. A secure cookie has come, so it is https even where a proxy has not said so. */
function originOf ({ protocol, host }: FastifyRequest): string {
  return `${isLocalHost(host) ? protocol : 'https'}://${host}`
}
