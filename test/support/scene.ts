import type { FastifyReply, FastifyRequest, LightMyRequestResponse } from 'fastify'
import Fastify from 'fastify'
import type { Test } from 'tap'
import type { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionHandle } from '../../types/index.js'
import { type BackendName, Client, COOKIE, SECRET, setCookies } from './app.js'
import { FaultyStore } from './faulty-store.js'

/** What a request does with its session. */
export type Work<S> = (session: S, request: FastifyRequest, reply: FastifyReply) => unknown

export interface Ran {
  readonly response: LightMyRequestResponse
  readonly status: number
  /** What the work returned. */
  readonly value: unknown
  /** The code of the error that the response is. */
  readonly code: string | undefined
  /** The `Set-Cookie` lines. */
  readonly cookies: readonly string[]
}

type Instance = ReturnType<typeof Fastify>

export interface SceneOptions {
  readonly backend: BackendName
  /** Options of the session, besides schema, secret and store. */
  readonly options?: object
  /** Called after the session is registered. */
  readonly after?: (app: Instance) => unknown
}

/**
 * An application with a session of any schema, which handlers see as `Held`. `run` makes one request whose handler is the given function; the one
 * client keeps cookies. `writes` counts what the store was asked to keep.
 */
export async function scene<Held> (t: Pick<Test, 'teardown'>, schema: z.ZodType, { backend, options = {}, after }: SceneOptions) {
  const store = new FaultyStore(memoryStore())
  const app = Fastify({ forceCloseConnections: true })
  const given = { secret: SECRET, ...(backend === 'memory' && { store }), ...(backend === 'revocable' && { revocations: store }), ...options }
  const handle = createSession(schema as never, given as never) as unknown as SessionHandle<never>
  app.register(handle.plugin)
  await app.after()
  await after?.(app)
  t.teardown(() => app.close())
  const works = new Map<string, Work<never>>()
  let last = 0
  let value: unknown
  app.all('/run/:work', async (request, reply) => {
    const { work } = request.params as { work: string }
    value = await (works.get(work) as Work<unknown>)(handle.get(request), request, reply)
    return reply.sent ? reply : 'done'
  })
  const newClient = () => new Client((request) => app.inject(request), COOKIE)
  const client = newClient()
  async function run (work: Work<Held>, by: Client = client): Promise<Ran> {
    const name = String(last++)
    works.set(name, work)
    value = undefined
    const response = await by.get(`/run/${name}`)
    const code = String(response.headers['content-type']).startsWith('application/json') ? (response.json() as { code?: string }).code : undefined
    return { response, status: response.statusCode, value, code, cookies: setCookies(response.headers) }
  }
  const writes = () => store.calls.filter((call) => call !== 'load').length
  return { app, handle, client, newClient, run, store, writes }
}
