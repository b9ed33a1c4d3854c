import * as z from 'zod'
import type { FastifyRequest } from 'fastify'
import { InvalidOption } from '../errors.js'
import { sessionName } from '../guards/require-recent.js'
import { optionError } from '../options/option-error.js'
import { prefixSuchAs } from '../options/prefix.js'
import { duration, immediate } from '../options/timeout-options.js'
import type { Runtime } from '../request/runtime.js'

const LEAST = 300
const MOST = 86_400

const shape = z.strictObject({
  session: z.unknown().default('session'),
  prefix: prefixSuchAs('/.session/device').default('/.session/device'),
  cookieLife: duration.min(LEAST, `must be ${LEAST} seconds or more: browsers stop to prove what they are asked too often`).max(MOST, `must be a day (${MOST} seconds) or less: a thief can use a copy of the cookies for as long`).default(600),
  when: immediate.optional(),
  onUnbound: z.enum(['anonymous', 'refuse'], 'must be one of: anonymous, refuse').default('anonymous')
})

/** Durations are milliseconds. */
export interface Settings {
  readonly session: string
  readonly prefix: string
  readonly cookieLife: number
  readonly when: (request: FastifyRequest) => unknown
  readonly refuses: boolean
}

/** Throws `InvalidOption`. */
export function readOptions (input: unknown): Settings {
  const parsed = shape.safeParse(input)
  if (!parsed.success) throw optionError(parsed.error, [], Object.keys(shape.shape))
  const { session, prefix, cookieLife, when, onUnbound } = parsed.data
  return {
    session: sessionName('session', session as string),
    prefix,
    cookieLife: cookieLife * 1000,
    when: (when ?? (() => true)) as Settings['when'],
    refuses: onUnbound === 'refuse'
  }
}

/** Throws `InvalidOption` for a session whose cookies the browser would not bring back, or whose binding nothing would keep. */
export function checkSession ({ backend, settings: { name, cookie: { policy }, store, revocations } }: Runtime): void {
  const wrong = (option: string, why: string) => new InvalidOption(`${option} of ${name}`, `${why}, so it cannot be bound to a device`)
  if (backend.bindings === null) throw wrong('store', 'is missing, and revocations too: nothing is kept of the session on the server')
  const kept = store === null ? 'revocations' : 'store'
  if ((store ?? revocations)?.atomic === false) throw wrong(kept, 'has no atomic write (atomic: false): a parallel save could take the binding away')
  if (!policy.secure) throw wrong('cookie.secure', 'is false')
  if (policy.domain !== null) throw wrong('cookie.domain', 'is set: a cookie that several hosts share is not proved by one of them')
  if (policy.path !== '/') throw wrong('cookie.path', 'is not "/"')
  if (policy.partitioned) throw wrong('cookie.partitioned', 'is true')
  if (policy.sameSite === 'none') throw wrong('cookie.sameSite', 'is "none"')
}
