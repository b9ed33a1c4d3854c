import { EventEmitter } from 'node:events'
import t from 'tap'
import { createSession, sessionSocket } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SocketLike } from '../../types/index.js'
import { buildApp, Client, eachBackend, schema, SECRET, sessionOf, settled } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'
import { FAULTS, FaultyStore } from '../support/faulty-store.js'
import { deafClient, letPass, socketApp } from '../support/sockets.js'
import { listen } from '../support/wire.js'

const ENDED = [1008, 'session ended']
const UNAVAILABLE = [1013, 'session unavailable']
const KEPT = ['memory', 'revocable'] as const

t.test('a socket reads the session that its request came with', t => eachBackend(t, async (t, backend) => {
  const { client, open } = await socketApp(t, { backend })
  await client.get('/login')
  const line = await open()
  t.match(await line.ask('read'), { userId: 'u1', visits: 0 })
}))

t.test('in a store the socket saves, and sees what other requests have saved', async t => {
  const { client, open } = await socketApp(t, { backend: 'memory' })
  await client.get('/login')
  const line = await open()
  t.match(await line.ask('write hello'), { note: 'hello' })
  await client.get('/visit')
  t.match((await client.get('/read')).json(), { note: 'hello', visits: 1 })
  t.match(await line.ask('read'), { visits: 0 })
  t.match(await line.ask('reload'), { note: 'hello', visits: 1 })
})

t.test('a rotation that is due waits for a request: a socket saves without it', async t => {
  stopTime(t)
  const { client, open } = await socketApp(t, { backend: 'memory', rotateEvery: 20 })
  await client.get('/login')
  const line = await open()
  await letPass(25)
  t.match(await line.ask('write late'), { note: 'late' })
  const { token } = client
  t.match((await client.get('/read')).json(), { note: 'late' })
  t.not(client.token, token)
})

t.test('what the handler of a socket counts as activity keeps the session alive, also under an id that a rotation has given it', async t => {
  stopTime(t)
  const { client, open } = await socketApp(t, { backend: 'memory', idleTimeout: 12, touchAfter: 6, rotateEvery: 20, rotationGrace: 0 })
  await client.get('/login')
  const line = await open()
  for (let round = 0; round < 6; round++) {
    await letPass(5)
    t.match(await line.ask('touch'), { userId: 'u1' })
    if (round === 3) await client.get('/visit')
  }
  for (let round = 0; round < 6; round++) {
    await letPass(8)
    t.match(await line.ask('touch'), { userId: 'u1' })
  }
  await letPass(16)
  t.strictSame(await line.closed, ENDED)
})

t.test('a change that needs a cookie is refused on a socket', t => eachBackend(t, async (t, backend) => {
  const { client, open, events } = await socketApp(t, { backend })
  await client.get('/login')
  const line = await open()
  t.equal(await line.ask('rotate'), 'FST_TYPED_SESSION_HEADERS_SENT')
  if (backend !== 'memory') t.equal(await line.ask('write x'), 'FST_TYPED_SESSION_HEADERS_SENT')
  t.notOk((await line.ask('reload') as { note?: string }).note)
  if (backend === 'cookie') t.equal(await line.ask('destroy'), 'FST_TYPED_SESSION_HEADERS_SENT')
  await line.close()
  await settled()
  t.notOk(events.some(({ name }) => name === 'onRotate'))
}))

