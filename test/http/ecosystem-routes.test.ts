import autoload from '@fastify/autoload'
import formbody from '@fastify/formbody'
import view from '@fastify/view'
import ejs from 'ejs'
import Fastify from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { createSession, withSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { type BackendName, buildApp, Client, COOKIE, eachBackend, SECRET, sessionOf } from '../support/app.js'

const place = (backend: BackendName) => ({ secret: SECRET, ...(backend === 'memory' && { store: memoryStore() }), ...(backend === 'revocable' && { revocations: memoryStore() }) })

t.test('@fastify/view: a template reads the session like any object (P1.16, P2.8, P2.10, P4.14)', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  const root = t.testdir({
    'page.ejs': '<% if (session.userId) { %>Logged in as <%= session.userId %>, <%= session.cart.length %> in the cart<% } else { %>Please log in<% } %>',
    'own.ejs': '<% for (const key in locals) { if (key === "cart") { %><%= cart.map((item) => item.sku).join(" and ") %><% } } %><%= "note" in locals ? note : "no note" %>',
    'global.ejs': '<%= session.visits %> visits'
  })
  await app.register(view, { engine: { ejs }, root })
  app.get('/page', async (request, reply) => await reply.viewAsync('page.ejs', { session: request.session }))
  app.get('/own', async (request, reply) => await reply.viewAsync('own.ejs', request.session))
  app.get('/write-after', async (request, reply) => {
    request.session.visits++
    return await reply.viewAsync('global.ejs', { session: request.session })
  })
  app.addHook('preHandler', async (request, reply) => { (reply as { locals?: object }).locals = { session: request.session } })
  app.get('/global', async (_request, reply) => await reply.viewAsync('global.ejs'))
  app.get('/login', async (request) => { request.session.userId = '<u1>'; request.session.cart.push({ sku: 'tea', qty: 1 }, { sku: 'milk', qty: 1 }) })

  const anonymous = await client.get('/page')
  t.equal(anonymous.body, 'Please log in')
  t.equal(anonymous.headers['set-cookie'], undefined)
  await client.get('/login')
  const page = await client.get('/page')
  t.equal(page.body, 'Logged in as &lt;u1&gt;, 2 in the cart')
  t.equal(page.headers['set-cookie'], undefined, 'a page that only reads costs nothing')
  t.match(page.headers.vary, /Cookie/)
  t.equal((await client.get('/own')).body, 'tea and milkno note')
  t.equal((await client.get('/write-after')).body, '1 visits')
  t.equal((await client.get('/global')).body, '1 visits')
}))

t.test('@fastify/formbody: a form is posted, kept and read after the redirect (P1.15, P4.13)', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  await app.register(formbody)
  app.post('/form', async (request, reply) => {
    sessionOf(request).note = (request.body as { note: string }).note
    return reply.redirect('/', 303)
  })
  app.get('/', async (request) => ({ note: request.session.note ?? null }))
  const response = await client.send({ method: 'POST', url: '/form', headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'note=a+b%26c&__proto__[x]=1' })
  t.equal(response.statusCode, 303)
  t.ok(response.headers['set-cookie'], 'the cookie leaves with the redirect')
  t.strictSame((await client.get('/')).json(), { note: 'a b&c' })
}))

