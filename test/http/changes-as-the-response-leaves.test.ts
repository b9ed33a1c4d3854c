import type { FastifyReply } from 'fastify'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { type AppOptions, type AppSession, buildApp, eachBackend, settled } from '../support/app.js'
import { setEnvironment } from '../support/environment.js'
import { fetchHttp, hangUp, listen } from '../support/wire.js'

/** Answers in a stream that calls `late` between its first and its last byte, when the head has left. */
function streaming (reply: FastifyReply, late: () => unknown) {
  return reply.send(Readable.from((async function * () {
    yield 'one'
    while (!reply.raw.headersSent) await new Promise((resolve) => setImmediate(resolve))
    await late()
    yield 'two'
  })()))
}

/** An application with a kept session, whose route `/answer` is still to be defined. */
async function scene (t: Test, options: AppOptions) {
  const built = await buildApp(t, options)
  built.app.get('/seed', async (request) => { request.session.visits = 1 })
  built.app.get('/now', async (request) => request.session.data())
  const answer = async () => await fetchHttp(`${await listen(built.app)}/answer`, { cookie: built.client.header })
  const now = async () => (await built.client.get('/now')).json()
  const late = () => built.rejected().filter(({ reason }) => reason === 'changed-too-late').map(({ paths }) => paths)
  const start = async () => { await built.client.get('/seed') }
  return { ...built, answer, now, late, start }
}

type Write = (session: AppSession) => unknown
const WAYS: Record<string, (reply: FastifyReply, session: AppSession, write: Write) => unknown> = {
  'in a stream': (reply, session, write) => streaming(reply, () => write(session)),
  'after reply.send()': (reply, session, write) => { reply.raw.once('finish', () => write(session)); return reply.send('ok') },
  'in a hijacked reply': (reply, session, write) => { reply.hijack(); write(session); reply.raw.end('ok') },
  'next to reply.raw': (reply, session, write) => { reply.raw.writeHead(200); write(session); reply.raw.end('ok') },
  'in an onSend hook that runs later': (reply, session, write) => { onSend = () => write(session); return reply.send('ok') }
}
let onSend = () => {}

for (const [way, run] of Object.entries(WAYS)) {
  t.test(`R-23: a change ${way} is an event with the keys, an error in the log, and in development a warning`, t => eachBackend(t, async (t, backend) => {
    const { app, answer, now, late, logs, start } = await scene(t, { backend })
    onSend = () => {}
    app.addHook('onSend', async () => onSend())
    app.get('/answer', (request, reply) => {
      const { session } = request
      return run(reply, session, (session) => { session.cart.push({ sku: 'tea', qty: 1 }); session.note = 'a secret note' })
    })
    await start()
    const warned = once(process, 'warning')
    await answer()
    const [warning] = await warned
    onSend = () => {}
    t.strictSame(late(), [['cart', 'note']])
    t.match(warning, { code: 'FST_TYPED_SESSION_CHANGED_TOO_LATE', message: /lost: cart, note\./ })
    const logged = logs.filter(({ level }) => level === 50)
    t.match(logged, [{ err: { code: 'FST_TYPED_SESSION_CHANGED_TOO_LATE' }, msg: 'session changed after the response had left' }])
    t.notMatch(JSON.stringify([warning.message, logged]), 'a secret note', 'keys, never values')
    t.match(await now(), { visits: 1, cart: [] }, 'what was too late is lost')
  }))
}

t.test('R-23: in production it is an event and an error in the log, and no process warning', async t => {
  setEnvironment(t, 'production')
  const warnings: Error[] = []
  const listener = (warning: Error) => warnings.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  const { app, answer, late, logs, start } = await scene(t, { backend: 'cookie' })
  app.get('/answer', (request, reply) => { request.session.note = 'x'; reply.hijack(); reply.raw.end() })
  await start()
  await answer()
  await settled()
  t.strictSame(late(), [['note']])
  t.equal(logs.filter(({ level }) => level === 50).length, 1)
  t.strictSame(warnings, [])
})

t.test('R-21: a client that hangs up on a stream or a hijacked reply hides nothing', t => eachBackend(t, async (t, backend) => {
  const { app, late, client, start } = await scene(t, { backend })
  const signal = { started: () => {} }
  app.get('/hijacked', (request, reply) => {
    reply.hijack()
    reply.raw.write('x')
    request.session.note = 'lost'
    signal.started()
  })
  app.get('/stream', (request, reply) => {
    const { session } = request
    return reply.send(Readable.from((async function * () {
      yield 'one'
      session.note = 'lost'
      signal.started()
      await once(reply.raw, 'close')
    })()))
  })
  await start()
  const url = await listen(app)
  for (const path of ['/hijacked', '/stream']) {
    const closed = new Promise<void>((resolve) => app.server.once('request', (_request, response) => response.once('close', resolve)))
    await hangUp(`${url}${path}`, { cookie: client.header }, new Promise((resolve) => { signal.started = resolve }))
    await closed
    await settled()
    t.strictSame(late().splice(-1), [['note']], path)
  }
}))

