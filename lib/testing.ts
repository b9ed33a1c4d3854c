import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { OpenedSession, RegisteredSchema, SessionData, SessionHandle, SessionSchema } from '../types/index.js'
import { memberOf } from './schema/discriminant.js'
import { signedIn } from './request/times.js'
import type { Data } from './session/merge.js'
import { registered } from './session/registered.js'
import type { Times } from './record/record.js'
import { askTimeouts, deadline } from './record/timeouts.js'
import type { Runtime } from './request/runtime.js'
import { liveKeys } from './schema/keys.js'
import { SessionControl } from './plugin/control.js'

type PartialData<S extends SessionSchema> = SessionData<S> extends infer D ? D extends unknown ? Partial<D> : never : never
type App = Pick<FastifyInstance, 'ready' | 'getDecorator'>

/**
 * A `Cookie` header for `app.inject` that carries a session with `data`. The rest is as in a new session; in a union, as far as
 * the state that `data` names has it. Throws what saving the data would throw. `handle`: of a named session; default: the one called `session`.
 */
export function sessionCookie (app: App, data: PartialData<RegisteredSchema>): Promise<string>
export function sessionCookie<S extends SessionSchema, Name extends string> (app: App, data: PartialData<S>, handle: SessionHandle<S, Name>): Promise<string>
export async function sessionCookie (app: App, data: Data, handle?: { name: string }): Promise<string> {
  const runtime = SessionControl.runtimeOf(await controlOf(app, handle))
  const { settings, backend, codec } = runtime
  const whole = { ...startOf(runtime, data), ...data }
  const now = Date.now()
  const times: Times = {
    version: settings.version,
    createdAt: now,
    usedAt: now,
    authenticatedAt: signedIn(runtime, whole) ? now : 0,
    rotatedAt: now,
    persist: null,
    ...askTimeouts(whole, settings)
  }
  const draft = { times, stored: codec.encode(whole), expiresAt: deadline(times, now, settings), subject: settings.subject?.(whole), card: null }
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
export async function readSession (app: App, response: LightMyRequestResponse, handle?: { name: string }): Promise<OpenedSession<Data> | null> {
  const control = await controlOf(app, handle)
  const start = `${control.policy().cookie.name}=`
  const cookie = [response.headers['set-cookie'] ?? []].flat().find((line) => line.startsWith(start))
  return await control.open(cookie === undefined ? response.raw.req : cookie.split(';', 1).join())
}

/** The data of a new session, without keys that the state of `data` does not know. */
function startOf ({ codec, settings: { schema } }: Runtime, data: Data): Data {
  const member = memberOf(schema, data)
  const { keys, open } = liveKeys(member ?? schema)
  return Object.fromEntries(Object.entries(codec.initial()).filter(([key]) => open || keys.has(key)))
}

async function controlOf (app: App, handle: { name: string } = { name: 'session' }): Promise<SessionControl> {
  await app.ready()
  return registered<SessionControl>(app, handle.name, `${handle.name}s`)
}
