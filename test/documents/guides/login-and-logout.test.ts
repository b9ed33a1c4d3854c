import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { createSession, withSession } from '../../../lib/index.js'
import { memoryStore } from '../../../lib/stores/memory.js'
import type { SessionStore } from '../../../types/index.js'
import { schema, SECRET, setCookies } from '../../support/app.js'
import { browser, runGuide } from '../../support/guide.js'

interface Guide { buildApp (kept: { store: SessionStore } | { revocations: SessionStore }): FastifyInstance }
const ADA = { name: 'ada', password: 'lovelace' }

/** Each password costs a hash. Only where its time is measured does it cost what the page says. */
const CHEAP = { 'N: 2 ** 14, r: 8, p: 5': 'N: 2, r: 8, p: 5' }

const eachKept = (name: string, test: (t: Test, app: FastifyInstance) => Promise<void>, instead: Readonly<Record<string, string>> = CHEAP) => {
  for (const kept of [{ store: memoryStore() }, { revocations: memoryStore() }]) {
    t.test(`${name}: with ${Object.keys(kept).join()}`, async (t) => {
      const { buildApp } = await runGuide<Guide>(t, 'login-and-logout', instead)
      const app = buildApp(kept)
      t.teardown(() => app.close())
      await test(t, app)
    })
  }
}

eachKept('signing in gives a new id, keeps the cart, and lets through', async (t, app) => {
  const ada = browser(app)
  t.match(await ada.get('/me'), { statusCode: 401, body: /FST_TYPED_SESSION_REQUIRED/ })
  await ada.post('/cart/tea')
  const planted = ada.header
  t.equal((await ada.post('/login', ADA)).statusCode, 200)
  const me = await ada.get('/me')
  t.strictSame(me.json(), { userId: 'ada', cart: ['tea'] })
  t.equal(me.headers['cache-control'], 'no-store')
  t.equal((await app.inject({ url: '/me', headers: { cookie: planted } })).statusCode, 401, 'who planted an id before has nothing after')
})

eachKept('signing in again gives a new id as well; as somebody else, it leaves everything behind', async (t, app) => {
  const visitor = browser(app)
  await visitor.post('/login', ADA)
  const first = visitor.header
  await visitor.post('/login', ADA)
  t.equal((await app.inject({ url: '/me', headers: { cookie: first } })).statusCode, 401)
  await visitor.post('/cart/tea')
  const second = visitor.header
  await visitor.post('/login', { name: 'grace', password: 'hopper' })
  t.equal((await app.inject({ url: '/me', headers: { cookie: second } })).statusCode, 401)
  t.strictSame((await visitor.get('/me')).json(), { userId: 'grace', cart: [] })
})

eachKept('nobody can tell a wrong name from a wrong password', async (t, app) => {
  const attempt = async (name: string, password: string) => {
    const start = performance.now()
    const { statusCode, body, headers } = await app.inject({ method: 'POST', url: '/login', payload: { name, password } })
    return { answer: { statusCode, body, headers: { ...headers, date: '' } }, took: performance.now() - start }
  }
  const known = [await attempt('ada', 'hopper'), await attempt('ada', '')]
  const unknown = [await attempt('mallory', 'hopper'), await attempt('__proto__', 'hopper')]
  for (const { answer } of [...known, ...unknown]) {
    t.strictSame(answer, known[0]?.answer)
    t.match(answer, { statusCode: 401, headers: { 'set-cookie': undefined } })
  }
  const least = (tries: readonly { took: number }[]) => Math.min(...tries.map(({ took }) => took))
  t.ok(least(unknown) > least(known) / 5, 'both take the time of a hash')
  for (const payload of [{}, { name: 1, password: [] }, 'text']) t.equal((await app.inject({ method: 'POST', url: '/login', payload: JSON.stringify(payload), headers: { 'content-type': 'application/json' } })).statusCode, 401)
}, {})

