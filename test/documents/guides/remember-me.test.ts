import type { FastifyInstance } from 'fastify'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { setCookies } from '../../support/app.js'
import { browser, runGuide } from '../../support/guide.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = 1_800_000_000_000

const open = async (t: Test, remember: boolean) => {
  mock.timers.enable({ apis: ['Date'], now: START })
  t.teardown(() => mock.timers.reset())
  const { buildApp } = await runGuide<{ buildApp (): FastifyInstance }>(t, 'remember-me')
  const app = buildApp()
  t.teardown(() => app.close())
  const ada = browser(app)
  const login = await ada.post('/login', { name: 'ada', password: 'lovelace', remember })
  t.equal(login.statusCode, 200)
  const at = async (time: number) => {
    mock.timers.setTime(START + time)
    return (await ada.get('/me')).statusCode
  }
  return { app, ada, login, at }
}

const lifetimeOf = (response: { headers: object }) => /; Max-Age=(\d+)/.exec(setCookies(response.headers as Record<string, unknown>).join())?.[1] ?? null

t.test('who ticks the box gets a cookie for 30 days, who does not one that ends with the browser', async (t) => {
  t.equal(lifetimeOf((await open(t, true)).login), String(30 * 86_400))
  mock.timers.reset()
  const { login } = await open(t, false)
  t.equal(setCookies(login.headers).length, 1)
  t.notMatch(setCookies(login.headers), [/Max-Age|Expires/i])
})

t.test('a wrong password is remembered by nobody', async (t) => {
  const { app } = await open(t, true)
  const answer = await app.inject({ method: 'POST', url: '/login', payload: { name: 'ada', password: 'wrong', remember: true } })
  t.match(answer, { statusCode: 401, headers: { 'set-cookie': undefined } })
})

t.test('remembered: 14 days unused are too many, 13 are not', async (t) => {
  const { at } = await open(t, true)
  t.equal(await at(13 * DAY), 200)
  t.equal(await at(26 * DAY), 200)
})

t.test('remembered: unused for more than 14 days it has ended', async (t) => {
  const { at } = await open(t, true)
  t.equal(await at(14 * DAY + 1000), 401)
})

t.test('remembered: after 30 days it has ended, though used every day', async (t) => {
  const { at } = await open(t, true)
  for (let day = 1; day < 30; day++) t.equal(await at(day * DAY), 200)
  t.equal(await at(30 * DAY + 1000), 401)
})

t.test('a new sign-in counts from then on', async (t) => {
  const { ada, at } = await open(t, true)
  for (let day = 1; day < 30; day++) await at(day * DAY)
  t.equal(lifetimeOf(await ada.post('/login', { name: 'ada', password: 'lovelace', remember: true })), String(30 * 86_400))
  t.equal(await at(31 * DAY), 200)
})

t.test('not remembered: after 12 hours the server ends it, though the browser kept the cookie and used it', async (t) => {
  const { app, ada, at } = await open(t, false)
  for (let hour = 1; hour < 12; hour++) t.equal(await at(hour * HOUR), 200)
  t.equal(await at(12 * HOUR - 1), 200)
  const cookie = ada.header
  t.equal(await at(12 * HOUR), 401)
  t.equal((await app.inject({ url: '/me', headers: { cookie } })).statusCode, 401)
})

t.test('forgetting: the cookie ends with the browser again, and the 12 hours count', async (t) => {
  const { ada, at } = await open(t, true)
  await at(HOUR)
  t.equal(lifetimeOf(await ada.post('/forget-me')), null)
  t.equal(await at(11 * HOUR), 200)
  t.equal(await at(13 * HOUR), 401)
})

t.test('S-7.5.1: a remembered session is not enough for something sensitive; the password is, for ten minutes', async (t) => {
  const { ada, at } = await open(t, true)
  const change = async () => await ada.send({ method: 'PUT', url: '/email', payload: { email: 'ada@example.org' } })
  t.equal((await change()).statusCode, 200)
  t.equal(await at(600_001), 200)
  t.match(await change(), { statusCode: 401, body: /FST_TYPED_SESSION_NOT_RECENT/ })

  t.equal((await ada.post('/confirm', { password: 'wrong' })).statusCode, 403)
  t.equal((await change()).statusCode, 401)

  mock.timers.setTime(START + 10 * DAY)
  const before = ada.token
  const confirmed = await ada.post('/confirm', { password: 'lovelace' })
  t.equal(confirmed.statusCode, 200)
  t.not(ada.token, before)
  t.equal(lifetimeOf(confirmed), String(20 * 86_400), 'it is remembered for what is left, and no longer')
  t.equal((await change()).statusCode, 200)
})

t.test('without a session nothing of it is to be had', async (t) => {
  const { app } = await open(t, true)
  for (const [method, url] of [['GET', '/me'], ['POST', '/forget-me'], ['POST', '/confirm'], ['PUT', '/email']] as const) {
    t.match(await app.inject({ method, url, payload: {} }), { statusCode: 401, body: /FST_TYPED_SESSION_REQUIRED/ }, url)
  }
})

t.test('a route without a session answers as well', async (t) => {
  const { buildApp } = await runGuide<{ buildApp (): FastifyInstance }>(t, 'remember-me')
  const app = buildApp()
  t.teardown(() => app.close())
  app.get('/health', { config: { session: false } }, async () => 'ok')
  t.match(await app.inject('/health'), { statusCode: 200, body: 'ok' })
  t.equal((await app.inject('/nothing-here')).statusCode, 404)
})
