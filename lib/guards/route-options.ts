import type { $ZodType } from 'zod/v4/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RouteSessionOptions, SessionRequirement } from '../../types/index.js'
import { InvalidOption } from '../errors.js'

/** The result of `requireSession`: a hook, and the requirement that stands in the route's config. */
export interface Guard {
  /** The name of its session. */
  readonly session: string
  readonly schema: $ZodType
  readonly requirement: SessionRequirement<unknown>
  readonly hook: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>
}

const KNOWN: ReadonlySet<string> = new Set(['onStoreError', 'begin', 'touch', 'require'])
const checked = new WeakSet<object>()
const guards = new WeakMap<object, Guard>()

/** Makes a guard known by its hook and by its requirement. */
export function introduce (guard: Guard): void {
  guards.set(guard.hook, guard).set(guard.requirement, guard)
}

/** The guard that something among a route's options belongs to. */
export function guardOf (part: unknown): Guard | undefined {
  return part instanceof Object ? guards.get(part) : undefined
}

/**
 * The settings in a route's `config` for the session `name`. Throws `InvalidOption` for nonsense: a misspelt option must not
 * leave a route open that was meant to be closed. `where`: the route, for the message.
 */
export function checkRoute (config: unknown, name: string, where = ''): RouteSessionOptions | undefined {
  const options = (config as Readonly<Record<string, unknown>> | undefined)?.[name]
  if (options === undefined || options === false) return options
  if (typeof options !== 'object' || options === null) throw wrong(name, where, 'must be false, which leaves the session alone on this route, or an object')
  if (!checked.has(options)) checkOptions(options, name, where)
  return options
}

function checkOptions (options: { onStoreError?: unknown, begin?: unknown, touch?: unknown, require?: unknown }, name: string, where: string): void {
  const unknown = Object.keys(options).find((key) => !KNOWN.has(key))
  if (unknown !== undefined) throw wrong(`${name}.${unknown}`, where, 'there is no such option')
  const { onStoreError, require } = options
  if (onStoreError !== undefined && onStoreError !== 'fail' && onStoreError !== 'anonymous') throw wrong(`${name}.onStoreError`, where, 'must be one of: fail, anonymous')
  for (const [option, value] of Object.entries({ begin: options.begin, touch: options.touch })) {
    if (value !== undefined && typeof value !== 'boolean') throw wrong(`${name}.${option}`, where, 'must be true or false')
  }
  if (require !== undefined && guardOf(require) === undefined) throw wrong(`${name}.require`, where, 'cannot be written by hand: spread requireSession(…) into the options of the route')
  checked.add(options)
}

const wrong = (path: string, where: string, what: string) => new InvalidOption(`config.${path}${where}`, what)