for (const backend of KEPT) {
  t.test(`${backend} sessions: the socket closes at once when this process ends its session`, async t => {
    stopTime(t)
    const { client, newClient, open, sessions, watched } = await socketApp(t, { backend, subject: 'userId', revocations: memoryStore() })
    const other = newClient()
    await other.get('/login?user=other')
    const others = await open(other)
    const ends: Record<string, () => Promise<unknown>> = {
      'signing out': () => client.get('/logout'),
      'another sign-in': () => client.get('/login?user=u2'),
      'rotate()': () => client.get('/rotate'),
      'reauthenticated()': () => client.get('/again'),
      'destroyAll()': () => sessions.destroyAll('u1'),
      'revokeAll()': () => sessions.revokeAll()
    }
    for (const [how, end] of Object.entries(ends)) {
      client.jar.clear()
      await client.get('/login')
      const [first, second] = [await open(), await open()]
      t.match(await first.ask('read'), { userId: 'u1' })
      t.equal(watched(), 2)
      await end()
      t.strictSame([await first.closed, await second.closed], [ENDED, ENDED], how)
      if (how !== 'revokeAll()') t.match(await others.ask('read'), { userId: 'other' }, 'nobody else\'s')
    }
    t.strictSame(await others.closed, ENDED, 'everybody\'s')
    t.equal(watched(), 0)
  })

  t.test(`${backend} sessions: the socket of the session that makes room for another closes`, async t => {
    const { client, newClient, open } = await socketApp(t, { backend, subject: 'userId', maxPerSubject: 1 })
    await client.get('/login')
    const line = await open()
    await newClient().get('/login')
    t.strictSame(await line.closed, ENDED)
  })

  t.test(`${backend} sessions: what another server ends is noticed within revalidateEvery`, async t => {
    stopTime(t)
    const store = memoryStore()
    const kept = backend === 'memory' ? { store } : {}
    const make = () => socketApp(t, { backend, ...kept, revocations: store, subject: 'userId', socket: { revalidateEvery: 3 } })
    const [here, there] = [await make(), await make()]
    const visitor = new Client((request) => there.app.inject(request), '__Host-Http-session')
    const ends: Record<string, () => Promise<unknown>> = {
      'destroyAll()': () => there.sessions.destroyAll('u1'),
      'revokeAll()': () => there.sessions.revokeAll(),
      'signing out': () => visitor.get('/logout'),
      'another sign-in': () => visitor.get('/login?user=u2')
    }
    for (const [how, end] of Object.entries(ends)) {
      pass(1)
      visitor.jar.clear()
      await visitor.get('/login')
      const line = await here.open(visitor)
      await letPass(3)
      await end()
      await letPass(2)
      t.match(await line.ask('read'), { userId: 'u1' }, `${how}: not noticed yet`)
      await letPass(1)
      t.strictSame(await line.closed, ENDED, how)
    }
    t.equal(here.watched(), 0)
  })

  for (const times of [{ idleTimeout: 12 }, { idleTimeout: 3_600, absoluteTimeout: 3_600 }, { idleTimeout: 2, absoluteTimeout: 60 }]) {
    t.test(`${backend} sessions: an open socket prolongs nothing, it closes when the session expires: ${JSON.stringify(times)}`, async t => {
      stopTime(t)
      const { client, open } = await socketApp(t, { backend, ...times })
      await client.get('/login')
      const line = await open()
      await letPass(times.idleTimeout - 1)
      pass(999)
      await settled()
      t.match(await line.ask('read'), { userId: 'u1' })
      pass(1)
      t.strictSame(await line.closed, ENDED)
    })
  }

  for (const subject of ['userId', undefined] as const) {
    t.test(`${backend} sessions: other requests keep the session and its socket alive, ${subject === undefined ? 'without' : 'with'} a subject`, async t => {
      stopTime(t)
      const { client, open } = await socketApp(t, {
        backend, idleTimeout: 12, touchAfter: 1, absoluteTimeout: 60, ...(subject !== undefined && { subject })
      })
      await client.get('/login')
      const line = await open()
      for (let round = 0; round < 5; round++) {
        await letPass(9)
        await client.get('/touch')
        t.match(await line.ask('read'), { userId: 'u1' })
      }
      await letPass(11)
      t.match(await line.ask('read'), { userId: 'u1' })
      await letPass(subject === undefined ? 5 : 1)
      t.strictSame(await line.closed, ENDED)
    })
  }

  t.test(`${backend} sessions: the absolute timeout ends a socket however active the session is`, async t => {
    stopTime(t)
    const { client, open } = await socketApp(t, { backend, idleTimeout: 12, touchAfter: 1, absoluteTimeout: 30 })
    await client.get('/login')
    const line = await open()
    for (let second = 1; second < 30; second++) {
      await letPass(1)
      await client.get('/touch')
    }
    t.match(await line.ask('read'), { userId: 'u1' })
    pass(1000)
    t.strictSame(await line.closed, ENDED)
  })

  t.test(`${backend} sessions: a socket follows its session through periodic rotations, of another server as well, and then sees it end`, async t => {
    stopTime(t)
    const store = memoryStore()
    const kept = backend === 'memory' ? { store } : { revocations: store }
    const make = () => socketApp(t, { backend, ...kept, rotateEvery: 20, rotationGrace: 0 })
    const [here, there] = [await make(), await make()]
    for (const [where, server] of Object.entries({ here, there })) {
      const visitor = new Client((request) => server.app.inject(request), '__Host-Http-session')
      await visitor.get('/login')
      const line = await here.open(visitor)
      for (let round = 0; round < 3; round++) {
        const { token } = visitor
        await letPass(25)
        await visitor.get('/visit')
        t.not(visitor.token, token)
      }
      await letPass(25)
      t.match(await line.ask('read'), { userId: 'u1' }, `rotated ${where}`)
      t.match(await line.ask('reload'), { visits: backend === 'memory' ? 3 : 0 }, 'under an id of long ago')
      if (backend === 'memory') t.match(await line.ask('write late'), { note: 'late', visits: 3 })
      t.equal(here.watched(), 1)
      await visitor.get('/logout')
      if (where === 'there') await letPass(5)
      t.strictSame(await line.closed, ENDED)
    }
    t.equal(here.watched(), 0)
  })

  for (const [fault, cause] of [['rejects', /ECONNRESET/], ['hangs', /no answer within 2000 ms/]] as const) {
    t.test(`${backend} sessions: a store that ${fault} closes the socket with another code, and the cause goes to the log`, async t => {
      stopTime(t)
      const store = new FaultyStore(memoryStore())
      const kept = backend === 'memory' ? { store } : { revocations: store }
      const { client, open, logs, watched } = await socketApp(t, { backend, ...kept })
      await client.get('/login')
      const line = await open()
      await line.ask('read')
      store.break('load', FAULTS[fault] as never)
      await letPass(fault === 'hangs' ? 7 : 5)
      t.strictSame(await line.closed, UNAVAILABLE)
      t.equal(watched(), 0)
      const [entry] = logs.filter(({ msg }) => msg === 'session store failed to confirm the session of a socket')
      t.match(entry, { level: 50, err: { message: cause } })
    })
  }
}

