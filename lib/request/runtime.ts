import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { Turns } from '../async/queue.js'
import type { Backend } from '../backends/backend.js'
import type { OpenSockets } from '../backends/open-sockets.js'
import type { Place } from '../backends/place.js'
import { hasSubscribers, publish } from '../diagnostics/channels.js'
import type { CookieWriter } from '../http/cookie.js'
import type { Notices } from '../http/notices.js'
import type { Settings } from '../options/options.js'
import type { Codec } from '../schema/codec.js'
import type { Opener } from '../schema/migrations.js'
import type { Device } from '../record/device.js'
import type { HookEvent, HookList } from '../session/hooks.js'
import type { Data } from '../session/merge.js'
import type { Keyring } from '../tokens/keyring.js'
import type { Kind } from '../tokens/kinds.js'
import type { OldCookieIds } from '../tokens/old-cookie-ids.js'
import type { SessionHookName } from '../../types/index.js'

/** Everything that the requests of one registered session share. */
export interface Runtime {
  readonly settings: Settings
  readonly codec: Codec
  readonly opener: Opener
  readonly cookies: CookieWriter
  /** Warnings of faults of the installation go through these. */
  readonly notices: Notices
  readonly hooks: HookList
  readonly log: FastifyBaseLogger
  readonly production: boolean
  /** Saves that lost a race wait here for each other, by session. Newcomers wait for them. */
  readonly turns: Turns
  /** Open sockets, by the session they were opened with. */
  readonly sockets: OpenSockets
  /** Replaced when the secrets are loaded again. */
  backend: Backend
  keyIds: readonly string[]
  /** Where old cookies lead. */
  oldCookieIds: OldCookieIds
  /** The option, to be asked again. */
  secret: unknown
  /** Makes another keyring of the same secrets, for the values of a cookie. */
  keyring: (kind: Kind, cookie: string) => Keyring
  /** Says who may use a session that is bound to a device. `null`: nobody. */
  gate: Gate | null
}

/** Tells the device that a session is bound to from every other. */
export interface Gate {
  /** Has the store to be asked before the handler, because the answer may be another one? */
  asksFirst (request: FastifyRequest): boolean
  /** Answers a request that does not come from the device. `undefined`: it goes on without the session. Throws `Unbound`. */
  turnAway (request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined
  /** Does a `Cookie` header come from the device? */
  admits (device: Device, cookies: string | undefined): boolean
  /** Why not, as far as the browser tells in these headers. */
  why (headers: IncomingHttpHeaders): readonly string[]
}

/** Is the session bound to a device that the request does not come from? `cookies`: its `Cookie` header. */
export function isUnbound ({ gate }: Pick<Runtime, 'gate'>, { record: { device } }: Place, cookies: string | undefined): boolean {
  return device !== null && (gate === null || !gate.admits(device, cookies))
}

type Told = Exclude<SessionHookName, 'preSave' | 'preRotate'>

/** Does anybody want to know of this? */
export function isHeard ({ hooks }: Runtime, name: Told): boolean {
  return hooks.has(name) || hasSubscribers(name)
}

/**
 * Tells the channel of this name, and starts the `on…` hooks. `facts` and `data` make the event: anew for each hook, and only if
 * somebody listens. A channel gets no data.
 */
export function emit<N extends Told> (runtime: Runtime, name: N, facts: () => Omit<HookEvent<N>, 'data'>, data?: () => Data): void {
  publish(name, runtime, facts)
  const event = () => ({ ...facts(), ...(data !== undefined && { data: data() }) }) as HookEvent<N>
  runtime.hooks.after(name, event, (error) => runtime.log.error({ err: error }, `session hook ${name} failed`))
}
