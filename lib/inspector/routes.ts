import { hash } from 'node:crypto'
import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify'
import { Forbidden } from '../errors.js'
import type { Runtime } from '../request/runtime.js'
import { readAssets, readPage } from './assets.js'
import { endDevice } from './devices.js'
import { type EventLog, OWN } from './event-log.js'
import { find } from './find.js'
import { look } from './view.js'

export interface Parts { readonly runtimes: ReadonlyMap<string, Runtime>, readonly log: EventLog }

/** Looking is no use of a session, and begins none, although hooks of the application may read it. A store that has failed is to be seen. */
const LOOKING = { touch: false, begin: false, onStoreError: 'anonymous' } as const

/** The page itself, a person who types the address, and whoever does not say. */
const READERS: readonly unknown[] = ['same-origin', 'none', undefined]

/** The page below `path`, its files, its data, and the one thing that it can do. */
export async function routes (app: FastifyInstance, path: string, parts: Parts): Promise<void> {
  const { runtimes } = parts
  const config = { [OWN]: true, ...Object.fromEntries([...runtimes.keys()].map((name) => [name, LOOKING])) } as FastifyContextConfig
  // `hide`: no part of the API that `@fastify/swagger` describes.
  const quiet = { config, logLevel: 'warn', schema: { hide: true } as object } as const
  const folder = `${app.prefix}${path}`.split('/').at(-1) as string
  const page = await readPage()

  app.get(path, quiet, async ({ url }, reply) => reply.type('text/html; charset=utf-8').send(page(/^[^?]*\/(?:\?|$)/.test(url) ? '.' : `./${folder}`)))
  for (const { name, type, content } of await readAssets()) {
    app.get(`${path}/${name}`, quiet, async (_request, reply) => reply.type(type).send(content))
  }

  app.get(`${path}/state`, quiet, async (request, reply) => {
    if (!READERS.includes(siteOf(request))) throw new Forbidden()
    const state = JSON.stringify(await stateFor(request, parts))
    const version = `"${hash('sha256', state, 'base64url')}"`
    reply.header('etag', version)
    if (request.headers['if-none-match'] === version) return await reply.code(304).send()
    return await reply.type('application/json; charset=utf-8').send(state)
  })

  app.post<{ Params: { session: string, id: string } }>(`${path}/end/:session/:id`, quiet, async (request) => {
    if (siteOf(request) !== 'same-origin') throw new Forbidden()
    const runtime = runtimes.get(request.params.session)
    if (runtime === undefined) return { ended: false }
    const found = await find(runtime, request.headers.cookie)
    return { ended: 'place' in found && await endDevice(runtime, found, request.params.id) }
  })
}

/** Where the request comes from. Browsers do not say that on plain http, except to their own machine. */
function siteOf ({ headers }: FastifyRequest): unknown {
  return headers['sec-fetch-site']
}

async function stateFor ({ headers: { cookie } }: FastifyRequest, { runtimes, log }: Parts): Promise<object> {
  const sessions = [...runtimes.values()].map(async (runtime) => {
    const view = await look(runtime, cookie)
    return { ...view, events: log.of(runtime, cookie, view.session?.id ?? null) }
  })
  return { sessions: await Promise.all(sessions) }
}
