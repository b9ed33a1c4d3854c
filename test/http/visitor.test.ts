import csrf from '@fastify/csrf-protection'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import * as z from 'zod'
import { createSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { visitor } from '../../lib/testing.js'
import { SECRET } from '../support/app.js'

const DAY = 86_400_000

function open (t: Pick<Test, 'teardown'>) {
  const handle = createSession(z.object({ userId: z.string().optional(), visits: z.int().default(0) }), {
    secret: SECRET, store: memoryStore(), subject: 'userId', undeclaredKeys: ['_csrf'], absoluteTimeout: 7 * 86_400
  })
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(handle)
  app.get('/visit', async (request) => ++handle.get(request).visits)
  app.post('/out', async (request) => await handle.get(request).destroy())
  app.post('/echo', async (request) => request.body)
  app.get('/other', async (_request, reply) => await reply.header('set-cookie', ['a=1; Path=/', 'b=2; Max-Age=60', 'c=3; Expires=Thu, 01 Jan 2099 00:00:00 GMT']).send())
  app.get('/away', async (_request, reply) => await reply.header('set-cookie', ['a=; Max-Age=0', 'b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT']).send())
  app.get('/sent', async (request) => request.headers.cookie)
  return { app, handle, ada: visitor(app, handle) }
}

t.test('a visitor keeps the session from step to step, and drops it when it is removed', async (t) => {
  const { ada } = open(t)
  t.equal(await ada.session(), null)
  t.equal((await ada.get('/visit')).body, '1')
  t.equal((await ada.inject('/visit')).body, '2')
  t.strictSame((await ada.session())?.data, { visits: 2 })
  t.equal((await ada.post('/out')).statusCode, 200)
  t.strictSame([await ada.session(), ada.cookies.size], [null, 0])
})

t.test('a visitor keeps every cookie, and drops those that a response removes', async (t) => {
  const { ada } = open(t)
  await ada.get('/other')
  t.equal((await ada.get('/sent')).body, 'a=1; b=2; c=3')
  await ada.get('/away')
  t.equal((await ada.get('/sent')).body, 'c=3')
  t.equal((await ada.inject({ url: '/sent', headers: { cookie: 'mine=1' } })).body, 'mine=1', 'a header that the test gives is the one that is sent')
  t.strictSame((await ada.post('/echo', { a: 1 })).json(), { a: 1 })
})

t.test('a visitor sends each cookie back as it came, and heeds its end as browsers do', async (t) => {
  const { app, ada } = open(t)
  app.get('/set', async (request, reply) => await reply.header('set-cookie', (request.query as { line: string }).line).send())
  const set = async (line: string) => {
    await ada.get(`/set?line=${encodeURIComponent(line)}`)
    return (await ada.get('/sent')).body
  }
  t.equal(await set('note=a%3B%20b%3Dc; Path=/'), 'note=a%3B%20b%3Dc')
  t.equal(await set('note=100%2525;HttpOnly'), 'note=100%2525')
  t.equal(await set('note="q"; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT'), 'note="q"')
  t.equal(await set('nonsense'), 'note="q"')
  t.equal(await set('note=1; max-age=-1'), '')
})

t.test('signIn begins with a session that has a past', async (t) => {
  const { app, handle, ada } = open(t)
  await ada.signIn({ userId: 'ada' }, { createdAt: new Date(Date.now() - 3 * DAY), authenticatedAt: new Date(Date.now() - 2 * DAY), about: { device: 'phone' } })
  t.equal((await ada.get('/visit')).body, '1')
  const [listed] = await handle.sessions(app).list('ada')
  t.match(listed, { about: { device: 'phone' } })
  const session = await ada.session()
  t.equal(Math.round((Date.now() - Number(session?.createdAt)) / DAY), 3)
  t.equal(Math.round((Date.now() - Number(session?.authenticatedAt)) / DAY), 2)
  t.equal(Math.round((Number(session?.expiresAt) - Date.now()) / DAY), 1, 'the idle timeout of a day counts from now')
  await ada.signIn({ userId: 'eve' })
  t.ok(Date.now() - Number((await ada.session())?.authenticatedAt) < DAY / 24)
  await ada.signIn({ userId: 'ada' }, { createdAt: new Date(Date.now() - 8 * DAY) })
  t.equal((await ada.get('/visit')).body, '1')
  t.strictSame((await ada.session())?.data, { visits: 1 }, 'a session that is too old is none')
})

t.test('a CSRF token goes with every request that changes something', async (t) => {
  const { app, ada } = open(t)
  await app.register(csrf, { sessionPlugin: '@fastify/session' })
  app.after(() => {
    app.get('/form', async (_request, reply) => reply.generateCsrf())
    app.route({ method: ['GET', 'POST', 'DELETE'], url: '/guarded', onRequest: app.csrfProtection, handler: async () => 'done' })
  })
  const token = (await ada.get('/form')).body
  t.equal((await ada.post('/guarded')).statusCode, 403)
  ada.csrf(token)
  t.equal((await ada.post('/guarded')).body, 'done')
  t.equal((await ada.inject({ method: 'DELETE', url: '/guarded' })).body, 'done')
  t.equal((await ada.get('/guarded')).statusCode, 403, 'a GET carries none')
})
