import type { FastifyRequest } from 'fastify'
import type { RouteSessionOptions } from '../types/index.js'
import { InvalidOption } from './errors.js'

const KNOWN: ReadonlySet<string> = new Set(['onStoreError', 'require'])
const checked = new WeakSet<object>()

/** What a request's route says of the session `name` in its `config`. Throws `InvalidOption` for what makes no sense. */
export function routeOptions (request: FastifyRequest, name: string): RouteSessionOptions | undefined {
  const { config } = request.routeOptions as { config?: unknown }
  return checkRoute(config, name)
}

/** The same of a route that is being defined. A misspelt option must not leave a route open that was meant to be closed. */
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
