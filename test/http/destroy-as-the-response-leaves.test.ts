import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import websocket from '@fastify/websocket'
import t, { type Test } from 'tap'
import { type AppSession, buildApp, settled, sessionOf } from '../support/app.js'
import { driverError, FaultyStore } from '../support/faulty-store.js'
import { fetchHttp, listen, talk } from '../support/wire.js'
import { memoryStore } from '../../lib/stores/memory.js'

type Store = 'memory' | 'revocable'
type Destroy = (session: AppSession) => Promise<unknown>

/** Ways to call `destroy()` when no `onSend` is to come. What goes on does so until `looked` resolves. */
const WAYS: Record<string, (reply: FastifyReply, session: AppSession, destroy: Destroy, looked: Promise<void>) => unknown> = {
  'in a stream that goes on': (reply, session, destroy, looked) => reply.send(Readable.from((async function * () {
    yield 'one'
    while (!reply.raw.headersSent) await new Promise((resolve) => setImmediate(resolve))
    await destroy(session)
    await looked
    yield 'two'
  })())),
  'after reply.send()': (reply, session, destroy) => { reply.raw.once('finish', () => destroy(session)); return reply.send('ok') },
  'in a hijacked reply that goes on': async (reply, session, destroy, looked) => {
    reply.hijack()
    await destroy(session)
    await looked
    reply.raw.end()
  },
  'next to reply.raw': async (reply, session, destroy, looked) => {
    reply.raw.writeHead(200)
    await destroy(session)
    await looked
    reply.raw.end()
    return reply
  }
}

function deferred<T> () {
  let settle: (value: T) => void = () => {}
  return { promise: new Promise<T>((resolve) => { settle = resolve }), resolve: (value: T) => settle(value) }
}

type Built = Awaited<ReturnType<typeof buildApp>>

/** An application with a kept session; `route` defines `/answer`. */
async function scene (t: Test, backend: Store, route: (built: Built) => unknown, store?: FaultyStore) {
  const built = await buildApp(t, { backend, ...(store && { store }) })
  await route(built)
  built.app.get('/seed', async (request) => { request.session.visits = 1 })
  built.app.get('/now', async (request) => request.session.data())
  await built.client.get('/seed')
  return { ...built, cookie: built.client.header }
}

for (const [way, run] of Object.entries(WAYS)) {
  for (const backend of ['memory', 'revocable'] as const) {
    t.test(`S-7.4.1, R-23: destroy() ${way} ends a session (${backend}) by the time it resolves, not when the connection closes`, async (t) => {
      const checked = deferred<object>()
      const looked = deferred<void>()
      const { app, cookie, events, rejected } = await scene(t, backend, ({ app, newClient }) => {
        app.get('/answer', (request, reply) => run(reply, request.session, async (session) => {
          await session.destroy()
          checked.resolve((await newClient().get('/now', { cookie: String(request.headers.cookie) })).json())
        }, looked.promise))
      })
      const answer = fetchHttp(`${await listen(app)}/answer`, { cookie })
      t.match(await checked.promise, { visits: 0 }, 'the token is dead')
      t.equal(events.filter(({ name }) => name === 'onDestroy').length, 1)
      looked.resolve()
      await answer
      await settled()
      t.equal(events.filter(({ name }) => name === 'onDestroy').length, 1, 'once')
      t.strictSame(rejected().filter(({ reason }) => reason === 'changed-too-late'), [])
    })
  }
}

t.test('S-7.4.1: destroy() on an open socket ends the session while the socket stays open', async (t) => {
  const { app, cookie } = await scene(t, 'memory', async ({ app, newClient }) => {
    await app.register(websocket)
    app.get('/answer', { websocket: true }, (socket, request) => {
      socket.on('message', async () => {
        await sessionOf(request).destroy()
        socket.send((await newClient().get('/now', { cookie: String(request.headers.cookie) })).body)
      })
    })
  })
  const { body } = await talk(`${await listen(app)}/answer`, { cookie }, 'go')
  t.match(JSON.parse(body), { visits: 0 })
})

