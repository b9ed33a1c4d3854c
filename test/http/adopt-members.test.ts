import t, { type Test } from 'tap'
import { type AppSession, type BackendName, eachBackend, sessionOf, settled } from '../support/app.js'
import { pass, START, stopTime } from '../support/clock.js'
import { adoptingApp, OldSystem } from '../support/old-system.js'
import { socketApp } from '../support/sockets.js'

const KEPT: readonly BackendName[] = ['revocable', 'memory']
const app = async (t: Test, backend: BackendName, options = {}, adopter = {}, forgets = true) => await adoptingApp(t, { backend, ...options }, adopter, forgets)
const eachKept = async (t: Test, test: (t: Test, backend: BackendName) => Promise<unknown>) => {
  for (const backend of KEPT) await t.test(`${backend} sessions`, async (t) => { await test(t, backend) })
}

t.test('S-7.1.2: an adopted session takes the place of the oldest of its subject, and parallel requests of it take one place', async (t) => {
  await eachKept(t, async (t, backend) => {
    stopTime(t)
    const { visitor, old, sessions, userOf, newClient, app: fastify } = await app(t, backend, { subject: 'userId', maxPerSubject: 2, describe: (request: { url: string }) => ({ url: request.url }) })
    fastify.get('/ann', async ({ session }) => { session.userId = 'ann' })
    for (const value of ['ann-2', 'ann-3']) old.sessions.set(value, { data: { userId: 'ann' } })
    const phone = newClient()
    await phone.get('/ann')
    pass(1000)
    const browsers = Array.from({ length: 4 }, () => visitor('ann-2'))
    t.strictSame(await Promise.all(browsers.map(userOf)), Array(4).fill('ann'))
    t.equal((await sessions.list('ann')).length, 2)
    t.equal(await userOf(phone), 'ann')
    pass(1000)
    t.equal(await userOf(visitor('ann-3')), 'ann')
    t.equal(await userOf(phone), undefined, 'the first to go is the one that signed in first')
    t.strictSame((await sessions.list('ann')).map(({ about }) => about), [{ url: '/read' }, { url: '/read' }])
    t.strictSame(await Promise.all(browsers.map(userOf)), Array(4).fill('ann'))
  })
})

t.test('with overLimit: refuse a session that there is no room for stays out, until there is', async (t) => {
  await eachKept(t, async (t, backend) => {
    const { visitor, userOf, newClient, app: fastify } = await app(t, backend, { subject: 'userId', maxPerSubject: 1, overLimit: 'refuse' })
    fastify.get('/ann', async ({ session }) => { session.userId = 'ann' })
    const phone = newClient()
    await phone.get('/ann')
    const ann = visitor()
    for (const url of ['/read', '/ignore', '/note']) {
      const refused = await ann.get(url)
      t.match([refused.statusCode, refused.json().code], [409, 'FST_TYPED_SESSION_TOO_MANY'], url)
    }
    t.equal((await ann.get('/public')).statusCode, 200)
    await phone.get('/logout')
    t.equal(await userOf(ann), 'ann')
  })
})

t.test('destroyAll() ends adopted sessions for good', async (t) => {
  await eachKept(t, async (t, backend) => {
    const { visitor, sessions, userOf } = await app(t, backend, { subject: 'userId' }, {}, false)
    const ann = visitor()
    await userOf(ann)
    t.equal(await sessions.destroyAll('ann'), 1)
    t.equal(await userOf(ann), undefined)
    t.equal(await userOf(visitor()), undefined)
  })
})

t.test('with timeouts by the data an adopted session lives as long as its data say, and is over if that has passed', async (t) => {
  await eachBackend(t, async (t, backend) => {
    stopTime(t)
    const hour = 3600
    const { visitor, old, userOf } = await app(t, backend, { absoluteTimeout: (data: AppSession) => data.theme === 'dark' ? 10 * hour : hour, idleTimeout: () => hour })
    old.sessions.set('short', { data: { userId: 'ann' }, createdAt: new Date(START - 2 * hour * 1000) })
    old.sessions.set('long', { data: { userId: 'ann', theme: 'dark' }, createdAt: new Date(START - 2 * hour * 1000) })
    const [short, long] = [visitor('short'), visitor('long')]
    await short.get('/read')
    t.equal(short.token, undefined)
    await long.get('/read')
    long.jar.delete('old')
    t.equal(await userOf(long), 'ann')
  })
})

t.test('a session that is said to begin in the future is read as one that begins now, or is not adopted', async (t) => {
  await eachBackend(t, async (t, backend) => {
    stopTime(t)
    const { visitor, old, userOf, rejected } = await app(t, backend)
    old.sessions.set('soon', { data: { userId: 'ann' }, createdAt: new Date(START + 60_000) })
    old.sessions.set('later', { data: { userId: 'ann' }, createdAt: new Date(START + 86_400_000) })
    t.match((await visitor('soon').get('/read')).json(), { userId: 'ann', createdAt: new Date(START).toISOString() })
    t.equal(await userOf(visitor('later')), undefined)
    await settled()
    t.match(rejected(), [{ reason: 'from-the-future' }])
  })
})

