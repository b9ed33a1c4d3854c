import t from 'tap'
import { sessionSocket } from '../../lib/index.js'
import { buildApp, eachBackend } from '../support/app.js'

t.test('update() that is given no function is refused, says what to call instead, and saves nothing', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/update', async ({ session }) => {
    session.visits = 1
    const codes: unknown[] = []
    for (const change of [undefined, null, { visits: 2 }, 'visits']) {
      codes.push(await session.update(change as never).then(() => 'saved', ({ code, message }: { code: string, message: string }) => /must be a function.*save\(\)/.test(message) && code))
    }
    return { codes, isNew: session.isNew }
  })
  t.strictSame((await client.get('/update')).json(), { codes: Array(4).fill('FST_TYPED_SESSION_INVALID_OPTION'), isNew: true })
}))

/** What plain JavaScript, and the habits of other packages, hand in; TypeScript refuses all of them. */
const WRONG: Readonly<Record<string, (session: any) => unknown>> = {
  'delete() for the whole session': (session) => session.delete(),
  'set() of an object': (session) => session.set({ visits: 3 }),
  'get() without a key': (session) => session.get(),
  'has() of a number': (session) => session.has(1),
  'take() of nothing': (session) => session.take(undefined),
  'destroy() with a callback': (session) => session.destroy(() => {}),
  'save() with a callback': (session) => session.save(() => {}),
  'reload() with a callback': (session) => session.reload(() => {}),
  'rotate() with a callback': (session) => session.rotate(() => {}),
  'reauthenticated() with a callback': (session) => session.reauthenticated(() => {}),
  'regenerate() with a callback': (session) => session.regenerate(() => {}),
  'regenerate() of keys with a callback': (session) => session.regenerate(['visits'], () => {}),
  'regenerate() of a key': (session) => session.regenerate('visits'),
  'replace() by nothing': (session) => session.replace(undefined),
  'replace() by null': (session) => session.replace(null),
  'replace() by a number': (session) => session.replace(4),
  'replace() by a list': (session) => session.replace([]),
  'replace() by a Map': (session) => session.replace(new Map()),
  'update() that returns a number': (session) => session.update((data: any) => ++data.visits),
  'update() that returns a text': (session) => session.update((data: any) => (data.note = 'bob')),
  'update() that returns a list': async (session) => await session.update(async (data: any) => data.cart)
}

for (const [what, call] of Object.entries(WRONG)) {
  t.test(`${what} is refused, and the session stays as it was`, t => eachBackend(t, async (t, backend) => {
    const { app, client } = await buildApp(t, { backend })
    app.get('/seed', async ({ session }) => { session.visits = 1; session.note = 'kept' })
    app.get('/wrong', async ({ session }) => await call(session))
    app.get('/now', async ({ session }) => session.data())
    await client.get('/seed')
    t.match((await client.get('/wrong')).json(), { statusCode: 500, code: 'FST_TYPED_SESSION_INVALID_OPTION' })
    t.match((await client.get('/now')).json(), { visits: 1, note: 'kept', cart: [] })
  }))
}

t.test('open() of what is no request and no header says what to give; who has no cookie has no session', t => eachBackend(t, async (t, backend) => {
  const { sessions } = await buildApp(t, { backend })
  for (const source of [7, {}]) {
    await t.rejects(sessions.open(source as never), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /option open\(source\): must be a request, or the text of its Cookie header/ })
  }
  for (const source of ['', null, undefined, { headers: {} }]) t.equal(await sessions.open(source as never), null)
}))

t.test('sessionSocket() of what is no socket, or of the request of another framework, says what to give', async (t) => {
  const { app, client } = await buildApp(t, { backend: 'cookie' })
  const socket = { close () {}, once () {} }
  app.get('/', async (request) => {
    const refused = { code: 'FST_TYPED_SESSION_INVALID_OPTION' }
    for (const wrong of [request.raw.headers, null, { close () {} }]) t.throws(() => sessionSocket(wrong as never, request), { ...refused, message: /socket: must be a WebSocket/ })
    for (const wrong of [request.raw, null]) t.throws(() => sessionSocket(socket, wrong as never), { ...refused, message: /must be the request of Fastify.*sessions\.open\(request\)/ })
    t.throws(() => sessionSocket(socket, request, { session: 'admin' }), { code: 'FST_TYPED_SESSION_NOT_REGISTERED' })
    return 'ok'
  })
  t.equal((await client.get('/')).body, 'ok')
})
