import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { z } from 'zod'
import { createSession, withSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionStore } from '../../types/index.js'

/** One of several applications with secrets of their own, and its signed-in user. */
async function application (t: Test, store: SessionStore, name: string | undefined) {
  const handle = createSession(z.object({ userId: z.string().optional() }), {
    secret: randomBytes(32), store, revocations: store, application: name, subject: 'userId', maxPerSubject: 1, describe: () => ({})
  })
  const fastify = Fastify()
  t.teardown(() => fastify.close())
  const app = withSession(fastify, handle)
  app.post('/sign-in', async ({ session }) => { session.userId = '7' })
  app.get('/', async ({ session }) => session.userId ?? 'nobody')
  await app.ready()
  const cookie = String((await app.inject({ method: 'POST', url: '/sign-in' })).headers['set-cookie']).split(';')[0]!
  return { sessions: app.sessions, user: async () => (await app.inject({ url: '/', headers: { cookie } })).body }
}

t.test('applications that share a store and are told apart by `application` do not list, count or end each other\'s sessions', async (t) => {
  const store = memoryStore()
  const shop = await application(t, store, 'shop')
  const blog = await application(t, store, 'blog')
  t.strictSame([await shop.user(), await blog.user()], ['7', '7'], 'maxPerSubject counts those of one')
  t.equal((await shop.sessions.list('7')).length, 1)
  await shop.sessions.destroyAll('7')
  t.strictSame([await shop.user(), await blog.user()], ['nobody', '7'])
  await shop.sessions.revokeAll()
  t.equal(await blog.user(), '7')
})

t.test('secrets do not tell them apart, as docs/stores.md says: one place for each does', async (t) => {
  const store = memoryStore()
  const shop = await application(t, store, undefined)
  const blog = await application(t, store, undefined)
  t.strictSame([await shop.user(), await blog.user()], ['nobody', '7'], 'maxPerSubject counts both')
  const other = await application(t, memoryStore(), undefined)
  await shop.sessions.revokeAll()
  t.strictSame([await blog.user(), await other.user()], ['nobody', '7'])
})