eachKept('S-7.4.1: after signing out every copy of the cookie is dead', async (t, app) => {
  const ada = browser(app)
  await ada.post('/login', ADA)
  const copy = ada.header
  const out = await ada.post('/logout')
  t.match(out, { statusCode: 204, headers: { 'clear-site-data': '"cache", "storage"', 'cache-control': 'no-store' } })
  t.match(setCookies(out.headers), [/; Max-Age=0/])
  t.equal(ada.token, undefined)
  for (let i = 0; i < 5; i++) t.equal((await app.inject({ url: '/me', headers: { cookie: copy } })).statusCode, 401)
  t.equal((await app.inject({ method: 'POST', url: '/logout' })).statusCode, 204, 'signing out without a session is no error')
})

eachKept('S-7.5.2: devices are listed, and one is ended by its owner only', async (t, app) => {
  const [phone, laptop, grace] = [browser(app, 'phone'), browser(app, 'laptop'), browser(app)]
  await phone.post('/login', ADA)
  await laptop.post('/login', ADA)
  await grace.post('/login', { name: 'grace', password: 'hopper' })
  const devices = (await laptop.get('/devices')).json() as { id: string, device: string, thisOne: boolean }[]
  t.strictSame(devices.map(({ device, thisOne }) => [device, thisOne]).sort(), [['laptop', true], ['phone', false]])
  t.notMatch(JSON.stringify(devices), phone.token)

  const { id } = devices.find(({ device }) => device === 'phone') as { id: string }
  t.equal((await grace.send({ method: 'DELETE', url: `/devices/${id}` })).statusCode, 404)
  t.equal((await phone.get('/me')).statusCode, 200)
  t.equal((await laptop.send({ method: 'DELETE', url: `/devices/${id}` })).statusCode, 204)
  t.equal((await phone.get('/me')).statusCode, 401)
  t.equal((await laptop.get('/me')).statusCode, 200)
  t.equal((await app.inject('/devices')).statusCode, 401)
})

eachKept('S-7.4.3: a new password ends the other sessions, and this one has a new id', async (t, app) => {
  const [phone, laptop, grace] = [browser(app), browser(app), browser(app)]
  await phone.post('/login', ADA)
  await laptop.post('/login', ADA)
  await grace.post('/login', { name: 'grace', password: 'hopper' })
  const change = (now: string, next: string) => laptop.send({ method: 'PUT', url: '/password', payload: { now, next } })
  t.equal((await change('hopper', 'analytical engine')).statusCode, 403)
  t.equal((await change('lovelace', 'short')).statusCode, 400)
  t.equal((await phone.get('/me')).statusCode, 200, 'nothing has changed')

  const before = laptop.header
  t.strictSame((await change('lovelace', 'analytical engine')).json(), { ended: 1 })
  t.equal((await phone.get('/me')).statusCode, 401)
  t.equal((await laptop.get('/me')).statusCode, 200)
  t.equal((await app.inject({ url: '/me', headers: { cookie: before } })).statusCode, 401)
  t.equal((await grace.get('/me')).statusCode, 200, "somebody else's go on")
  t.equal((await phone.post('/login', ADA)).statusCode, 401)
  t.equal((await phone.post('/login', { name: 'ada', password: 'analytical engine' })).statusCode, 200)
})

t.test('in the cookie without revocations, a copy works on after signing out, and there are no devices', async (t) => {
  const handle = createSession(schema, { secret: SECRET, subject: 'userId' })
  const app = withSession(Fastify(), handle)
  t.teardown(() => app.close())
  app.post('/login', async (request) => { request.session.userId = 'ada' })
  app.post('/logout', async (request) => await request.session.destroy())
  app.get('/me', async (request) => ({ userId: request.session.userId ?? null }))
  app.get('/devices', async () => await app.sessions.list('ada'))
  const ada = browser(app)
  await ada.post('/login')
  const copy = ada.header
  await ada.post('/logout')
  t.strictSame((await ada.get('/me')).json(), { userId: null })
  t.strictSame((await app.inject({ url: '/me', headers: { cookie: copy } })).json(), { userId: 'ada' })
  t.match((await ada.get('/devices')).json(), { code: 'FST_TYPED_SESSION_NOT_CONFIGURED' })
})
