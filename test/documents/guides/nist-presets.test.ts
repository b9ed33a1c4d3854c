import Fastify, { type FastifyInstance } from 'fastify'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { createSession } from '../../../lib/index.js'
import { type MemoryStore, memoryStore } from '../../../lib/stores/memory.js'
import type { SessionPolicy, Sessions } from '../../../types/index.js'
import { COOKIE, schema, SECRET, setCookies } from '../../support/app.js'
import { codeIn, readText, tableOf } from '../../support/documents.js'
import { browser, runGuide } from '../../support/guide.js'

interface Guide { buildApp (store: MemoryStore): FastifyInstance, describePolicy (policy: SessionPolicy): string }
const DOCUMENT = 'docs/guides/nist-presets.md'
const START = 1_800_000_000_000
const MINUTE = 60_000
const ADA = { name: 'ada', proof: 'password and code' }

const policyOf = async (t: Test, options: object) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const handle = createSession(schema, { secret: SECRET, ...options })
  await app.register(handle.plugin)
  return handle.sessions(app).policy()
}

const open = async (t: Test) => {
  mock.timers.enable({ apis: ['Date'], now: START })
  t.teardown(() => mock.timers.reset())
  const { buildApp, describePolicy } = await runGuide<Guide>(t, 'nist-presets')
  const app = buildApp(memoryStore())
  t.teardown(() => app.close())
  await app.ready()
  const ada = browser(app)
  const at = async (minutes: number) => {
    mock.timers.setTime(START + minutes * MINUTE)
    return (await ada.get('/me')).statusCode
  }
  return { app, ada, at, describePolicy, policy: app.getDecorator<Sessions<object>>('sessions').policy() }
}

const presets = tableOf(DOCUMENT, 'What a preset sets', 'preset').rows.map(([preset = '', idle, absolute]) => ({
  timeouts: codeIn(preset).join().replaceAll("'", ''), idle: Number(idle), absolute: Number(absolute)
}))

t.test('S-7.1.1: what each preset sets is what the table says', async (t) => {
  t.strictSame(presets.map(({ timeouts }) => timeouts), ['aal1', 'aal2', 'aal3'])
  for (const { timeouts, idle, absolute } of presets) t.match(await policyOf(t, { timeouts }), { idleTimeout: idle, absoluteTimeout: absolute }, timeouts)
})

t.test('S-n2: beside a preset shorter timeouts are taken, longer ones are not; without any limit there is no session', async (t) => {
  for (const { timeouts, idle, absolute } of presets) {
    t.match(await policyOf(t, { timeouts, idleTimeout: idle / 2, absoluteTimeout: absolute / 2 }), { idleTimeout: idle / 2, absoluteTimeout: absolute / 2 })
    for (const longer of [{ idleTimeout: idle + 1 }, { absoluteTimeout: absolute + 1 }]) {
      await t.rejects(policyOf(t, { timeouts, ...longer }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, `${timeouts} ${Object.keys(longer).join()}`)
    }
  }
  for (const absoluteTimeout of [Infinity, 0, 401 * 86_400]) await t.rejects(policyOf(t, { absoluteTimeout }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
})

t.test('nothing else changes with a preset, but how often the idle deadline moves', async (t) => {
  const without = await policyOf(t, {})
  for (const { timeouts, idle, absolute } of presets) {
    t.strictSame(await policyOf(t, { timeouts }), { ...without, idleTimeout: idle, absoluteTimeout: absolute, touchAfter: idle / 10 })
  }
})

t.test('S-7.1.1: the table on the page is the one that is made of the policy', async (t) => {
  const { describePolicy, policy } = await open(t)
  const table = describePolicy(policy)
  t.ok(readText(DOCUMENT).includes(`\n\n${table}\n\n`))
  t.match(policy, { idleTimeout: 1800, absoluteTimeout: 36_000, touchAfter: 0, maxPerSubject: 3, overLimit: 'evict-oldest' })
  t.not(describePolicy({ ...policy, idleTimeout: 3600 }), table)
})

t.test('the cookie is as §5.1.1 wants it, and ends with the browser', async (t) => {
  const { ada, policy } = await open(t)
  t.match(policy.cookie, { name: COOKIE, path: '/', domain: null, sameSite: 'lax', secure: true, httpOnly: true, persistent: false })
  const [cookie = ''] = setCookies((await ada.post('/login', ADA)).headers)
  t.strictSame(cookie.replace(/=[^;]+/, '').split('; ').sort(), ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure', COOKIE])
  t.notMatch(cookie, /ada/)
})

t.test('half an hour unused ends it; every request is activity', async (t) => {
  const { ada, at } = await open(t)
  await ada.post('/login', ADA)
  for (const minutes of [29, 58, 59, 88]) t.equal(await at(minutes), 200, `minute ${minutes}`)
  t.equal(await at(119), 401)
})

t.test('ten hours end it, however busy; signing in again starts both limits anew', async (t) => {
  const { app, ada, at } = await open(t)
  await ada.post('/login', ADA)
  for (let minutes = 20; minutes < 600; minutes += 20) t.equal(await at(minutes), 200)
  const before = ada.header
  t.strictSame((await ada.post('/login', ADA)).json(), { until: new Date(Date.now() + 36_000_000).toISOString() })
  t.equal((await app.inject({ url: '/me', headers: { cookie: before } })).statusCode, 401, 'the session before has ended')
  for (let minutes = 600; minutes < 1180; minutes += 20) t.equal(await at(minutes), 200)
  t.equal(await at(1180), 401)
})

t.test('what is sensitive needs a proof of the last five minutes', async (t) => {
  const { ada, at } = await open(t)
  await ada.post('/login', ADA)
  t.equal((await ada.post('/payout')).statusCode, 200)
  t.equal(await at(6), 200)
  t.match(await ada.post('/payout'), { statusCode: 401, body: /FST_TYPED_SESSION_NOT_RECENT/ })
  t.equal((await ada.post('/login', { ...ADA, proof: 'password' })).statusCode, 401)
  t.equal((await ada.post('/payout')).statusCode, 401)
  await ada.post('/login', ADA)
  t.equal((await ada.post('/payout')).statusCode, 200)
})

t.test('S-7.1.2: a fourth sign-in ends the oldest, and logout ends for good', async (t) => {
  const { app } = await open(t)
  const four = Array.from({ length: 4 }, () => browser(app))
  for (const [i, client] of four.entries()) {
    mock.timers.setTime(START + i * MINUTE)
    await client.post('/login', ADA)
  }
  const statuses = []
  for (const client of four) statuses.push((await client.get('/me')).statusCode)
  t.strictSame(statuses, [401, 200, 200, 200])
  const cookie = four[3]?.header as string
  await four[3]?.post('/logout')
  t.equal((await app.inject({ url: '/me', headers: { cookie } })).statusCode, 401)
})