t.test('sockets of a session that is ended on the socket itself close', async t => {
  const { client, open } = await socketApp(t, { backend: 'memory' })
  await client.get('/login')
  const [first, second] = [await open(), await open()]
  first.socket.send('destroy')
  t.strictSame([await first.closed, await second.closed], [ENDED, ENDED])
})

t.test('a socket without a live session closes at once', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  const { client, open, watched } = await socketApp(t, { backend, idleTimeout: 10, touchAfter: 1 })
  t.strictSame(await (await open()).closed, ENDED, 'none')
  await client.get('/login')
  await letPass(10)
  t.strictSame(await (await open()).closed, ENDED, 'expired')
  t.equal(watched(), 0)
}))

t.test('a session that ends while its socket opens closes it', async t => {
  const store = new FaultyStore(memoryStore())
  const { client, open } = await socketApp(t, { backend: 'memory', store })
  await client.get('/login')
  // The load of the upgrade is answered, and what the socket asks then finds that somebody was faster.
  store.break('load', async () => null, { skip: 1 })
  t.strictSame(await (await open()).closed, ENDED)
})

t.test('an end that is found while the store is being asked is asked about again', async t => {
  stopTime(t)
  const store = new FaultyStore(memoryStore())
  const { client, open } = await socketApp(t, { backend: 'memory', store })
  await client.get('/login')
  const line = await open()
  await line.ask('read')
  let answer = () => {}
  store.break('load', () => new Promise((resolve) => { answer = () => resolve(before) }), { times: 1 })
  const before = await payloadOf(store)
  pass(5_000)
  await client.get('/logout')
  answer()
  t.strictSame(await line.closed, ENDED, 'not five seconds later')
})

t.test('where the store could not be asked for the session the socket closes as if it failed later', async t => {
  const store = new FaultyStore(memoryStore())
  const { client, open } = await socketApp(t, { backend: 'memory', store, onStoreError: 'anonymous' })
  await client.get('/login')
  store.break('load', FAULTS.rejects as never)
  t.strictSame(await (await open()).closed, UNAVAILABLE)
})

