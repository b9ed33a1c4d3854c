import t, { type Test } from 'tap'
import { requireSession } from '../../lib/index.js'
import { type BackendName, COOKIE, eachBackend, setCookies, settled } from '../support/app.js'
import { pass, START, stopTime } from '../support/clock.js'
import { adoptingApp, OldSystem } from '../support/old-system.js'

const DAY = 86_400_000
const app = async (t: Test, backend: BackendName, options = {}, adopter = {}, forgets = true) => await adoptingApp(t, { backend, ...options }, adopter, forgets)

t.test('a visitor with an old cookie goes on, and has a session of ours after the first response', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, old, events } = await app(t, backend)
    const ann = visitor()
    const first = await ann.get('/read')
    t.match(first.json(), { userId: 'ann', visits: 7, isNew: false, authenticatedAt: null })
    t.equal(setCookies(first.headers).length, 1)
    t.match(setCookies(first.headers)[0], new RegExp(`^${COOKIE}=`))
    ann.jar.delete('old')
    t.match((await ann.get('/read')).json(), { userId: 'ann', visits: 7, isNew: false, id: first.json().id })
    t.strictSame(old.reads, ['ann-1'], 'the old system was asked once')
    await settled()
    t.strictSame(events.map(({ name }) => name), ['onCreate', 'onSave', 'onLoad'])
  })
})

t.test('the old system is not asked where there is a session of ours, and goes on with its own', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, old, userOf } = await app(t, backend)
    const ann = visitor()
    await userOf(ann)
    old.sessions.set('ann-1', { data: { userId: 'eve' } })
    t.equal(await userOf(ann), 'ann')
    t.strictSame([old.reads.length, old.forgotten.length, ann.jar.get('old')], [1, 0, 'ann-1'])
  })
})

t.test('a request without the old cookie asks nobody, nor does a route that leaves the session alone or begins none', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, newClient, old, sessions } = await app(t, backend)
    t.equal((await newClient().get('/read')).json().userId, undefined)
    t.equal((await visitor().get('/none')).headers['set-cookie'], undefined)
    const back = await visitor().get('/back')
    t.strictSame([back.json(), back.headers['set-cookie']], [{ userId: null }, undefined])
    t.equal(await sessions.open('old=ann-1'), null, 'nor does open()')
    t.strictSame(old.reads, [])
  })
})

t.test('what the old system does not know, or a value that is too long for a cookie, is no session', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, userOf, old } = await app(t, backend)
    const stranger = visitor('nobody')
    t.equal(await userOf(stranger), undefined)
    t.equal(stranger.token, undefined)
    for (const value of ['', 'x'.repeat(4097)]) t.equal(await userOf(visitor(value)), undefined)
    t.strictSame(old.reads, ['nobody'])
  })
})

t.test('the response saves it, also where nobody has read it; but one for shared caches leaves that to the next', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app: fastify, visitor, userOf } = await app(t, backend)
    fastify.get('/asset', async (_, reply) => reply.header('cache-control', 'public, max-age=60').send('x'))
    const ann = visitor()
    for (const url of ['/asset', '/public']) {
      const { headers } = await ann.get(url)
      t.match([headers['set-cookie'], headers['cache-control']], [undefined, 'public, max-age=60'], url)
    }
    t.equal((await ann.get('/asset')).headers.vary, undefined, 'nobody has read the session for it')
    await ann.get('/ignore')
    t.ok(ann.token)
    ann.jar.delete('old')
    t.equal(await userOf(ann), 'ann')
  })
})

t.test('an error leaves the session as it was found: the next request adopts it', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app: fastify, visitor, userOf } = await app(t, backend)
    fastify.get('/fail', async ({ session }) => { session.visits++; throw new Error('oh') })
    const ann = visitor()
    t.equal((await ann.get('/fail')).headers['set-cookie'], undefined)
    t.equal((await ann.get('/read')).json().visits, 7)
    t.equal(await userOf(ann), 'ann')
  })
})

t.test('it is validated like any record', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, old, rejected, logs } = await app(t, backend)
    old.sessions.set('bad', { data: { userId: 'ann', visits: 'many' } })
    const ann = visitor('bad')
    t.match((await ann.get('/read')).json(), { visits: 0, isNew: true })
    await settled()
    t.match(rejected(), [{ reason: 'invalid', paths: ['visits'] }])
    t.equal(ann.token, undefined)
    const said = logs.find(({ fault }) => fault === 'not-adopted')
    t.match(said, { cookie: 'old', paths: ['visits'], level: 40 })
    t.notMatch(JSON.stringify(logs), /many|"bad"/)
    await ann.get('/note')
    t.match((await ann.get('/read')).json(), { note: 'x', isNew: false }, 'a new session may begin')
  })
})

