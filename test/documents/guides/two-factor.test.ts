import { createHmac } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { type MemoryStore, memoryStore } from '../../../lib/stores/memory.js'
import type { Sessions } from '../../../types/index.js'
import type { Client } from '../../support/app.js'
import { browser, runGuide } from '../../support/guide.js'

const MINUTE = 60_000
const START = 1_800_000_000_000
const PASSWORD = { name: 'ada', password: 'lovelace' }
type State = { step: string, tries: number }

/** Two servers that share a store and their accounts. */
const open = async (t: Test) => {
  mock.timers.enable({ apis: ['Date'], now: START })
  t.teardown(() => mock.timers.reset())
  const { buildApp } = await runGuide<{ buildApp (store: MemoryStore): FastifyInstance }>(t, 'two-factor')
  const store = memoryStore()
  const [app, other] = [buildApp(store), buildApp(store)]
  t.teardown(async () => { await app.close(); await other.close() })
  const ada = browser(app)
  const stateOf = async (cookie: string) => {
    const opened = await app.getDecorator<Sessions<State>>('sessions').open(cookie)
    return opened && { ...opened.data, authenticatedAt: opened.authenticatedAt }
  }
  return { app, other, ada, stateOf, wait: (time: number) => mock.timers.setTime(Date.now() + time) }
}

/** Written anew, after the text of RFC 6238 and 4226. */
const codeNow = (shift = 0): string => {
  const counter = Buffer.alloc(8)
  counter.writeUInt32BE(Math.floor(Date.now() / 30_000) + shift, 4)
  const mac = [...createHmac('sha1', '12345678901234567890').update(counter).digest()] as [number]
  const [a, b, c, d] = mac.slice((mac.at(-1) as number) % 16) as unknown as [number, number, number, number]
  return String((((a % 128) * 256 + b) * 256 + c) * 256 + d).slice(-6).padStart(6, '0')
}
const wrongCode = () => [...codeNow()].map((digit) => (Number(digit) + 1) % 10).join('')
const giveCode = async (client: Client, code: string) => (await client.post('/code', { code })).statusCode

t.test('the codes are those of the RFC', async (t) => {
  const { ada } = await open(t)
  mock.timers.setTime(2_000_000_000_000)
  t.equal(codeNow(), '279037') // RFC 6238, Appendix B: 69279037
  await ada.post('/login', PASSWORD)
  t.equal(await giveCode(ada, '279037'), 200)
})

t.test('the password alone lets nobody in; the password and the code do, each step with a new id', async (t) => {
  const { app, ada } = await open(t)
  t.equal(await giveCode(ada, codeNow()), 401, 'no code before the password')
  t.equal((await ada.post('/login', { ...PASSWORD, password: 'wrong' })).statusCode, 401)
  t.equal(ada.token, undefined)
  await ada.post('/login', PASSWORD)
  const pending = ada.header
  t.match(await ada.get('/me'), { statusCode: 401, body: /FST_TYPED_SESSION_REQUIRED/ })
  t.equal((await ada.post('/transfer')).statusCode, 401)
  t.equal(await giveCode(ada, wrongCode()), 403)
  t.equal((await ada.get('/me')).statusCode, 401)
  t.equal(await giveCode(ada, codeNow()), 200)
  t.strictSame((await ada.get('/me')).json(), { userId: 'ada' })
  t.equal((await app.inject({ url: '/me', headers: { cookie: pending } })).statusCode, 401)
  await ada.post('/logout')
  t.equal((await ada.get('/me')).statusCode, 401)
})

t.test('the password ends the session of before: nobody can plant one and guess along', async (t) => {
  const { ada, stateOf } = await open(t)
  await ada.post('/login', PASSWORD)
  const planted = ada.header
  await ada.post('/login', PASSWORD)
  t.equal(await stateOf(planted), null)
})

t.test('what is pending is nobody\'s session in a list, and no sign-in', async (t) => {
  const { app, ada, stateOf } = await open(t)
  const devices = async () => (await app.getDecorator<Sessions<State>>('sessions').list('ada')).length
  await ada.post('/login', PASSWORD)
  t.equal(await devices(), 0)
  t.match(await stateOf(ada.header), { step: 'password', authenticatedAt: null })
  await giveCode(ada, codeNow())
  t.equal(await devices(), 1)
  t.match(await stateOf(ada.header), { step: 'user', authenticatedAt: new Date(START) })
})

