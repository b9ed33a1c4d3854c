import type { RequestLike } from './handle.js'

/** The part of a WebSocket that is used: those of `ws` and `@fastify/websocket` have it. */
export interface SocketLike {
  close (code: number, reason: string): unknown
  once (event: 'close', listener: () => void): unknown
  /** Ends the connection of a client that does not answer the close frame. */
  terminate? (): unknown
  /** 3: closed already. */
  readonly readyState?: number
}

/** Options of `sessionSocket`. */
export interface SessionSocketOptions {
  /**
   * Seconds between two questions to the store. Default 5. At most 10, or `rotationGrace` if that is longer: a periodic
   * rotation leaves word of the new id for that long only. A socket that asks later is closed.
   */
  readonly revalidateEvery?: number | undefined
  /** A handle, or the name of one. Default `'session'`. */
  readonly session?: string | { readonly name: string } | undefined
}

/**
 * Closes `socket` when the session that its request came with is over.
 *
 * - With 1008 when the session has expired or ended: by signing out here or from outside, `revokeAll()`, or a new id by
 *   `rotate()` or a change of privilege. At once if there is no session.
 * - With 1013 when the store fails to say, or when the proof of a device that the request came with is over (`device-bound`):
 *   connect again.
 *
 * It notices at once what this process does. It notices within `revalidateEvery` seconds what others do, after `revokeAll()` plus
 * `revocationStaleness`. It cuts off a client that does not answer 2 seconds later.
 *
 * An open socket is no activity. The session expires unless requests go on using it, or the socket's own handler calls
 * `session.touch()` and `session.save()`. The store's deadline counts, which every request moves. A cookie session without
 * `revocations` has none. There the socket lives as long as the cookie that it was opened with would have, whatever becomes of the
 * session.
 *
 * ```ts
 * app.get('/live', { websocket: true }, (socket, request) => {
 *   sessionSocket(socket, request)
 *   socket.on('message', …)
 * })
 * ```
 * Throws `FST_TYPED_SESSION_INVALID_OPTION`, and what reading `request.session` throws.
 */
export type SessionSocket = (socket: SocketLike, request: RequestLike, options?: SessionSocketOptions) => void