t.test('rotate, regenerate, persist, reauthenticated, reload and preSave do on the first request what they do later', async (t) => {
  await eachBackend(t, async (t, backend) => {
    stopTime(t)
    const { app: fastify, visitor, userOf, sessions, old } = await app(t, backend, { subject: backend === 'cookie' ? undefined : 'userId' }, {}, false)
    const fresh: unknown[] = []
    sessions.addHook('preSave', ({ isNew, data }) => { fresh.push(isNew); data.note = 'amended' })
    fastify.get('/rotate', async ({ session }) => await session.rotate())
    fastify.get('/rotate-fail', async ({ session }) => { session.visits++; await session.rotate(); throw new Error('oh') })
    fastify.get('/regenerate', async ({ session }) => await session.regenerate(['theme']))
    fastify.get('/persist', async ({ session }) => session.persist())
    fastify.get('/again', async ({ session }) => await session.reauthenticated())
    fastify.get('/reload', async ({ session }) => {
      session.visits = 99
      await session.reload()
      return session.visits
    })
    const first = async (url: string) => {
      old.sessions.set(url, { data: { userId: 'ann', visits: 7, theme: 'dark' } })
      const ann = visitor(url)
      const response = await ann.get(url)
      ann.jar.delete('old')
      return { ann, response, read: (await ann.get('/read')).json(), copy: await userOf(visitor(url)) }
    }
    const dead = backend === 'cookie' ? 'ann' : undefined
    t.match(await first('/rotate'), { read: { userId: 'ann', visits: 7, note: 'amended' }, copy: dead })
    t.match(await first('/rotate-fail'), { response: { statusCode: 500 }, read: { userId: 'ann', visits: 7 }, copy: dead })
    t.match(await first('/regenerate'), { read: { visits: 0, theme: 'dark' }, copy: dead })
    t.match(await first('/persist'), { response: { headers: { 'set-cookie': /Max-Age=/ } }, read: { userId: 'ann' } })
    t.match(await first('/again'), { read: { userId: 'ann', authenticatedAt: new Date(START).toISOString() }, copy: dead })
    t.match(await first('/reload'), { response: { body: '7' }, read: { visits: 7, userId: 'ann', note: 'amended' } })
    t.ok(fresh.includes(true))
    t.equal((await visitor('/rotate').get('/read')).json().isNew, backend !== 'cookie')
  })
})

t.test('a periodic rotation is counted from the adoption, and carries the old cookie along for its grace only', async (t) => {
  await eachKept(t, async (t, backend) => {
    stopTime(t)
    const { visitor, userOf, old, events } = await app(t, backend, { rotateEvery: 100, rotationGrace: 10 })
    old.sessions.set('ann-1', { data: { userId: 'ann' }, createdAt: new Date(START - 86_400_000) })
    const ann = visitor()
    await userOf(ann)
    await settled()
    t.equal(events.filter(({ name }) => name === 'onRotate').length, 0)
    pass(100_000)
    await userOf(ann)
    const copy = visitor()
    t.equal(await userOf(copy), 'ann')
    t.equal(copy.token, undefined)
    pass(10_000)
    t.equal(await userOf(visitor()), undefined)
    t.equal(await userOf(ann), 'ann')
  })
})

t.test('an end that comes between look-up and save wins', async (t) => {
  await eachKept(t, async (t, backend) => {
    const { app: fastify, visitor, userOf } = await app(t, backend, {}, {}, false)
    const gate = { open: () => {} }
    fastify.get('/slow', async ({ session }) => {
      session.visits++
      await new Promise<void>((resolve) => { gate.open = resolve })
    })
    const [slow, quick] = [visitor(), visitor()]
    const answer = slow.get('/slow')
    await settled()
    await quick.get('/logout')
    gate.open()
    t.match((await answer).headers, { 'set-cookie': undefined })
    t.equal(slow.token, undefined)
    t.equal(await userOf(slow), undefined)
  })
})

t.test('a session is not to be read while the old system is being asked', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const old = new OldSystem()
    old.sessions.set('ann-1', { data: { userId: 'ann' } })
    let code: unknown
    const adopter = {
      ...old.adopter(),
      read: async (value: string, request: object) => {
        try {
          sessionOf(request)
        } catch (error) {
          code = (error as { code: string }).code
        }
        return old.sessions.get(value) ?? null
      }
    }
    const { visitor, userOf } = await app(t, backend, { adopt: [adopter] })
    t.equal(await userOf(visitor()), 'ann')
    t.equal(code, 'FST_TYPED_SESSION_NOT_READY')
    t.equal(await userOf(visitor('nobody')), undefined)
  })
})

t.test('a socket whose request brings the old cookie lives, and ends when somebody signs out', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const old = new OldSystem()
    old.sessions.set('ann-1', { data: { userId: 'ann' } })
    const { open, newClient } = await socketApp(t, { backend, adopt: [old.adopter() as never], socket: { revalidateEvery: 0.05 } })
    const [ann, other] = [newClient(), newClient()]
    for (const client of [ann, other]) client.jar.set('old', 'ann-1')
    const line = await open(ann)
    t.match(await line.ask('read'), { userId: 'ann' })
    if (backend === 'memory') t.match(await line.ask('write hello'), { note: 'hello' })
    t.match((await other.get('/read')).json(), { userId: 'ann', ...(backend === 'memory' && { note: 'hello' }) })
    t.match(await line.ask('read'), { userId: 'ann' })
    if (backend === 'cookie') return
    await other.get('/logout')
    t.strictSame(await line.closed, [1008, 'session ended'])
  })
})