t.test('20 guesses at once, on two servers, count as 20, and five of them are compared', async (t) => {
  const { app, other, ada, stateOf } = await open(t)
  await ada.post('/login', PASSWORD)
  const headers = { cookie: ada.header }
  const answers = await Promise.all(Array.from({ length: 20 }, async (_, i) =>
    (await (i % 2 === 0 ? app : other).inject({ method: 'POST', url: '/code', payload: { code: wrongCode() }, headers })).statusCode))
  t.strictSame(answers.sort(), [...Array(5).fill(403), ...Array(15).fill(429)])
  t.match(await stateOf(ada.header), { step: 'password', tries: 20 })
  t.equal(await giveCode(ada, codeNow()), 429, 'the right one is too late')
  t.equal((await ada.get('/me')).statusCode, 401)
  await ada.post('/login', PASSWORD)
  t.equal(await giveCode(ada, codeNow()), 200)
})

t.test('a guess at what is no code is not counted and not compared', async (t) => {
  const { ada, stateOf } = await open(t)
  await ada.post('/login', PASSWORD)
  for (const code of ['12345', '1234567', '12345a', '１２３４５６', 123456, null, { length: 6 }]) t.equal((await ada.post('/code', { code })).statusCode, 400)
  t.match(await stateOf(ada.header), { tries: 0 })
})

t.test('beginning again with the password gives no more than 50 wrong codes in a row', async (t) => {
  const { ada } = await open(t)
  for (let round = 0; round < 10; round++) {
    await ada.post('/login', PASSWORD)
    for (let i = 0; i < 5; i++) t.equal(await giveCode(ada, wrongCode()), 403)
  }
  await ada.post('/login', PASSWORD)
  t.equal(await giveCode(ada, codeNow()), 403)
})

t.test('the right code twice at once, in two browsers: one gets in; and never again', async (t) => {
  const { app, ada } = await open(t)
  const thief = browser(app)
  await ada.post('/login', PASSWORD)
  await thief.post('/login', PASSWORD)
  const code = codeNow()
  t.strictSame((await Promise.all([giveCode(ada, code), giveCode(thief, code)])).sort(), [200, 403])
  await thief.post('/login', PASSWORD)
  t.equal(await giveCode(thief, code), 403)
})

t.test('a code is good a step early or late, and not two', async (t) => {
  for (const [shift, status] of [[-2, 403], [-1, 200], [1, 200], [2, 403]] as const) {
    await t.test(String(shift), async (t) => {
      const { ada } = await open(t)
      await ada.post('/login', PASSWORD)
      t.equal(await giveCode(ada, codeNow(shift)), status)
    })
  }
})

t.test('five minutes after the password the code comes too late', async (t) => {
  const { ada, stateOf, wait } = await open(t)
  await ada.post('/login', PASSWORD)
  wait(5 * MINUTE + 1)
  t.equal(await giveCode(ada, codeNow()), 401)
  t.match(await stateOf(ada.header), { step: 'anonymous' })
  t.equal(await giveCode(ada, codeNow()), 401)
  await ada.post('/login', PASSWORD)
  wait(5 * MINUTE)
  t.equal(await giveCode(ada, codeNow()), 200)
})

t.test('S-7.5.3: something sensitive needs a code of the last five minutes; guessing there is counted as well', async (t) => {
  const { ada, wait } = await open(t)
  await ada.post('/login', PASSWORD)
  await giveCode(ada, codeNow())
  t.equal((await ada.post('/transfer')).statusCode, 200)
  wait(5 * MINUTE + 1)
  t.match(await ada.post('/transfer'), { statusCode: 401, body: /FST_TYPED_SESSION_NOT_RECENT/ })
  t.equal((await ada.get('/me')).statusCode, 200, 'signed in still')
  const before = ada.token
  t.equal(await giveCode(ada, codeNow()), 200)
  t.not(ada.token, before)
  t.equal((await ada.post('/transfer')).statusCode, 200)

  wait(10 * MINUTE)
  for (let i = 0; i < 5; i++) t.equal(await giveCode(ada, wrongCode()), 403)
  t.equal(await giveCode(ada, codeNow()), 429)
  t.equal((await ada.post('/transfer')).statusCode, 401)
})
