import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { COOKIE } from '../../support/app.js'
import { FakeBrowser } from '../../support/fake-browser.js'
import { runGuide } from '../../support/guide.js'
import { stopClock } from '../../support/http-scene.js'

const SIGN_IN = { method: 'POST', url: '/login', payload: { name: 'ada', password: 'lovelace' } } as const

const open = async (t: Test) => {
  const tick = stopClock(t)
  const { buildApp } = await runGuide<{ buildApp (): FastifyInstance }>(t, 'device-bound')
  const app = buildApp()
  t.teardown(() => app.close())
  return { tick, browser: () => new FakeBrowser(async (request) => await app.inject(request)) }
}

t.test('a sign-in is bound, and a copy of the cookies is of no use after ten minutes', async (t) => {
  const { tick, browser } = await open(t)
  const [ada, thief] = [browser(), browser()]
  t.equal((await ada.send({ ...SIGN_IN, payload: { ...SIGN_IN.payload, password: 'wrong' } })).statusCode, 401)
  await ada.send(SIGN_IN)
  t.match((await ada.get('/me')).json(), { user: 'ada', device: { algorithm: 'ES256' } })
  for (const [name, { value }] of ada.cookies) thief.cookies.set(name, { value, until: Infinity })
  t.equal((await thief.get('/me')).statusCode, 200)
  tick(600_000)
  t.equal((await thief.get('/me')).statusCode, 401)
  t.equal((await ada.get('/me')).statusCode, 200)
  t.equal((await ada.post('/transfer')).body, 'transferred')
  t.match((await ada.get('/devices')).json(), [{ device: { algorithm: 'ES256' } }])
  await ada.post('/logout')
  t.equal((await ada.get('/me')).statusCode, 401)
})

t.test('a browser that cannot do it is signed in as ever, but gets no further than its session', async (t) => {
  const { tick, browser } = await open(t)
  const ada = browser()
  await ada.bare(SIGN_IN)
  tick(3_600_000)
  t.match((await ada.bare({ url: '/me' })).json(), { user: 'ada', device: null })
  t.match(await ada.bare({ method: 'POST', url: '/transfer' }), { statusCode: 401, body: /FST_TYPED_SESSION_UNBOUND/ })
  t.strictSame([...ada.cookies.keys()], [COOKIE])
})
