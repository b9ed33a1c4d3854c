import type { RouteOptions } from 'fastify'
import type { RouteSessionOptions, SessionRequirement } from '../../types/index.js'
import { InvalidOption } from '../errors.js'

const KNOWN: ReadonlySet<string> = new Set(['onStoreError', 'require'])
const checked = new WeakSet<object>()
const guards = new WeakMap<object, SessionRequirement<unknown>>()

/**
 * What a route's `config` says of the session `name`. Throws `InvalidOption` for what makes no sense: a misspelt option must not
 * leave a route open that was meant to be closed.
 */
export function checkRoute (config: unknown, name: string): RouteSessionOptions | undefined {
  const options = (config as Readonly<Record<string, unknown>> | undefined)?.[name]
  if (options === undefined || options === false) return options
  if (typeof options !== 'object' || options === null) throw wrong(name, 'must be false, which leaves the session alone on this route, or an object')
  if (!checked.has(options)) checkOptions(options, name)
  return options
}

function checkOptions (options: object, name: string): void {
  const unknown = Object.keys(options).find((key) => !KNOWN.has(key))
  if (unknown !== undefined) throw wrong(`${name}.${unknown}`, 'there is no such option')
  const { onStoreError } = options as { onStoreError?: unknown }
  if (onStoreError !== undefined && onStoreError !== 'fail' && onStoreError !== 'anonymous') throw wrong(`${name}.onStoreError`, 'must be one of: fail, anonymous')
  checked.add(options)
}

const wrong = (path: string, what: string) => new InvalidOption(`config.${path}`, what)

/** Route options that tell of a guard even where the route replaces its config and its hook: every guard has a symbol of its own. */
export function tellOfGuard (hook: object, requirement: SessionRequirement<unknown>): object {
  guards.set(hook, requirement)
  return { [Symbol('requireSession')]: hook }
}

/** Throws `InvalidOption` for a route that has lost a guard: it would be open. */
export function checkGuards (route: RouteOptions): void {
  const required = Object.values(route.config ?? {}).map((options) => (options as { require?: unknown } | null)?.require)
  const hooks: unknown[] = [route.onRequest].flat()
  for (const symbol of Object.getOwnPropertySymbols(route)) {
    const hook = (route as unknown as Record<symbol, object>)[symbol] as object
    const requirement = guards.get(hook)
    if (requirement === undefined || hooks.includes(hook) || required.includes(requirement)) continue
    throw new InvalidOption('requireSession', `${route.url} replaces both config and onRequest of a guard, and would be open. Write onRequest: [guard.onRequest, …]`)
  }
}
