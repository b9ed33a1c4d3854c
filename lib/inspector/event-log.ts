import { channel } from 'node:diagnostics_channel'
import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { ConflictMessage, RejectMessage, RotateMessage, SaveMessage, SessionMessage } from '../../types/index.js'
import { senderOf } from '../diagnostics/channels.js'
import { readCookie } from '../http/cookie.js'
import type { Runtime } from '../request/runtime.js'

/** Events of one session. */
const MOST = 100
/** Of how many sessions. */
const SESSIONS = 500

/** Marks the routes of the page: nothing that happens there is an event. */
export const OWN = Symbol('inspector')

/** Something that has happened to a session. Never data. */
export interface Told {
  /** Grows from event to event. */
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly what: 'created' | 'loaded' | 'saved' | 'rotated' | 'merged' | 'rejected' | 'ended'
  readonly why?: string
  /** Changed keys that the schema names. */
  readonly keys?: readonly string[]
  /** How many others have changed. */
  readonly others?: number
  /** Method and pattern of the route: an address may hold secrets. `null`: it happened outside a request. */
  readonly route: string | null
  /** Events of one request have the same number, whatever the application calls it. */
  readonly request: number | null
}

type What = Pick<Told, 'what' | 'why' | 'keys' | 'others'>

/** The last events of this process, by session. It listens to the channels, which carry no data, tokens or ids. */
export class EventLog {
  readonly #runtimes: ReadonlyMap<string, Runtime>
  /** By public id. */
  readonly #told = new Lists()
  /** By public id, and by a hash of the cookie that was not accepted. Apart, because anybody can cause any number of them. */
  readonly #rejections = new Lists()
  readonly #channels: ReadonlyArray<readonly [string, (message: unknown) => void]>
  readonly #requests = new WeakMap<FastifyRequest, number>()
  /** Counts on from the clock: a page that is open while the process starts anew sees later events as later ones. */
  #number = Date.now() * 1_000

  constructor (runtimes: ReadonlyMap<string, Runtime>) {
    this.#runtimes = runtimes
    this.#channels = Object.entries({
      load: this.#on(() => ({ what: 'loaded' })),
      save: this.#on(({ isNew, keys }: SaveMessage, runtime) => ({ what: isNew ? 'created' : 'saved', ...named(runtime, keys) })),
      rotate: this.#on(({ previousId, id, reason }: RotateMessage) => {
        for (const lists of [this.#told, this.#rejections]) lists.carry(previousId, id)
        return { what: 'rotated', why: reason }
      }),
      destroy: this.#on(() => ({ what: 'ended' })),
      reject: this.#on(({ reason }: RejectMessage) => ({ what: 'rejected', why: reason })),
      conflict: this.#on(({ keys }: ConflictMessage, runtime) => ({ what: 'merged', ...named(runtime, keys) }))
    })
  }

  start (): void {
    for (const [name, listener] of this.#channels) channel(`fastify-typed-session:${name}`).subscribe(listener)
  }

  stop (): void {
    for (const [name, listener] of this.#channels) channel(`fastify-typed-session:${name}`).unsubscribe(listener)
  }

  /** The events of a session, newest first. `cookies`: the header of the browser that wants to know. `id`: of its session, if it has one. */
  of (runtime: Runtime, cookies: string | undefined, id: string | null): readonly Told[] {
    const keys = [id, cookieKey(runtime, cookies)].filter((key) => key !== null)
    const told = new Set(keys.flatMap((key) => [...this.#told.of(key), ...this.#rejections.of(key)]))
    return [...told].sort((one, other) => other.number - one.number).slice(0, MOST)
  }

  #on<Message extends SessionMessage> (read: (message: Message, runtime: Runtime) => What): (message: unknown) => void {
    return (message) => {
      const { session, request, id } = message as Message
      const runtime = this.#runtimes.get(session)
      // Another application of this process, or another part of this one, may have a session of the same name.
      if (runtime === undefined || runtime !== senderOf(message as Message) || (request !== null && OWN in request.routeOptions.config)) return
      const what = read(message as Message, runtime)
      const number = ++this.#number
      const told = { number, at: Date.now(), ...what, route: routeOf(request), request: this.#requestOf(request, number) }
      if (what.what !== 'rejected') return this.#told.add(id, told)
      // The browser may have no session.
      const cookie = cookieKey(runtime, (request as FastifyRequest).headers.cookie)
      for (const key of [id, cookie]) if (key !== null) this.#rejections.add(key, told)
    }
  }

  #requestOf (request: FastifyRequest | null, number: number): number | null {
    if (request === null) return null
    const known = this.#requests.get(request) ?? number
    this.#requests.set(request, known)
    return known
  }
}

/** The newest events by key, of the keys that were seen last. */
class Lists {
  readonly #lists = new LRUCache<string, readonly Told[]>({ max: SESSIONS })

  of (key: string): readonly Told[] {
    return this.#lists.get(key) ?? []
  }

  add (key: string, ...told: readonly Told[]): void {
    this.#lists.set(key, [...this.of(key), ...told].slice(-MOST))
  }

  carry (from: string, to: string): void {
    const told = this.of(from)
    this.#lists.delete(from)
    if (told.length > 0) this.add(to, ...told)
  }
}

/** Tells a browser by a cookie that stands for no session. */
function cookieKey ({ settings: { name, cookie } }: Runtime, cookies: string | undefined): string | null {
  const brought = readCookie(cookies, cookie.name)
  return brought === null ? null : `${name} ${hash('sha256', String(brought))}`
}

/** The names of keys outside the schema are nobody's business. */
function named ({ codec }: Runtime, keys: readonly string[]): Pick<Told, 'keys' | 'others'> {
  const known = keys.filter((key) => codec.declares(key))
  return { keys: known, others: keys.length - known.length }
}

function routeOf (request: FastifyRequest | null): string | null {
  return request === null ? null : `${request.method} ${request.routeOptions.url ?? '(no route)'}`
}
