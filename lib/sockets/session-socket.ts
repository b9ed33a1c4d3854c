import type { SessionSocket, SocketLike } from '../../types/index.js'
import type { Place, Reloaded } from '../backends/place.js'
import { visitBehind } from '../request/members.js'
import { InvalidOption } from '../errors.js'
import type { Watch } from '../backends/open-sockets.js'
import { deadline } from '../record/timeouts.js'
import { isUnbound } from '../request/runtime.js'
import { sessionName } from '../guards/require-recent.js'
import { registered } from '../session/registered.js'
import type { Session } from '../session/session.js'
import type { Visit } from '../request/visit.js'

/** `readyState`, https://websockets.spec.whatwg.org */
const CLOSED = 3
/** Policy violation (RFC 6455, 7.4.1). */
const CLOSE_ENDED = [1008, 'session ended'] as const
/** Try again later (IANA registry of close codes). */
const UNAVAILABLE = [1013, 'session unavailable'] as const
/** Milliseconds for which a client may take to answer that. Until then it can go on sending. */
const FAREWELL = 2_000
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Closes a WebSocket when the session that its request came with is over, wherever it was ended; at once if there is none.
 * Throws `FST_TYPED_SESSION_INVALID_OPTION` for impossible options, and every error of reading `request.session`.
 * {@link SessionSocket} has the close codes and the meaning of "over".
 */
export const sessionSocket: SessionSocket = (socket, request, { revalidateEvery = 5, session = 'session' } = {}) => {
  if (!Number.isFinite(revalidateEvery) || revalidateEvery <= 0) throw new InvalidOption('revalidateEvery', 'must be a number of seconds, more than 0')
  if (typeof (socket as Partial<SocketLike> | null)?.close !== 'function' || typeof socket.once !== 'function') {
    throw new InvalidOption('socket', 'must be a WebSocket of ws or @fastify/websocket, which has close() and once()')
  }
  const visit = visitBehind(registered<Session>(request, sessionName('sessionSocket', session)))
  if (socket.readyState === CLOSED) return
  if (visit.place === null) return close(socket, visit.obstacle === 'store' ? UNAVAILABLE : CLOSE_ENDED)
  new SessionWatch(socket, visit, visit.place, revalidateEvery * 1000).check()
}

/** Follows one session through its rotations, until it or the socket ends. */
class SessionWatch implements Watch {
  readonly #socket: SocketLike
  readonly #visit: Visit
  readonly #every: number
  readonly #life: number
  #place: Place
  #forget: () => void
  #timer: NodeJS.Timeout | undefined
  #asking = false
  #again = false
  #stopped = false

  constructor (socket: SocketLike, visit: Visit, place: Place, every: number) {
    this.#socket = socket
    this.#visit = visit
    this.#every = Math.min(every, LONGEST_TIMER)
    this.#life = visit.life
    this.#place = place
    this.#forget = visit.runtime.sockets.add(place.key, this)
    socket.once('close', () => this.stop())
  }

  check (): void {
    // The answer under way may be out of date by now.
    if (this.#asking) this.#again = true
    else this.#run().catch((error) => this.#visit.exchange.request.log.error({ err: error }, 'the socket of a session could not be closed'))
  }

  stop (): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#forget()
  }

  async #run (): Promise<void> {
    this.#asking = true
    clearTimeout(this.#timer)
    do {
      this.#again = false
      await this.#ask()
    } while (this.#again && !this.#stopped)
    this.#asking = false
    if (!this.#stopped) this.#timer = setTimeout(() => this.check(), this.#untilNext()).unref()
  }

  async #ask (): Promise<void> {
    const { runtime, runtime: { backend }, exchange: { request } } = this.#visit
    let latest: Reloaded
    try {
      latest = await backend.reload(this.#place, Date.now())
    } catch (error) {
      if (this.#stopped) return
      request.log.error({ err: (error as Error).cause }, 'session store failed to confirm the session of a socket')
      return this.#close(UNAVAILABLE)
    }
    if (this.#stopped) return
    if (typeof latest === 'string') this.#close(CLOSE_ENDED)
    // A socket sends no newer proof: whoever can give one connects again.
    else if (isUnbound(runtime, latest, request.headers.cookie)) this.#close(UNAVAILABLE)
    else this.#follow(latest)
  }

  #follow (latest: Place): void {
    const visit = this.#visit
    if (latest.key !== this.#place.key) {
      this.#forget()
      this.#forget = visit.runtime.sockets.add(latest.key, this)
    }
    this.#place = latest
    // The handler saves and reloads by the id that the request came with, which leads nowhere once the tombstone is gone.
    const { standing, standing: { place }, saving, life } = visit
    if (place !== null && place.key !== latest.key && saving === null && life === this.#life) visit.standOn({ ...standing, place: { ...place, raw: null, key: latest.key } })
  }

  /** Milliseconds: until the session expires, as far as that is known here, but not longer than agreed. */
  #untilNext (): number {
    const { settings } = this.#visit.runtime
    const { record: { times }, usedAt } = this.#place
    return Math.min(this.#every, deadline(times, usedAt, settings) - Date.now())
  }

  #close (why: typeof CLOSE_ENDED | typeof UNAVAILABLE): void {
    this.stop()
    close(this.#socket, why)
  }
}

function close (socket: SocketLike, [code, reason]: typeof CLOSE_ENDED | typeof UNAVAILABLE): void {
  const timer = setTimeout(() => socket.terminate?.(), FAREWELL).unref()
  socket.once('close', () => clearTimeout(timer))
  socket.close(code, reason)
}