t.test('R-10: a store that fails then is said to whoever waits for destroy(), and is asked again when the connection closes', async (t) => {
  const store = new FaultyStore(memoryStore())
  const failed = deferred<unknown>()
  const { app, newClient, cookie } = await scene(t, 'memory', ({ app }) => {
    app.get('/answer', async (request, reply) => {
      reply.hijack()
      store.break('replace', () => Promise.reject(driverError()), { times: 1 })
      failed.resolve(await request.session.destroy().catch((error) => error.code))
      reply.raw.end('ok')
    })
  }, store)
  await fetchHttp(`${await listen(app)}/answer`, { cookie })
  t.equal(await failed.promise, 'FST_TYPED_SESSION_STORE_FAILED')
  await settled()
  t.match((await newClient().get('/now', { cookie })).json(), { visits: 0 })
})

t.test('destroy() in a hook of a late save() ends the session and does not wait for itself', async (t) => {
  const done = deferred<void>()
  const { app, newClient, cookie, sessions, logs } = await scene(t, 'memory', ({ app }) => {
    app.get('/answer', async (request, reply) => {
      const { session } = request
      reply.raw.once('finish', async () => {
        session.note = 'late'
        await session.save().catch(() => {})
        done.resolve()
      })
      return 'ok'
    })
  })
  sessions.addHook('preSave', async ({ request }) => { if (request?.url === '/answer') await sessionOf(request).destroy() })
  await fetchHttp(`${await listen(app)}/answer`, { cookie })
  await done.promise
  await settled()
  t.match((await newClient().get('/now', { cookie })).json(), { visits: 0 })
  t.notMatch(JSON.stringify(logs), 'HOOK_TIMEOUT')
})

t.test('a cookie session that could not be ended is reported as lost, and no hook is told that it was destroyed', async (t) => {
  const { app, client, events, rejected } = await buildApp(t, { backend: 'cookie' })
  app.get('/seed', async (request) => { request.session.visits = 1 })
  app.get('/answer', async (request, reply) => {
    await request.session.destroy()
    reply.raw.end('ok')
    return reply
  })
  await client.get('/seed')
  await fetchHttp(`${await listen(app)}/answer`, { cookie: client.header })
  await settled()
  t.match(rejected(), [{ reason: 'changed-too-late', paths: ['destroy()'] }])
  t.strictSame(events.filter(({ name }) => name === 'onDestroy'), [])
})

t.test('destroy() of a session that was ended elsewhere has nothing to do, then as well', async (t) => {
  const outcomes: unknown[] = []
  const { app, cookie, rejected } = await scene(t, 'memory', ({ app, newClient }) => {
    app.get('/end', async (request) => { await request.session.destroy() })
    app.get('/answer', async (request, reply) => {
      const { session } = request
      session.visits++
      reply.hijack()
      await newClient().get('/end', { cookie: String(request.headers.cookie) })
      outcomes.push(await session.save().catch((error) => error.code), await session.destroy().catch((error) => error.code))
      reply.raw.end('ok')
    })
  })
  await fetchHttp(`${await listen(app)}/answer`, { cookie })
  t.strictSame(outcomes, ['FST_TYPED_SESSION_ENDED', undefined])
  t.match(rejected(), [{ reason: 'ended-elsewhere' }])
})

t.test('a reload() that nobody waits for reports nothing as lost that was saved', async (t) => {
  const store = new FaultyStore(memoryStore())
  const reloaded = deferred<void>()
  const { app, newClient, cookie, rejected } = await scene(t, 'memory', ({ app }) => {
    app.get('/answer', async (request, reply) => {
      const finished = new Promise((resolve) => reply.raw.once('finish', resolve))
      store.break('load', async (call) => { await finished; return await call() }, { times: 1 })
      request.session.reload().then(() => reloaded.resolve(), () => {})
      request.session.visits = 5
      return 'ok'
    })
  }, store)
  await fetchHttp(`${await listen(app)}/answer`, { cookie })
  await reloaded.promise
  await settled()
  t.match((await newClient().get('/now', { cookie })).json(), { visits: 5 })
  await app.close()
  t.strictSame(rejected(), [])
})
