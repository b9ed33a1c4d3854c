import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Unbound } from '../errors.js'
import type { Device } from '../record/device.js'
import { CLOCK_SKEW } from '../record/timeouts.js'
import type { Gate } from '../request/runtime.js'
import type { BoundCookie } from './bound-cookie.js'
import { skipsIn } from './headers.js'

/** Milliseconds: what the browser sent before it had the answer to its registration comes without the cookie of that answer. */
export const UNDER_WAY = 10_000

/** In the config of our routes, to which browsers come for lack of a good cookie. */
export const OWN = Symbol('a route of device-bound')

/** Lets a request use a session that is bound to a device if it has a good cookie of the device. */
export class DeviceGate implements Gate {
  readonly #cookie: BoundCookie
  readonly #refuses: boolean

  constructor (cookie: BoundCookie, refuses: boolean) {
    this.#cookie = cookie
    this.#refuses = refuses
  }

  asksFirst (request: FastifyRequest): boolean {
    return isArrival(request) || this.#isRefused(request)
  }

  turnAway (request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    if (isArrival(request)) return comeAgain(reply)
    if (this.#isRefused(request)) throw new Unbound()
  }

  admits (device: Device, cookies: string | undefined): boolean {
    const now = Date.now()
    const age = now - device.boundAt
    return (age < UNDER_WAY && age > -CLOCK_SKEW) || this.#cookie.isGoodIn(cookies, device, now)
  }

  why (headers: IncomingHttpHeaders): readonly string[] {
    return skipsIn(headers)
  }

  #isRefused ({ routeOptions: { config } }: FastifyRequest): boolean {
    return this.#refuses && !(OWN in config)
  }
}

/** Does somebody come to a page from another site? Browsers refresh nothing for that, because it would tell the other site something. */
function isArrival ({ method, headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } }: FastifyRequest): boolean {
  return method === 'GET' && mode === 'navigate' && destination === 'document' && site !== 'same-origin'
}

/** The browser asks for the same page again, now on behalf of our own site, and refreshes first. If it cannot, that request goes on. */
function comeAgain (reply: FastifyReply): FastifyReply {
  return reply.headers({ refresh: '0', 'cache-control': 'no-store', 'content-type': 'text/html' }).send('')
}
