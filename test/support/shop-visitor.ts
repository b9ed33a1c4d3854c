import { randomBytes } from 'node:crypto'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { SessionStore } from 'fastify-typed-session'
import { memoryStore } from 'fastify-typed-session/stores/memory'
import type { Test } from 'tap'
import { buildShop } from '../../examples/shop/app.js'

/** The shop in this process, over what is given. Closed when the test ends. */
export async function openShop (t: Test, revocations: SessionStore = memoryStore(), store: SessionStore | null = null): Promise<FastifyInstance> {
  const app = await buildShop({ secret: randomBytes(32).toString('base64url'), store, revocations })
  t.teardown(() => app.close())
  return app
}

/** A browser. */
export function visit (app: FastifyInstance) {
  let cookie = ''
  const send = async (options: InjectOptions) => {
    const response = await app.inject({ ...options, headers: { cookie, host: 'shop.example', ...options.headers } })
    const [set] = [response.headers['set-cookie'] ?? []].flat()
    if (set !== undefined) cookie = set.split(';', 1).join()
    return { status: response.statusCode, to: response.headers.location, text: response.payload }
  }
  const post = (url: string, form: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    send({ method: 'POST', url, payload: new URLSearchParams(form).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } })
  return { get: (url: string) => send({ url }), post, cookie: () => cookie }
}
