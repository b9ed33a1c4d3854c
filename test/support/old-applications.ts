import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import Fastify from 'fastify'
import type { Test } from 'tap'
import { type ConnectReader, fromExpressSession, fromFastifySession, fromSecureSession } from '../../lib/adopt.js'
import type { Adopter } from '../../types/index.js'

/** The stored form that the tests' adopters make. */
export interface Mapped { readonly userId?: string, readonly visits?: number, readonly lastSeen?: string }
interface Options { readonly until?: Date, readonly ending?: 'leave' | 'forget' }

/** An application of the system that was here before: it runs, and is asked over HTTP. */
export interface OldApplication {
  readonly name: string
  /** Does it keep its sessions on the server? */
  readonly keeps: boolean
  /** The cookie with which it answers a sign-in: name and value. */
  signIn (user: string): Promise<readonly [name: string, value: string]>
  /** Whom it knows by its cookie. */
  userOf (value: string): Promise<string | null>
  adopter (options?: Options): Adopter<Mapped>
}

// Untyped: the types of one of them say what request.session is, for the whole program.
const require = createRequire(import.meta.url)
export const untyped = (name: string) => require(name) as any

/** Random, and what anybody could read in a repository. */
export const OLD_KEY = 'q7Hs0vN2xKz4Lw9TjRbY6mUcFgE1pXdA'
/** The same bytes as base64, for secure-session. As a text it is a key as well. */
export const OLD_KEY_BASE64 = Buffer.from(OLD_KEY).toString('base64')
export const OLDER_KEY = 'Bv5Xq1MnTz8RkWd3YhJc7LgPs0UfEa2o'

const month = () => new Date(Date.now() + 30 * 86_400_000)
const mapped = (old: { user?: string, visits?: number }): Mapped => ({ ...(old.user !== undefined && { userId: old.user }), visits: old.visits ?? 0 })

/** Asks by HTTP, as a browser does. */
export function asking (name: string, address: string) {
  const ask = async (path: string, value?: string) => await fetch(`${address}${path}`, value === undefined ? {} : { headers: { cookie: `${name}=${value}` } })
  return {
    async signIn (user: string): Promise<readonly [string, string]> {
      const lines = (await ask(`/sign-in?user=${user}`)).headers.getSetCookie()
      const [, cookie = '', value = ''] = /^([^=]+)=([^;]*)/.exec(lines.find((line) => line.startsWith(`${name}=`)) ?? '') ?? []
      return [cookie, value]
    },
    async userOf (value: string): Promise<string | null> {
      return ((await (await ask('/me', value)).json()) as { user: string | null }).user
    }
  }
}

export async function expressApplication (t: Pick<Test, 'teardown'>, { keys = [OLD_KEY], store = new (untyped('express-session').MemoryStore)() as ConnectReader } = {}): Promise<OldApplication> {
  const app = untyped('express')()
  app.use(untyped('express-session')({ secret: keys, name: 'connect.sid', resave: false, saveUninitialized: false, store, cookie: { maxAge: 86_400_000 } }))
  app.get('/sign-in', (request: any, response: any) => { Object.assign(request.session, { user: request.query.user, visits: 7 }); response.end() })
  app.get('/me', (request: any, response: any) => response.json({ user: request.session.user ?? null }))
  const server: Server = await new Promise((resolve) => { const listening = app.listen(0, '127.0.0.1', () => resolve(listening)) })
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const adopter = (options: Options = {}) => fromExpressSession({ cookie: 'connect.sid', until: month(), secret: [OLD_KEY, OLDER_KEY], store, map: mapped, ...options })
  return { name: 'express-session', keeps: true, adopter, ...asking('connect.sid', `http://127.0.0.1:${(server.address() as AddressInfo).port}`) }
}

/** A Fastify application with one of the plugins: the routes are the same. */
async function fastifyAddress (t: Pick<Test, 'teardown'>, plugin: string, options: object): Promise<string> {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(untyped('@fastify/cookie'))
  await app.register(untyped(plugin), options)
  app.get('/sign-in', async (request: any) => { Object.assign(request.session, { user: request.query.user, visits: 7 }) })
  app.get('/me', async (request: any) => ({ user: request.session.user ?? null }))
  t.teardown(() => app.close())
  return await app.listen({ port: 0, host: '127.0.0.1' })
}

export async function fastifySessionApplication (t: Pick<Test, 'teardown'>, { keys = [OLD_KEY], cookiePrefix = 's:', algorithm = 'sha256', store = new (untyped('@fastify/session').MemoryStore)() as ConnectReader } = {}): Promise<OldApplication> {
  const address = await fastifyAddress(t, '@fastify/session', { secret: keys, cookiePrefix, algorithm, store, saveUninitialized: false, cookie: { secure: false, maxAge: 86_400_000 } })
  const adopter = (options: Options = {}) => fromFastifySession({ cookie: 'sessionId', until: month(), secret: [OLD_KEY, OLDER_KEY], store, cookiePrefix, algorithm, map: mapped, ...options })
  return { name: '@fastify/session', keeps: true, adopter, ...asking('sessionId', address) }
}

export const secureKey = (text: string) => Buffer.from(text)

export async function secureSessionApplication (t: Pick<Test, 'teardown'>, { keys = [OLD_KEY], old = {} as object, cookie = 'secure' } = {}): Promise<OldApplication> {
  const address = await fastifyAddress(t, '@fastify/secure-session', { key: keys.map(secureKey), cookieName: cookie, cookie: { path: '/' }, ...old })
  const adopter = (options: Options = {}) => fromSecureSession({ cookie, until: month(), key: [OLD_KEY, OLDER_KEY].map(secureKey), map: mapped, ...options })
  return { name: '@fastify/secure-session', keeps: false, adopter, ...asking(cookie, address) }
}
