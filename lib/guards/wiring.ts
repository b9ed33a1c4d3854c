import { subscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, RouteOptions } from 'fastify'
import type { $ZodType } from 'zod/v4/core'
import type { RouteSessionOptions } from '../../types/index.js'
import { InvalidOption } from '../errors.js'
import { checkRoute, type Guard, guardOf } from './route-options.js'

/** A session of an instance. */
interface Declared { readonly name: string, readonly schema: $ZodType }
/** The part of a route that is about sessions. */
interface Route { readonly url: string, readonly config: unknown, readonly guards: readonly Guard[] }

const SESSIONS = Symbol('sessions of this instance')
type Instance = FastifyInstance & { [SESSIONS]?: readonly Declared[] }

/** In the config of a route: it runs its guards. */
const WIRED = Symbol('guards run')
/** The answer of `printRoutes()` where there are none. */
const NO_ROUTES = '(empty tree)'

/** The routes of an instance that say something of sessions. */
const routes = new WeakMap<object, Route[]>()
const guardsOnRoutes = new WeakSet<Guard>()
let guardsOnNoRoute = 0

// A route that is defined while the plugin waits for its turn (`app.register(…)` without await) meets no hook of the plugin.
// But Fastify announces each new instance, so we see its routes from the first one.
subscribe('fastify.initialization', (message) => watch((message as { fastify: Instance }).fastify))

function watch (app: Instance): void {
  app[SESSIONS] = []
  app.addHook('onRoute', function (this: Instance, options) {
    const guards = wire(options)
    const route = { url: options.url, config: options.config, guards }
    for (const session of this[SESSIONS] as readonly Declared[]) check(route, session)
    if (route.config !== undefined || guards.length > 0) routes.set(this, [...routes.get(this) ?? [], route])
  })
}

/** The names of the sessions that are declared on `app`, or above it. */
export function sessionsOn (app: Instance): readonly string[] {
  return (app[SESSIONS] ?? []).map(({ name }) => name)
}

/** Checks what the routes of `app` say of a session, those that are there and all to come. Throws `InvalidOption`. */
export function checkRoutes (app: Instance, { name, schema }: Declared): void {
  if (app[SESSIONS] === undefined) {
    watch(app)
    if (app.printRoutes() !== NO_ROUTES) app.addHook('onReady', assertGuardsOnRoutes)
  }
  const sessions = app[SESSIONS] as readonly Declared[]
  if (sessions.some((known) => known.name === name && known.schema === schema)) return
  app[SESSIONS] = [...sessions, { name, schema }]
  for (const route of routes.get(app) ?? []) check(route, { name, schema })
}

function check ({ url, config, guards }: Route, { name, schema }: Declared): void {
  checkRoute(config, name, ` of ${url}`)
  const stranger = guards.find((guard) => guard.session === name && guard.schema !== schema)
  if (stranger !== undefined) throw new InvalidOption('requireSession', `${url} is guarded by another schema than that of request.${name}. Give it the handle, or the very schema that was registered`)
}

/** Lets a route run every guard among its options, also one whose hook it has replaced: it would be open. */
function wire (route: RouteOptions): readonly Guard[] {
  const guards = guardsAmong(route)
  if (guards.length === 0) return guards
  const own: unknown[] = [route.onRequest ?? []].flat()
  const lost = guards.map(({ hook }) => hook).filter((hook) => !own.includes(hook))
  route.onRequest = [...lost, ...own] as NonNullable<RouteOptions['onRequest']>
  route.config = { ...route.config, [WIRED]: true } as NonNullable<RouteOptions['config']>
  for (const guard of guards) {
    if (!guardsOnRoutes.has(guard)) guardsOnNoRoute--
    guardsOnRoutes.add(guard)
  }
  return guards
}

function guardsAmong (route: RouteOptions): readonly Guard[] {
  const parts = [
    ...Object.getOwnPropertySymbols(route).map((symbol) => Reflect.get(route, symbol) as unknown),
    ...Object.values(route.config ?? {}).map((options) => (options as { require?: unknown } | null)?.require)
  ]
  return [...new Set(parts.map(guardOf))].filter((guard) => guard !== undefined)
}

/** Counts a guard that was made just now. */
export function expectOnRoute (): void {
  guardsOnNoRoute++
}

async function assertGuardsOnRoutes (): Promise<void> {
  if (guardsOnNoRoute === 0) return
  throw new InvalidOption('requireSession', 'cannot guard for certain routes that were defined before the session, on an instance that was made before fastify-typed-session was loaded. Load it before you call Fastify(), or await app.register(…) before the first route')
}

/** The guard of a route that no hook above has seen, but whose config still names it. */
export function unwiredGuard (config: object, options: RouteSessionOptions | undefined): Guard | undefined {
  return options === undefined || options === false || options.require === undefined || WIRED in config ? undefined : guardOf(options.require)
}