t.test('a cookie session without revocations is known by its cookie alone: signing out leaves the socket, its deadline ends it', async t => {
  stopTime(t)
  const { client, open } = await socketApp(t, { backend: 'cookie', idleTimeout: 12, touchAfter: 1, absoluteTimeout: 60 })
  await client.get('/login')
  const line = await open()
  await letPass(6)
  await client.get('/touch')
  await client.get('/logout')
  await letPass(5)
  t.match(await line.ask('read'), { userId: 'u1' })
  pass(1_000)
  t.strictSame(await line.closed, ENDED)
})

t.test('a named session is watched by its handle or its name', async t => {
  stopTime(t)
  for (const by of ['handle', 'name']) {
    const admin = createSession(schema, { secret: SECRET, name: 'adminSession', rotateOn: ['userId'], store: memoryStore() })
    const { app, newClient, open } = await socketApp(t, { backend: 'memory', socket: { session: by === 'name' ? 'adminSession' : admin } })
    await app.register(admin.plugin)
    app.get('/admin/login', async (request) => { admin.get(request).userId = 'a1' })
    app.get('/admin/logout', async (request) => await admin.get(request).destroy())
    const both = newClient()
    await both.get('/login')
    t.strictSame(await (await open(both)).closed, ENDED, 'the other session does not count')
    await both.get('/admin/login')
    const line = await open(both)
    await both.get('/logout')
    t.ok(await line.ask('read'))
    await both.get('/admin/logout')
    t.strictSame(await line.closed, ENDED)
  }
})

t.test('a client that closes first leaves no timer, no entry and no question behind', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  const store = new FaultyStore(memoryStore())
  const { client, open, watched } = await socketApp(t, { backend, ...(backend === 'memory' ? { store } : backend === 'revocable' ? { revocations: store } : {}) })
  await client.get('/login')
  const [first, second] = [await open(), await open()]
  t.equal(watched(), 1)
  await first.close()
  await second.ask('read')
  t.equal(watched(), 1)
  await second.close()
  await settled()
  t.equal(watched(), 0)
  const { length } = store.calls
  await letPass(20)
  t.equal(store.calls.length, length)
}))

t.test('a client that never answers the close frame is cut off two seconds later', async t => {
  stopTime(t)
  const { app, client } = await socketApp(t, { backend: 'memory' })
  await client.get('/login')
  const { received, closed, end } = await deafClient(`${await listen(app)}/live`, client.header)
  await client.get('/logout')
  await letPass(1)
  pass(999)
  await settled()
  t.equal(await Promise.race([closed, settled().then(() => 'open')]), 'open')
  pass(1)
  t.equal(await closed, 'closed')
  t.ok(received().includes(Buffer.concat([Buffer.from([0x88, 15, 1008 >> 8, 1008 & 255]), Buffer.from('session ended')])), 'it was told why')
  end()
})

t.test('one that has answered is left alone, and one that cannot be cut off as well', async t => {
  stopTime(t)
  for (const answers of [true, false]) {
    const { client, socket } = await otherSocket(t)
    let cut = 0
    if (answers) Object.assign(socket, { terminate: () => { cut++ } })
    await client.get('/logout')
    await settled()
    t.strictSame(socket.closes, [ENDED])
    if (answers) socket.emit('close')
    await letPass(3)
    t.equal(cut, 0)
  }
})

t.test('a socket asks no more often when the deadline that it knows of has passed', async t => {
  stopTime(t)
  const store = new FaultyStore(memoryStore())
  const { client, open } = await socketApp(t, { backend: 'memory', store, idleTimeout: 30, touchAfter: 1 })
  await client.get('/login')
  const line = await open()
  await letPass(20)
  await client.get('/touch')
  await letPass(15)
  const { length } = store.calls
  await letPass(10)
  t.equal(store.calls.length - length, 2)
  t.match(await line.ask('read'), { userId: 'u1' })
})

t.test('closing the application leaves nothing', t => eachBackend(t, async (t, backend) => {
  stopTime(t)
  const store = new FaultyStore(memoryStore())
  const { app, client, open, watched } = await socketApp(t, { backend, ...(backend === 'memory' ? { store } : backend === 'revocable' ? { revocations: store } : {}) })
  await client.get('/login')
  const line = await open()
  await line.ask('read')
  await app.close()
  t.equal((await line.closed)[0], 1005)
  t.equal(watched(), 0)
  const { length } = store.calls
  await letPass(20)
  t.equal(store.calls.length, length)
}))

