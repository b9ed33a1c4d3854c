import { inspect } from 'node:util'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RouteSessionSettings } from '../../types/index.js'
import type { Step } from '../async/timeout.js'
import type { Loaded } from '../backends/place.js'
import type { Brought } from './cookie.js'
import type { OldCookies } from './old-cookies.js'

const DUPLICATE = Object.freeze({ state: 'none', reason: 'duplicate-cookie' })

/** One request and its response, as far as the session's cookie is concerned. */
export class Exchange implements Step {
  /** The load is one step, whatever calls to the store it takes. */
  until = 0
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** The value of our cookie; `null`: there is none, or more than one. */
  readonly token: string | null
  /** The values of several cookies of our name: none of them is believed. */
  several: readonly string[] | null
  /** Cookies of systems that were here before; `null`: none, or nobody wants to know. */
  old: OldCookies | null = null
  /** The settings of the route. */
  readonly route: RouteSessionSettings | undefined
  /** The session behind the token; `null`: nobody has asked, or there is nothing to ask for. */
  loaded: Loaded | null = null
  /** The backend is being asked. */
  loading = false
  /** The `Set-Cookie` to send; `null`: none. */
  cookie: string | null = null
  /** The response removes every cookie of our name but the one it sends. */
  removesAll: boolean
  /** `save()` has put it on the raw response already. */
  exposed = false
  /** Our `onSend` is through: the headers are as they will leave. */
  closed = false

  constructor (request: FastifyRequest, reply: FastifyReply, brought: Brought, route: RouteSessionSettings | undefined) {
    this.request = request
    this.reply = reply
    const several = typeof brought === 'object' ? brought : null
    this.token = typeof brought === 'string' ? brought : null
    this.several = several
    this.removesAll = several !== null
    this.route = route
    if (several !== null) this.loaded = DUPLICATE
  }

  /** Has the client hung up? */
  get clientGone (): boolean {
    const { raw } = this.reply
    // An HTTP/2 response tells it of its stream only.
    return raw.destroyed || (raw as { stream?: { destroyed: boolean } }).stream?.destroyed === true
  }

  /** Can a cookie still be set? Not once the head has left or is fixed, the client has gone, or the connection is a WebSocket. */
  get canSetCookie (): boolean {
    const { reply, request } = this
    return !this.closed && !reply.raw.headersSent && !this.clientGone && !(reply.sent && isWebSocket(request))
  }

  /** Is there no `onSend` to come that would save what happens now? */
  get left (): boolean {
    return this.closed || this.reply.sent || this.reply.raw.headersSent
  }

  /** Has the response closed, whoever closed it? */
  get ended (): boolean {
    return this.reply.raw.closed || this.clientGone
  }

  /** The backend has answered. */
  find (loaded: Loaded): void {
    this.loading = false
    this.loaded = loaded
  }

  setCookie (cookie: string): void {
    this.cookie = cookie
  }

  /** The session has ended: no cookie of our name is to be left but that of a next one. */
  removeAll (clear: string): void {
    this.cookie = clear
    this.removesAll = true
  }

  /** Hands out `several`, once. */
  takeSeveral (): readonly string[] {
    const several = this.several ?? []
    this.several = null
    return several
  }

  keepCookies (): void {
    this.removesAll = false
  }

  /** The browser may hold a newer cookie by now: it gets none, nor a removal. */
  leaveCookies (): void {
    this.cookie = null
    this.keepCookies()
  }

  close (): void {
    this.closed = true
  }

  /** The response begins anew, as an error. */
  reopen (): void {
    this.closed = false
  }

  /** Nothing of a session belongs into a log, whoever prints the request. */
  [inspect.custom] (): string {
    return 'Exchange {}'
  }
}

function isWebSocket ({ headers: { upgrade } }: FastifyRequest): boolean {
  return upgrade !== undefined && upgrade.toLowerCase() === 'websocket'
}
