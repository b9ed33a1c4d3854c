import type { FastifyServerOptions, InjectOptions, LightMyRequestResponse } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import { z } from 'zod'
import { date } from '../../lib/codecs.js'
import { createSession, withSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { HandleOptions, InferSession, RejectEvent, SessionHookName } from '../../types/index.js'

export const schema = z.object({
  userId: z.string().optional(),
  visits: z.int().default(0),
  note: z.string().optional(),
  theme: z.enum(['light', 'dark']).default('light'),
  cart: z.array(z.object({ sku: z.string(), qty: z.int().positive() })).default(() => []),
  profile: z.object({ name: z.string(), address: z.object({ city: z.string() }).optional() }).optional(),
  lastSeen: date().optional(),
  'dotted.key': z.number().optional()
})

export type AppSession = InferSession<typeof schema>

/** The session of a request whose type does not carry it. */
export const sessionOf = (request: object): AppSession => (request as { session: AppSession }).session

export const SECRET = 'v3Qm1x0b7d8sKf2hZp4yTn6uWc9eRj5aLgXoBiDqHkM'
export const COOKIE = '__Host-Http-session'

/** `revocable`: a cookie session whose end is kept in a store. */
export type BackendName = 'cookie' | 'revocable' | 'memory'
const BACKENDS: readonly BackendName[] = ['cookie', 'revocable', 'memory']

/** Runs `fn` as a subtest for each place a session can live in. */
export async function eachBackend (t: Test, fn: (t: Test, backend: BackendName) => Promise<unknown>): Promise<void> {
  for (const backend of BACKENDS) await t.test(`${backend} sessions`, async t => { await fn(t, backend) })
}

type Options = Partial<HandleOptions<typeof schema>>

export interface AppOptions extends Options {
  readonly backend: BackendName
  /** Options of Fastify itself. */
  readonly fastify?: FastifyServerOptions
  /** Called before the session is registered. */
  readonly before?: (app: ReturnType<typeof Fastify>) => unknown
}

const EVENTS = ['onCreate', 'onLoad', 'onSave', 'onRotate', 'onDestroy', 'onReject', 'onConflict'] as const
export type App = Awaited<ReturnType<typeof buildApp>>['app']
export interface SeenEvent { readonly name: SessionHookName, readonly event: object }

/**
 * An application with one session and no routes, closed with the test. `client` sends requests and keeps cookies, `logs`
 * is what pino wrote at level trace, `events` what the session's hooks were told.
 */
export async function buildApp (t: Pick<Test, 'teardown'>, { backend, fastify, before, store, ...options }: AppOptions) {
  const logs: Record<string, unknown>[] = []
  const stream = { write (line: string) { logs.push(JSON.parse(line)) } }
  const instance = Fastify({ forceCloseConnections: true, logger: { level: 'trace', stream }, ...fastify })
  await before?.(instance)
  const kept = store ?? (backend === 'memory' ? memoryStore() : undefined)
  const revocations = backend === 'revocable' && { revocations: memoryStore() }
  const handle = createSession(schema, { secret: SECRET, rotateOn: ['userId'], ...(kept !== undefined && { store: kept }), ...revocations, ...options })
  const app = withSession(instance, handle)
  await app.after()
  t.teardown(() => app.close())
  const sessions = handle.sessions(app)
  const events: SeenEvent[] = []
  for (const name of EVENTS) sessions.addHook(name, (event: object) => { events.push({ name, event }) })
  const rejected = () => events.filter(({ name }) => name === 'onReject').map(({ event }) => event as RejectEvent)
  const newClient = (cookieName = COOKIE) => new Client((request) => app.inject(request), cookieName)
  return { app, handle, sessions, store: kept, events, rejected, logs, client: newClient(), newClient }
}

/** A browser's part: keeps the cookies of one host and sends them back. */
export class Client {
  readonly jar = new Map<string, string>()
  readonly #inject: (request: InjectOptions) => Promise<LightMyRequestResponse>
  readonly #name: string

  constructor (inject: (request: InjectOptions) => Promise<LightMyRequestResponse>, name: string) {
    this.#inject = inject
    this.#name = name
  }

  /** The session's token. */
  get token (): string | undefined { return this.jar.get(this.#name) }

  /** The `Cookie` header. */
  get header (): string { return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ') }

  get (url: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    return this.send({ method: 'GET', url, headers })
  }

  post (url: string, payload: object = {}): Promise<LightMyRequestResponse> {
    return this.send({ method: 'POST', url, payload })
  }

  async send (request: InjectOptions): Promise<LightMyRequestResponse> {
    const cookie = this.jar.size > 0 && { cookie: this.header }
    const response = await this.#inject({ ...request, headers: { ...cookie, ...request.headers } })
    this.take(setCookies(response.headers))
    return response
  }

  /** Keeps or drops what `Set-Cookie` lines say. */
  take (lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
      if (/; Max-Age=0(;|$)/i.test(line)) this.jar.delete(name)
      else this.jar.set(name, value)
    }
  }
}

/** The `Set-Cookie` lines of a response. */
export function setCookies (headers: Record<string, unknown>): string[] {
  return [headers['set-cookie'] ?? []].flat().map(String)
}

/** Waits for what is not a request's part any more: `onResponse`, `on…` hooks, a warning. */
export async function settled (): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}