/** A socket of another library, with what is used of it and nothing else. */
class OtherSocket extends EventEmitter implements SocketLike {
  readonly closes: unknown[][] = []
  close (...args: unknown[]): void { this.closes.push(args) }
}

async function otherSocket (t: Parameters<typeof buildApp>[0], store = new FaultyStore(memoryStore())) {
  const scene = await socketApp(t, { backend: 'memory', store })
  const { app, client } = scene
  const sockets: OtherSocket[] = []
  app.get('/other', async (request) => {
    const socket = new OtherSocket()
    sockets.push(socket)
    sessionSocket(socket, request)
  })
  await client.get('/login')
  await client.get('/other')
  return { ...scene, store, socket: sockets[0] as OtherSocket }
}

t.test('a socket of another library will do, and the application can close before it does', async t => {
  stopTime(t)
  const { app, store, socket, watched } = await otherSocket(t)
  t.equal(watched(), 1)
  await app.close()
  t.equal(watched(), 0)
  const { length } = store.calls
  await letPass(20)
  t.equal(store.calls.length, length)
  t.strictSame(socket.closes, [])
})

for (const [answer, fault] of Object.entries({ 'no answer': FAULTS.hangs, 'an answer': async () => null })) {
  t.test(`${answer} that comes when the socket has closed changes nothing`, async t => {
    stopTime(t)
    const { store, socket, logs } = await otherSocket(t)
    store.break('load', fault as never)
    pass(5_000)
    socket.emit('close')
    await letPass(5)
    t.strictSame(socket.closes, [])
    t.notOk(logs.some(({ msg }) => String(msg).includes('socket')))
  })
}

t.test('a socket that cannot be closed is an entry in the log, not the end of the process', async t => {
  stopTime(t)
  const { client, socket, logs, watched } = await otherSocket(t)
  socket.close = () => { throw new Error('no') }
  await client.get('/logout')
  await letPass(3)
  t.ok(logs.some(({ msg }) => msg === 'the socket of a session could not be closed'))
  t.equal(watched(), 0)
})

t.test('a socket that has closed already is not watched: it would never say so again', async t => {
  const { app, client, watched } = await socketApp(t, { backend: 'memory' })
  app.get('/late', async (request) => sessionSocket(Object.assign(new OtherSocket(), { readyState: 3 }), request))
  await client.get('/login')
  t.equal((await client.get('/late')).statusCode, 200)
  t.equal(watched(), 0)
})

t.test('what the handler has made of its session counts: destroyed there, it is not watched', async t => {
  const { app, client, watched } = await socketApp(t, { backend: 'memory' })
  const socket = new OtherSocket()
  app.get('/gone', async (request) => {
    await sessionOf(request).destroy()
    sessionSocket(socket, request)
  })
  await client.get('/login')
  await client.get('/gone')
  t.strictSame(socket.closes, [ENDED])
  t.equal(watched(), 0)
})

t.test('what is wrong with a call is thrown, and says what to write', async t => {
  const { app, client } = await buildApp(t, { backend: 'memory' })
  const thrown: unknown[] = []
  const calls: Array<(request: never) => void> = [
    ...[0, -1, NaN, Infinity, '5', null].map((revalidateEvery) => (request: never) => sessionSocket(new OtherSocket(), request, { revalidateEvery: revalidateEvery as number })),
    (request) => sessionSocket(new OtherSocket(), request, { session: {} as string })
  ]
  const attempt = async (request: unknown) => {
    for (const call of calls) {
      try { call(request as never) } catch (error) { thrown.push((error as Error).message) }
    }
  }
  app.get('/', attempt)
  app.get('/off', { config: { session: false } }, async (request) => sessionSocket(new OtherSocket(), request))
  await client.get('/')
  t.strictSame(thrown, [
    ...Array(6).fill('Session option revalidateEvery: must be a number of seconds, more than 0'),
    'Session option sessionSocket: needs a session as createSession() makes it, or the name of one'
  ])
  t.match((await client.get('/off')).json(), { statusCode: 500, code: 'FST_TYPED_SESSION_DISABLED' })
})

async function payloadOf (store: FaultyStore): Promise<string> {
  const [, payload] = store.arguments[store.calls.indexOf('create')] as [string, string]
  return payload
}
