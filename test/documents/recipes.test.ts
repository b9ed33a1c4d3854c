import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { requireSession, sessionPlugin } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionHandle } from '../../types/index.js'
import { Client, COOKIE, SECRET, settled } from '../support/app.js'
import { writePrograms } from '../support/block-files.js'
import { blocksOf } from '../support/documents.js'

// Short recipes of the documents, run as they stand.

/** The type of a guard takes the schema in Register: in this program that of the example. */
type Guard = (of: object, key: string) => ReturnType<typeof requireSession>

const schema = z.object({ userId: z.string().optional(), cart: z.array(z.string()).default([]) })

/** What the block of a document exports that has this text in it. */
async function recipe<Exports> (t: Pick<Test, 'testdir'>, document: string, text: string): Promise<Exports> {
  const [{ code = '' } = {}, another] = blocksOf(document).filter(({ code }) => code.includes(text))
  if (another !== undefined) throw new Error(`${document} has two`)
  return await import(pathToFileURL(join(writePrograms(t, { 'recipe.js': code }), 'recipe.js')).href) as Exports
}

async function buildApp (t: Pick<Test, 'teardown'>, options: object = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(sessionPlugin, { schema, secret: SECRET, ...options } as never)
  app.post('/cart', async ({ session }) => { (session as unknown as { cart: string[] }).cart.push('tea') })
  app.post('/login', async ({ session }) => { Object.assign(session, { userId: 'ada' }) })
  app.post('/logout', async ({ session }) => { await (session as unknown as { destroy (): Promise<void> }).destroy() })
  return { app, client: new Client(async (request) => await app.inject(request), COOKIE) }
}

t.test('hooks.md: what happens is counted', async (t) => {
  const { countSessions } = await recipe<{ countSessions (app: FastifyInstance, count: (name: string) => void): void }>(t, 'docs/hooks.md', 'countSessions')
  const { app, client } = await buildApp(t, { store: memoryStore() })
  const seen: string[] = []
  countSessions(app, (name) => { seen.push(name) })
  await client.post('/cart')
  await client.post('/logout')
  client.jar.set(COOKIE, 'nonsense')
  await client.post('/cart')
  await settled()
  t.strictSame(seen.sort(), ['created', 'created', 'destroyed', 'rejected: malformed'])
})

t.test('hooks.md: nothing is kept before consent, and the page is served', async (t) => {
  const { askConsent } = await recipe<{ askConsent (app: FastifyInstance, agreed: (cookies: string) => boolean): void }>(t, 'docs/hooks.md', 'askConsent')
  for (const store of [undefined, memoryStore()]) {
    const { app, client } = await buildApp(t, store && { store })
    askConsent(app, (cookies) => cookies.includes('consent=1'))
    for (const url of ['/cart', '/login']) {
      const { statusCode, headers } = await client.post(url)
      t.equal(statusCode, 200)
      t.equal(headers['set-cookie'], undefined)
    }
    t.equal(store?.size ?? 0, 0)
    client.jar.set('consent', '1')
    t.type((await client.post('/cart')).headers['set-cookie'], 'string')
  }
})

t.test('control.md: a server without Fastify knows who it is', async (t) => {
  process.env.SESSION_SECRET ??= SECRET
  const { handle, server } = await recipe<{ handle: SessionHandle<typeof schema>, server: Server }>(t, 'docs/control.md', 'handle.open(request)')
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(handle)
  app.post('/login', async (request) => { handle.get(request).userId = 'ada' })
  const client = new Client(async (request) => await app.inject(request), COOKIE)
  await client.post('/login')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const ask = async (headers: Record<string, string>) => await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers })).text()
  t.equal(await ask({ cookie: client.header }), 'ada')
  t.equal(await ask({ cookie: `${client.header}x` }), 'nobody')
  t.equal(await ask({}), 'nobody')
})

t.test('errors.md: a page that needs a sign-in leads to it, a form is told', async (t) => {
  const { redirectToLogin } = await recipe<{ redirectToLogin (app: FastifyInstance): void }>(t, 'docs/errors.md', 'redirectToLogin')
  const app = Fastify()
  t.teardown(() => app.close())
  redirectToLogin(app)
  // The build: the recipe knows its errors.
  const { sessionPlugin, requireSession } = await import('fastify-typed-session' as string) as { sessionPlugin: never, requireSession: Guard }
  await app.register(sessionPlugin, { schema, secret: SECRET } as never)
  app.route({ method: ['GET', 'POST'], url: '/mine', ...requireSession(schema, 'userId'), handler: async () => 'mine' })
  app.get('/wrong', async () => { throw new Error('something else') })
  t.equal((await app.inject('/mine?page=2')).headers.location, '/login?returnTo=%2Fmine%3Fpage%3D2')
  t.equal((await app.inject({ method: 'POST', url: '/mine' })).statusCode, 401)
  t.equal((await app.inject('/wrong')).statusCode, 500)
})

t.test('typing.md: a guard\'s hook guards a whole plugin', async (t) => {
  const { app, client } = await buildApp(t)
  app.register(async (child) => {
    child.addHook('onRequest', (requireSession as unknown as Guard)(schema, 'userId').onRequest)
    child.get('/mine', async ({ session }) => (session as unknown as { userId: string }).userId)
  })
  t.equal((await client.get('/mine')).statusCode, 401)
  await client.post('/login')
  t.equal((await client.get('/mine')).body, 'ada')
})