t.test('R-21: a client that hangs up early is no late change: the handler is still at work', t => eachBackend(t, async (t, backend) => {
  const { app, late, client, start, logs } = await scene(t, { backend })
  const signal = { started: () => {}, done: () => {} }
  app.get('/answer', async (request, reply) => {
    request.session.note = 'written'
    const closed = once(reply.raw, 'close')
    signal.started()
    await closed
    setImmediate(() => setImmediate(signal.done))
    return 'ok'
  })
  await start()
  const done = new Promise<void>((resolve) => { signal.done = resolve })
  await hangUp(`${await listen(app)}/answer`, { cookie: client.header }, new Promise((resolve) => { signal.started = resolve }))
  await done
  await settled()
  t.strictSame(late(), [])
  t.strictSame(logs.filter(({ level }) => Number(level) >= 50), [])
}))

t.test('rotate(), regenerate(), touch() and persist() that come once the response is formed are reported by name, and change nothing', t => eachBackend(t, async (t, backend) => {
  const { app, answer, now, late, start } = await scene(t, { backend })
  const codes: unknown[] = []
  app.get('/answer', (request, reply) => {
    const { session } = request
    return streaming(reply, async () => {
      for (const call of [() => session.rotate(), () => session.regenerate(), () => session.touch(), () => session.persist()]) {
        try { await call() } catch (error) { codes.push((error as { code: string }).code) }
      }
    })
  })
  await start()
  await answer()
  await settled()
  t.strictSame(codes, [], 'nobody may be waiting for a promise')
  t.strictSame(late().slice(0, 4), [['rotate()'], ['regenerate()'], ['touch()'], ['persist()']])
  t.match(await now(), { visits: 1 }, 'the old token is still good')
}))

t.test('where Fastify does not send the response, rotate() after the head is reported, and a save() refused', t => eachBackend(t, async (t, backend) => {
  const { app, answer, late, start } = await scene(t, { backend })
  app.get('/answer', async (request, reply) => {
    const { session } = request
    reply.hijack()
    reply.raw.writeHead(200)
    await session.rotate()
    reply.raw.end(await session.save().then(() => 'ok', (error) => error.code))
  })
  await start()
  t.equal((await answer()).body, 'FST_TYPED_SESSION_HEADERS_SENT')
  await settled()
  t.strictSame(late(), [['rotate()']])
}))

t.test('rotate(), touch() and persist() in a reply that nobody saves are reported by name', t => eachBackend(t, async (t, backend) => {
  const { app, answer, late, start } = await scene(t, { backend })
  app.get('/answer', async (request, reply) => {
    reply.hijack()
    await request.session.rotate()
    request.session.touch()
    request.session.persist()
    reply.raw.end()
  })
  await start()
  await answer()
  await settled()
  t.strictSame(late(), [['rotate()', 'touch()', 'persist()']])
}))

t.test('save() in a stream keeps a stored session, and refuses what needs a cookie', t => eachBackend(t, async (t, backend) => {
  const { app, answer, now, late, start } = await scene(t, { backend })
  let outcome: unknown
  app.get('/answer', (request, reply) => {
    const { session } = request
    return streaming(reply, async () => {
      session.note = 'late'
      outcome = await session.save().then(() => 'saved', (error) => error.code)
    })
  })
  await start()
  await answer()
  await settled()
  if (backend === 'memory') {
    t.equal(outcome, 'saved')
    t.equal((await now()).note, 'late')
    t.strictSame(late(), [], 'nothing is lost')
  } else {
    t.equal(outcome, 'FST_TYPED_SESSION_HEADERS_SENT')
    t.equal((await now()).note, undefined)
    t.strictSame(late(), [['note']], 'and what was refused is reported')
  }
}))

t.test('save() in a stream is refused before its first byte too: the head is fixed by then', t => eachBackend(t, async (t, backend) => {
  const { app, now, client } = await scene(t, { backend })
  let outcome: unknown
  app.get('/answer', (request, reply) => {
    const { session } = request
    t.ok(session.isNew)
    return reply.send(Readable.from((async function * () {
      session.note = 'late'
      outcome = await session.save().then(() => 'saved', (error) => error.code)
      yield 'one'
    })()))
  })
  await client.get('/answer')
  t.equal(outcome, 'FST_TYPED_SESSION_HEADERS_SENT')
  t.equal((await now()).note, undefined)
}))

