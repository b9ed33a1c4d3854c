import t from 'tap'
import { mock } from 'node:test'
import { raceApp } from '../support/race-app.js'

mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
const open = (t: { teardown (fn: () => Promise<void>): void }, settings = {}) => {
  const app = raceApp(null, settings)
  t.teardown(async () => await app.close())
  return app
}

t.test('of two parallel responses the browser keeps the session of the last one, whole (documented)', async (t) => {
  const { send } = open(t)
  const { cookie } = await send('begin', null)
  const [first, second] = await Promise.all([send('writeA', cookie, 'a1'), send('writeB', cookie, 'b1')])
  t.match((await send('read', first.cookie)).data, { a: 'a1', b: 'b0' })
  t.match((await send('read', second.cookie)).data, { a: 'a0', b: 'b1' })
})

t.test('an old token stays valid after logout, until it expires (documented, K-20)', async (t) => {
  const { send } = open(t, { idleTimeout: 100 })
  const { cookie } = await send('begin', null)
  t.equal((await send('destroy', cookie)).cookie, '', 'the browser is told to forget it')
  t.match(await send('read', cookie), { isNew: false, data: { a: 'a0' } })
  mock.timers.tick(100_000)
  t.ok((await send('read', cookie)).isNew)
})

t.test('an old token stays valid after a rotation and still reads what it held (documented)', async (t) => {
  const { send } = open(t)
  const { cookie } = await send('begin', null)
  const fresh = (await send('login', cookie, 'ann')).cookie
  t.match((await send('read', fresh)).data, { userId: 'ann' })
  t.notOk((await send('read', cookie)).data.userId)
})

t.test('a token that was sent does not change with what a later request does to its session', async (t) => {
  const { send } = open(t)
  const { cookie } = await send('begin', null)
  for (const operation of ['pushList', 'writeA', 'deleteA', 'add', 'saveAThenB', 'touch'] as const) await send(operation, cookie)
  t.match((await send('read', cookie)).data, { a: 'a0', b: 'b0', list: ['l0'], count: 0 })
})

t.test('parallel first requests get a session each and share nothing (R-7)', async (t) => {
  const { send } = open(t)
  const answers = await Promise.all(Array.from({ length: 50 }, async (_, i) => await send('pushList', null, `v${i}`)))
  t.equal(new Set(answers.map(({ cookie }) => cookie)).size, 50)
  for (const [i, { cookie }] of answers.entries()) t.same((await send('read', cookie)).data.list, [`v${i}`])
})

t.test('an update builds upon what the cookie of its request holds', async (t) => {
  const { send } = open(t)
  let { cookie } = await send('begin', null)
  for (let i = 0; i < 5; i++) ({ cookie } = await send('add', cookie))
  t.equal((await send('read', cookie)).data.count, 5)
})
