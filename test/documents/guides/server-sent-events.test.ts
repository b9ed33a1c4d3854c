import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { blocksOf } from '../../support/documents.js'
import { Client, COOKIE, SECRET, setCookies } from '../../support/app.js'
import { javaScriptOf } from '../../support/transpile.js'

const APP = `import session from 'fastify-typed-session'
import { memoryStore } from 'fastify-typed-session/stores/memory'
import { schema } from './schema.mjs'
import events from './events.mjs'

export async function build (app, secret) {
  app.register(session, { schema, secret, store: memoryStore(), rotateOn: ['userId'] })
  app.post('/login', async (request) => { request.session.userId = 'ada' })
  app.post('/visit', async (request) => { request.session.cart.push('tea') })
  app.post('/logout', async (request) => await request.session.destroy())
  app.register(events)
}`
const SCHEMA = `import { z } from 'zod'
export const schema = z.object({ userId: z.string().optional(), cart: z.array(z.string()).default([]) })`

const recipe = blocksOf('docs/life-cycle.md').find(({ code }) => code.includes("'/events'"))

/** The recipe of docs/life-cycle.md in an application that listens, with the package as it is built. */
async function open (t: Test) {
  const folder = t.testdir({ 'app.mjs': APP, 'schema.mjs': SCHEMA, 'events.mjs': javaScriptOf(recipe?.code ?? '').replace('./schema.js', './schema.mjs') })
  const { build } = await import(pathToFileURL(join(folder, 'app.mjs')).href) as { build (app: FastifyInstance, secret: string): Promise<void> }
  const app = Fastify({ forceCloseConnections: true })
  await build(app, SECRET)
  t.teardown(() => app.close())
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const client = new Client((request) => app.inject(request), COOKIE)
  const stream = async () => await fetch(`${address}/events`, { headers: { cookie: client.header } })
  return { client, stream }
}

t.test('the recipe for server-sent events: who is signed in gets a stream, and signing out ends it', async (t) => {
  const { client, stream } = await open(t)
  t.equal((await stream()).status, 401, 'nobody is signed in')
  await client.post('/login')
  const response = await stream()
  t.match({ status: response.status, type: response.headers.get('content-type') }, { status: 200, type: 'text/event-stream' })
  t.strictSame(setCookies(Object.fromEntries(response.headers)), [])
  await client.post('/visit')
  const ended = response.text()
  t.equal((await client.post('/logout')).statusCode, 200)
  t.equal(await ended, '')
  t.equal((await stream()).status, 401, 'and there is no new one')
})
