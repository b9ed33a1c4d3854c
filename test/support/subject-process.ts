// A process of its own: an application that knows whose its sessions are. Says its port, ends with its input.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { createSession, requireRecent } from '../../lib/index.js'
import { sessionCookie } from '../../lib/testing.js'
import type { SessionName, SubjectTask } from './subject-processes.js'
import { SECRET } from './app.js'
import { openStore } from './engine.js'

const { address, backend } = JSON.parse(process.argv[2] as string) as SubjectTask
const { store, close } = await openStore(address)
const schema = z.object({ userId: z.string().optional(), note: z.string().optional() })
const common = {
  secret: SECRET,
  // The clients of one engine share its data.
  application: `${backend} ${address.client}`,
  subject: 'userId' as const,
  storeTimeout: 30,
  revocations: store,
  describe: ({ headers }: FastifyRequest) => ({ agent: headers['user-agent'] ?? 'none' }),
  ...(backend === 'store' && { store })
}
const handles = {
  session: createSession(schema, common),
  evicting: createSession(schema, { ...common, name: 'evicting', maxPerSubject: 3 }),
  refusing: createSession(schema, { ...common, name: 'refusing', maxPerSubject: 3, overLimit: 'refuse' })
}

const app = Fastify({ forceCloseConnections: true, bodyLimit: 16 * 1024 * 1024 })
for (const { plugin } of Object.values(handles)) app.register(plugin)

interface Route { Params: { name: SessionName }, Body: { subject: string, id: string, except: string[], count: number, cookies: string[] } }
const sessionOf = (request: FastifyRequest<Route>) => handles.session.get({ getDecorator: () => request.getDecorator(request.params.name) })
const sessions = ({ params: { name } }: FastifyRequest<Route>) => handles[name].sessions(app)

app.post<Route>('/:name/read', async (request) => ({ ...sessionOf(request).data(), id: sessionOf(request).id, isNew: sessionOf(request).isNew }))
app.post<Route>('/:name/login', async (request) => { sessionOf(request).userId = request.body.subject })
app.post<Route>('/:name/rotate', async (request) => await sessionOf(request).rotate())
app.post<Route>('/:name/write', async (request) => { sessionOf(request).note = 'written' })
app.post<Route>('/:name/reauthenticate', async (request) => await sessionOf(request).reauthenticated())
app.post('/session/sensitive', { preHandler: requireRecent(300) }, async () => ({ done: true }))
app.post<Route>('/:name/logout', async (request) => await sessionOf(request).destroy())
app.post<Route>('/:name/list', async (request) => await sessions(request).list(request.body.subject))
app.post<Route>('/:name/destroy', async (request) => ({ ended: await sessions(request).destroy(request.body.id, request.body.subject) }))
app.post<Route>('/:name/destroy-all', async (request) => ({ ended: await sessions(request).destroyAll(request.body.subject, { except: request.body.except ?? [] }) }))
app.post<Route>('/:name/change-password', async (request) => {
  const session = sessionOf(request)
  await sessions(request).destroyAll(session.userId as string, { except: session.id })
  await session.reauthenticated()
})
app.post<Route>('/:name/revoke-all', async (request) => await sessions(request).revokeAll())
app.post<Route>('/:name/many', async ({ params: { name }, body: { subject, count } }) =>
  await each(Array.from({ length: count }), async () => await sessionCookie(app as never, { userId: subject } as never, handles[name] as never)))
app.post<Route>('/:name/alive', async (request) => {
  const opened = await each(request.body.cookies, async (cookie) => await sessions(request).open(cookie))
  return { alive: opened.filter((session) => session !== null).length }
})

/** As many at a time as a pool of connections can stand. */
async function each<T, R> (items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += 20) results.push(...await Promise.all(items.slice(start, start + 20).map(work)))
  return results
}

await app.listen({ port: 0, host: '127.0.0.1' })
console.log((app.server.address() as AddressInfo).port)
await once(process.stdin.resume(), 'end')
await app.close()
await close()