t.test('a session first read in a stream, before its first byte, can still be saved', t => eachBackend(t, async (t, backend) => {
  const { app, now, client } = await scene(t, { backend })
  app.get('/answer', (request, reply) => reply.send(Readable.from((async function * () {
    request.session.note = 'first'
    await request.session.save()
    yield 'one'
  })())))
  await client.get('/answer')
  t.equal((await now()).note, 'first')
}))

t.test('destroy() in a hijacked reply ends the session', t => eachBackend(t, async (t, backend) => {
  const { app, answer, now, client, start } = await scene(t, { backend })
  app.get('/answer', async (request, reply) => {
    reply.hijack()
    await request.session.destroy()
    await request.session.save()
    reply.raw.end('bye')
  })
  await start()
  const { headers } = await answer()
  t.match(headers['set-cookie'], [/^__Host-Http-session=; Max-Age=0/])
  const replayed = await now()
  t.equal(replayed.visits, backend === 'cookie' ? 1 : 0, 'where a store says so even the old token is dead')
  client.take(headers['set-cookie'] ?? [])
  t.match(await now(), { visits: 0 })
}))

t.test('destroy() wins without save(), in a stream, hijacked, raw: where a store knows of it. A cookie alone says that it cannot', t => eachBackend(t, async (t, backend) => {
  const ways: Record<string, (reply: FastifyReply, session: AppSession, outcome: (code: unknown) => void) => unknown> = {
    stream: (reply, session, outcome) => streaming(reply, async () => outcome(await session.destroy().catch((error) => error.code))),
    hijacked: async (reply, session, outcome) => { reply.hijack(); outcome(await session.destroy()); reply.raw.end() },
    raw: async (reply, session, outcome) => { reply.raw.writeHead(200); outcome(await session.destroy().catch((error) => error.code)); reply.raw.end(); return reply }
  }
  const refused: Record<string, string> = { stream: 'FST_TYPED_SESSION_CHANGED_TOO_LATE', raw: 'FST_TYPED_SESSION_HEADERS_SENT' }
  for (const [way, run] of Object.entries(ways)) {
    const { app, answer, now, late, start } = await scene(t, { backend })
    let code: unknown = 'nothing'
    app.get('/answer', (request, reply) => run(reply, request.session, (outcome) => { code = outcome }))
    await start()
    const { headers } = await answer()
    await settled()
    t.strictSame(late(), [], `${way}: nothing is lost`)
    if (backend === 'cookie' && way !== 'hijacked') {
      t.equal(code, refused[way], way)
      continue
    }
    t.equal(code, undefined, way)
    if (way === 'hijacked') t.match(headers['set-cookie'], [/; Max-Age=0/], 'the head has not left yet')
    if (backend !== 'cookie') t.match(await now(), { visits: 0 }, `${way}: the token is dead`)
  }
}))

t.test('K-49: a head with cookies of its own that replaces the one save() has set is reported', async t => {
  for (const [way, headers] of Object.entries({ object: { 'set-cookie': 'x=1' }, list: ['set-cookie', 'x=1'] })) {
    const { app, answer, late, start } = await scene(t, { backend: 'cookie' })
    app.get('/answer', async (request, reply) => {
      request.session.visits = 9
      await request.session.save()
      reply.raw.writeHead(200, headers)
      reply.raw.end()
      return reply
    })
    await start()
    t.strictSame((await answer()).headers['set-cookie'], ['x=1'], way)
    await settled()
    t.strictSame(late(), [['save()']], way)
  }
})

t.test('K-49: a head whose cookies stand beside the one that save() has set is fine', async t => {
  const { app, answer, late, start } = await scene(t, { backend: 'cookie' })
  app.get('/answer', async (request, reply) => {
    request.session.visits = 9
    await request.session.save()
    reply.raw.appendHeader('set-cookie', 'x=1')
    reply.raw.writeHead(200)
    reply.raw.end()
    return reply
  })
  await start()
  t.match((await answer()).headers['set-cookie'], [/^__Host-Http-session=/, 'x=1'])
  await settled()
  t.strictSame(late(), [])
})

t.test('a change that made the answer an error twice over is told once, by the answer', t => eachBackend(t, async (t, backend) => {
  const { app, client, rejected } = await buildApp(t, { backend })
  app.get('/', async ({ session }) => {
    session.visits = 'many' as never
    throw Object.assign(new Error('not like this'), { statusCode: 400 })
  })
  t.match((await client.get('/')).json(), { code: 'FST_TYPED_SESSION_INVALID_DATA' })
  await settled()
  t.strictSame(rejected(), [])
}))