t.test('with onInvalid: salvage the keys that validate are adopted, and keys of plugins as well', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, old } = await app(t, backend, { onInvalid: 'salvage', undeclaredKeys: ['flash'] })
    old.sessions.set('bad', { data: { userId: 'ann', visits: 'many', flash: { info: ['hello'] } } })
    const ann = visitor('bad')
    t.match((await ann.get('/read')).json(), { userId: 'ann', visits: 0, isNew: false, flash: { info: ['hello'] } })
    ann.jar.delete('old')
    t.match((await ann.get('/read')).json(), { userId: 'ann', flash: { info: ['hello'] } })
  })
})

t.test('it began when the old one did, and nobody has proved anything', async (t) => {
  await eachBackend(t, async (t, backend) => {
    stopTime(t)
    const { visitor, old, userOf, rejected } = await app(t, backend, { absoluteTimeout: 10 * 86_400, idleTimeout: 2 * 86_400, subject: backend === 'cookie' ? undefined : 'userId' })
    old.sessions.set('ann-1', { data: { userId: 'ann' }, createdAt: new Date(START - 9 * DAY) })
    old.sessions.set('ann-2', { data: { userId: 'ann' }, createdAt: new Date(START - 10 * DAY) })
    const ann = visitor()
    t.match((await ann.get('/read')).json(), { createdAt: new Date(START - 9 * DAY).toISOString(), authenticatedAt: null })
    t.equal(await userOf(visitor('ann-2')), undefined, 'its time is over')
    await settled()
    t.match(rejected(), [{ reason: 'expired' }])
    pass(DAY - 1)
    t.equal(await userOf(ann), 'ann')
    pass(2)
    t.equal(await userOf(ann), undefined)
  })
})

t.test('requireSession lets the first request through', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app: fastify, handle, visitor, newClient } = await app(t, backend)
    fastify.get('/me', requireSession(handle, 'userId'), async (request) => handle.get(request).userId)
    fastify.get('/inner', { config: requireSession(handle, 'userId').config }, async () => 'in')
    t.match(await visitor().get('/me'), { statusCode: 200, body: 'ann' })
    t.match(await visitor().get('/inner'), { statusCode: 200, body: 'in' })
    t.equal((await newClient().get('/me')).statusCode, 401)
    t.equal((await visitor('nobody').get('/me')).statusCode, 401)
  })
})

t.test('two cookies of the old name are not believed', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app: fastify, old } = await app(t, backend)
    const read = async (cookie: string) => (await fastify.inject({ url: '/read', headers: { cookie } })).json().userId
    t.equal(await read('old=ann-1; old=eve-1'), undefined)
    t.strictSame(old.reads, [])
    t.equal(await read('old=ann-1; old=ann-1'), 'ann', 'the same twice is one')
  })
})

t.test('two cookies of our own name are a session that we do not know: nothing is adopted over it', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { app: fastify, old } = await app(t, backend)
    const { payload } = await fastify.inject({ url: '/read', headers: { cookie: `${COOKIE}=a; ${COOKIE}=b; old=ann-1` } })
    t.equal(JSON.parse(payload).userId, undefined)
    t.strictSame(old.reads, [])
  })
})

t.test('behind a cookie of ours that is not accepted the old one counts', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, userOf } = await app(t, backend)
    const ann = visitor()
    ann.jar.set(COOKIE, 'forged')
    t.equal(await userOf(ann), 'ann')
    ann.jar.delete('old')
    t.equal(await userOf(ann), 'ann')
  })
})

t.test('of several systems the first that knows a session counts; destroy() is for all of them', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const [one, two, three] = [new OldSystem(), new OldSystem(), new OldSystem()]
    two.sessions.set('v', { data: { userId: 'two' } })
    const adopt = [one.adopter({ cookie: 'a' }), two.adopter({ cookie: { name: 'b', path: '/shop', domain: 'example.com' } }), three.adopter({ cookie: 'c' })]
    const { newClient, userOf } = await app(t, backend, { adopt })
    const client = newClient()
    for (const name of ['a', 'b', 'c']) client.jar.set(name, 'v')
    t.equal(await userOf(client), 'two')
    t.strictSame([one.reads, two.reads, three.reads], [['v'], ['v'], []])
    const lines = setCookies((await client.get('/logout')).headers)
    t.match(lines, [
      'a=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly',
      'b=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=example.com; Path=/shop; Secure; HttpOnly',
      'c=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly',
      new RegExp(`^${COOKIE}=; Max-Age=0`)
    ])
    t.strictSame([one.forgotten, two.forgotten, three.forgotten], [['v'], ['v'], ['v']])
  })
})

t.test('quotes and percent-encoding make no other value', async (t) => {
  await eachBackend(t, async (t, backend) => {
    const { visitor, userOf, old } = await app(t, backend)
    old.sessions.set('s:a.b', { data: { userId: 'ann' } })
    for (const value of ['s:a.b', '"s:a.b"', 's%3Aa.b', '%73%3a%61.b']) t.equal(await userOf(visitor(value)), 'ann', value)
    t.equal(await userOf(visitor('%zz')), undefined)
    t.strictSame(old.reads, ['s:a.b', 's:a.b', 's:a.b', 's:a.b', '%zz'])
  })
})
