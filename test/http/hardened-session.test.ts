import t from 'tap'
import { buildApp, sessionOf } from '../support/app.js'

type Loose = Record<string, unknown>

/** The deep merge of a hundred blog posts. */
function merge (target: Loose, source: Loose): void {
  for (const key of Object.keys(source)) {
    if (typeof source[key] === 'object' && typeof target[key] === 'object') merge(target[key] as Loose, source[key] as Loose)
    else target[key] = source[key]
  }
}

t.test('a careless deep merge changes nobody else\'s session', async (t) => {
  const { app } = await buildApp(t, { backend: 'cookie' })
  app.post('/prefs', async (request) => { merge(sessionOf(request) as unknown as Loose, JSON.parse(request.body as string)) })
  app.get('/admin', async (request) => (sessionOf(request) as unknown as Loose).isAdmin === true)
  for (const payload of ['{"__proto__":{"isAdmin":true}}', '{"constructor":{"prototype":{"isAdmin":true}}}', '{"save":{"isAdmin":true}}']) {
    t.equal((await app.inject({ method: 'POST', url: '/prefs', headers: { 'content-type': 'text/plain' }, payload })).statusCode, 500)
    t.equal((await app.inject('/admin')).body, 'false')
  }
})

t.test('the members of a session cannot be replaced, for one session or for all', async (t) => {
  const { app } = await buildApp(t, { backend: 'cookie' })
  app.get('/', async (request) => {
    const session = sessionOf(request) as unknown as Loose
    const prototype = Object.getPrototypeOf(session) as Loose
    t.ok(Object.isFrozen(prototype))
    t.ok(Object.isFrozen(prototype.constructor))
    t.equal(Reflect.get(session, '__proto__'), undefined)
    for (const name of ['save', 'id', 'get']) t.throws(() => { session[name] = 1 }, { code: 'FST_TYPED_SESSION_RESERVED_KEY' }, name)
    t.throws(() => { Object.assign(session, { constructor: 1 }) }, TypeError)
    t.throws(() => (session.replace as (data: object) => void)({ constructor: 1 }), { code: 'FST_TYPED_SESSION_RESERVED_KEY' })
    t.throws(() => { prototype.isAdmin = true }, TypeError)
    return 'ok'
  })
  t.equal((await app.inject('/')).body, 'ok')
})
