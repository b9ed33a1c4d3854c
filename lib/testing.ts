import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { JsonObject, OpenedSession, RegisteredSchema, SessionData, SessionHandle, SessionSchema } from '../types/index.js'
import { isRemoval } from './http/removals.js'
import { memberOf } from './schema/discriminant.js'
import { signedIn } from './request/times.js'
import type { Data } from './session/merge.js'
import { registered } from './session/registered.js'
import type { Card, Times } from './record/record.js'
import { askTimeouts, deadline } from './record/timeouts.js'
import type { Runtime } from './request/runtime.js'
import { liveKeys } from './schema/keys.js'
import { SessionControl } from './plugin/control.js'

type PartialData<S extends SessionSchema> = SessionData<S> extends infer D ? D extends unknown ? Partial<D> : never : never
type App = Pick<FastifyInstance, 'ready' | 'getDecorator'>
type Named = { readonly name: string }

/** The past of a session that a test begins with. */
export interface Past {
  /** When it began. Default: now. */
  readonly createdAt?: Date | undefined
  /** When its owner proved who they are. Default: now, if the data say whose session it is. */
  readonly authenticatedAt?: Date | undefined
  /** The answer of the option `describe`, for lists of devices. Default: none. */
  readonly about?: JsonObject | undefined
}

/**
 * A `Cookie` header for `app.inject` that carries a session with `data`. The rest is as in a new session; in a union, as far as
 * the state that `data` names has it. Throws what saving the data would throw. `handle`: of a named session; default: the one called `session`.
 */
export function sessionCookie (app: App, data: PartialData<RegisteredSchema>): Promise<string>
export function sessionCookie<S extends SessionSchema, Name extends string> (app: App, data: PartialData<S>, handle: SessionHandle<S, Name>): Promise<string>
export async function sessionCookie (app: App, data: Data, handle?: Named): Promise<string> {
  return await begin(SessionControl.runtimeOf(await controlOf(app, handle)), data, {})
}

async function begin (runtime: Runtime, data: Data, { createdAt, authenticatedAt, about }: Past): Promise<string> {
  const { settings, backend, codec } = runtime
  const whole = { ...startOf(runtime, data), ...data }
  const now = Date.now()
  const card: Card | null = about === undefined ? null : { about, from: null }
  const times: Times = {
    version: settings.version,
    createdAt: createdAt?.getTime() ?? now,
    usedAt: now,
    authenticatedAt: authenticatedAt?.getTime() ?? (signedIn(runtime, whole) ? now : 0),
    rotatedAt: now,
    persist: null,
    adoptedUntil: 0,
    ...askTimeouts(whole, settings)
  }
  const draft = { times, stored: codec.encode(whole), expiresAt: deadline(times, now, settings), subject: settings.subject?.(whole), card, device: null }
  const kept = await backend.create(backend.newId(), draft)
  return `${settings.cookie.name}=${kept?.token}`
}

/**
 * The session that the visitor of `app.inject` has after a response: by the cookie that it set, else by the one that the request
 * carried. `null`: none, or it was ended.
 */
export function readSession (app: App, response: LightMyRequestResponse): Promise<OpenedSession<SessionData<RegisteredSchema>> | null>
export function readSession<S extends SessionSchema, Name extends string> (
  app: App, response: LightMyRequestResponse, handle: SessionHandle<S, Name>): Promise<OpenedSession<SessionData<S>> | null>
export async function readSession (app: App, response: LightMyRequestResponse, handle?: Named): Promise<OpenedSession<Data> | null> {
  const control = await controlOf(app, handle)
  const start = `${control.policy().cookie.name}=`
  const cookie = [response.headers['set-cookie'] ?? []].flat().find((line) => line.startsWith(start))
  return await control.open(cookie === undefined ? response.raw.req : cookie.split(';', 1).join())
}

/** A browser for `app.inject`: it keeps cookies, whatever their path or domain, and drops those that a response removes. */
export interface Visitor<Input, Output> {
  /** The cookies by name, as they were sent. */
  readonly cookies: Map<string, string>
  /** As `app.inject`, with the cookies of before. */
  inject (request: InjectOptions | string): Promise<LightMyRequestResponse>
  get (url: string): Promise<LightMyRequestResponse>
  post (url: string, payload?: InjectOptions['payload']): Promise<LightMyRequestResponse>
  /** From now on, requests that change something carry this token, as `@fastify/csrf-protection` wants it. */
  csrf (token: string): void
  /** The visitor has a session with `data`, as {@link sessionCookie} makes it. Throws what saving the data would throw. */
  signIn (data: Input, past?: Past): Promise<void>
  /** The session that the visitor has now; `null`: none. */
  session (): Promise<OpenedSession<Output> | null>
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Somebody's browser, for tests of several steps. `handle`: of a named session; default: the one called `session`. */
export function visitor (app: App & Pick<FastifyInstance, 'inject'>): Visitor<PartialData<RegisteredSchema>, SessionData<RegisteredSchema>>
export function visitor<S extends SessionSchema, Name extends string> (
  app: App & Pick<FastifyInstance, 'inject'>, handle: SessionHandle<S, Name>): Visitor<PartialData<S>, SessionData<S>>
export function visitor (app: App & Pick<FastifyInstance, 'inject'>, handle?: Named): Visitor<Data, Data> {
  const cookies = new Map<string, string>()
  const header = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const always: Record<string, string> = {}
  const inject = async (request: InjectOptions | string) => {
    const options = typeof request === 'string' ? { url: request } : request
    const changes = !SAFE.has(options.method?.toUpperCase() ?? 'GET')
    const response = await app.inject({ ...options, headers: { ...cookies.size > 0 && { cookie: header() }, ...changes && always, ...options.headers } })
    for (const line of [response.headers['set-cookie'] ?? []].flat()) keep(cookies, line)
    return response
  }
  return {
    cookies,
    inject,
    get: async (url) => await inject(url),
    post: async (url, payload) => await inject({ method: 'POST', url, ...payload !== undefined && { payload } }),
    csrf (token) { always['csrf-token'] = token },
    async signIn (data, past = {}) {
      const cookie = await begin(SessionControl.runtimeOf(await controlOf(app, handle)), data, past)
      const at = cookie.indexOf('=')
      cookies.set(cookie.slice(0, at), cookie.slice(at + 1))
    },
    session: async () => await (await controlOf(app, handle)).open(header())
  }
}

/** As browsers do. A value goes back as it came: that in `response.cookies` is decoded. */
function keep (cookies: Map<string, string>, line: string): void {
  const [, name, value] = /^\s*([^=;]+?)\s*=\s*([^;]*?)\s*(?:;|$)/.exec(line) ?? []
  if (name === undefined || value === undefined) return
  if (isRemoval(line)) cookies.delete(name)
  else cookies.set(name, value)
}

/** The data of a new session, without keys that the state of `data` does not know. */
function startOf ({ codec, settings: { schema } }: Runtime, data: Data): Data {
  const member = memberOf(schema, data)
  const { keys, open } = liveKeys(member ?? schema)
  return Object.fromEntries(Object.entries(codec.initial()).filter(([key]) => open || keys.has(key)))
}

async function controlOf (app: App, handle: Named = { name: 'session' }): Promise<SessionControl> {
  await app.ready()
  return registered<SessionControl>(app, handle.name, `${handle.name}s`)
}