t.test('fastify-type-provider-zod: body and session share one Zod type, each checks its own (P4.13)', t => eachBackend(t, async (t, backend) => {
  const Item = z.object({ sku: z.string().min(1), qty: z.coerce.number().int().positive() })
  const Kept = z.object({ sku: z.string().min(1), qty: z.int().positive() })
  const handle = createSession(z.object({ email: z.email().optional(), cart: z.array(Kept).default(() => []) }), place(backend))
  const app = withSession(Fastify().withTypeProvider<ZodTypeProvider>(), handle)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await app.register(formbody)
  app.post('/cart', { schema: { body: Item, response: { 200: z.object({ cart: z.array(Kept) }) } } }, async ({ session, body }) => {
    session.cart.push(body)
    return { cart: session.cart, hidden: 'by the serializer' }
  })
  app.post('/email', { schema: { body: z.object({ email: z.string() }) } }, async ({ session, body }, reply) => {
    session.email = body.email
    return await reply.redirect('/email')
  })
  app.get('/email', async ({ session }) => ({ email: session.email ?? null }))
  t.teardown(() => app.close())
  const client = new Client((request) => app.inject(request), COOKIE)
  const post = (url: string, payload: string) => client.send({ method: 'POST', url, headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload })

  t.strictSame((await post('/cart', 'sku=tea&qty=2')).json(), { cart: [{ sku: 'tea', qty: 2 }] })
  t.equal((await post('/cart', 'sku=tea&qty=none')).statusCode, 400, 'the body\'s error is the client\'s')
  const refused = await post('/email', 'email=nobody')
  t.strictSame([refused.statusCode, refused.json().code], [500, 'FST_TYPED_SESSION_INVALID_DATA'], 'the session\'s error is the application\'s')
  t.equal((await post('/email', 'email=a%40example.com')).statusCode, 302)
  t.strictSame((await client.get('/email')).json(), { email: 'a@example.com' })
  t.strictSame((await post('/cart', 'sku=milk&qty=1')).json().cart.length, 2, 'nothing of the refused requests was kept')
}))

t.test('@fastify/autoload: routes in files and folders see the session that a plugin file registered', t => eachBackend(t, async (t, backend) => {
  const root = t.testdir()
  await mkdir(join(root, 'routes', 'deep', 'deeper'), { recursive: true })
  const route = (path: string) => `export default async function (app) {
  app.get('${path}', async (request) => { request.session.visits++; return { visits: request.session.visits } })
}\n`
  await writeFile(join(root, 'package.json'), '{"type":"module"}')
  await writeFile(join(root, 'routes', 'root.js'), route('/count'))
  await writeFile(join(root, 'routes', 'deep', 'index.js'), route('/'))
  await writeFile(join(root, 'routes', 'deep', 'deeper', 'index.js'), route('/'))
  await writeFile(join(root, 'routes', 'deep', 'autohooks.js'), `export default async function (app) {
  app.addHook('preHandler', async (request) => { request.session.note = 'from a hook' })
}\n`)
  const { app, client } = await buildApp(t, { backend })
  await app.register(autoload, { dir: join(root, 'routes'), autoHooks: true, cascadeHooks: true })
  app.get('/note', async (request) => ({ note: request.session.note ?? null }))
  t.strictSame((await client.get('/count')).json(), { visits: 1 })
  t.strictSame((await client.get('/note')).json(), { note: null })
  t.strictSame((await client.get('/deep')).json(), { visits: 2 })
  t.strictSame((await client.get('/deep/deeper')).json(), { visits: 3 })
  t.strictSame((await client.get('/note')).json(), { note: 'from a hook' })
}))

t.test('P3.1: the session is registered for its whole scope, and a scope of its own keeps it to itself', t => eachBackend(t, async (t, backend) => {
  const handle = createSession(z.object({ n: z.int().default(0) }), place(backend))
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(async (scope) => {
    scope.register(handle.plugin)
    scope.register(async (inner) => { inner.get('/inner', async (request) => ++handle.get(request).n) })
    scope.get('/scope', async (request) => ++handle.get(request).n)
  })
  app.get('/outside', async (request) => 'session' in request)
  const client = new Client((request) => app.inject(request), COOKIE)
  t.equal((await client.get('/inner')).body, '1')
  t.equal((await client.get('/scope')).body, '2')
  const outside = await client.get('/outside')
  t.strictSame([outside.body, outside.headers.vary, outside.headers['set-cookie']], ['false', undefined, undefined])
}))

t.test('a second plugin of the same name is refused at register', async t => {
  const { app, handle } = await buildApp(t, { backend: 'cookie' })
  await t.rejects(async () => await app.register(handle.plugin), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /request\.session exists already/ })
})
