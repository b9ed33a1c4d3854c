import { mock } from 'node:test'
import type { SessionStore } from 'fastify-typed-session'
import { memoryStore } from 'fastify-typed-session/stores/memory'
import t from 'tap'
import { openShop, visit } from '../support/shop-visitor.js'

t.test('An administrator who signed in a while ago confirms her password before she ends sessions (S-7.5.1)', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => mock.timers.reset())
  const { get, post, cookie } = visit(await openShop(t))
  await post('/login', { name: 'grace', password: 'hopper' })
  mock.timers.tick(299_000)
  t.match(await post('/admin/end', { name: 'ada' }), { status: 303, to: '/admin' })
  mock.timers.tick(2_000)
  for (const url of ['/admin/end', '/admin/end-everything']) t.match(await post(url, { name: 'ada' }), { status: 303, to: '/admin/confirm' }, url)
  t.match(await get('/admin'), { status: 200 }, 'looking needs no confirmation')

  t.match(await post('/admin/confirm', { password: 'lovelace' }), { status: 303, to: '/admin/confirm' })
  t.match((await get('/admin/confirm')).text, /That is not your password/)
  t.match(await post('/admin/end', { name: 'ada' }), { to: '/admin/confirm' }, 'a wrong one confirms nothing')
  const before = cookie()
  t.match(await post('/admin/confirm', { password: 'hopper' }), { status: 303, to: '/admin' })
  t.not(cookie(), before, 'the id changes')
  t.match(await post('/admin/end', { name: 'grace' }), { status: 303, to: '/admin' })
  t.match(await get('/account'), { status: 303, to: '/login' }, 'she has ended her own')
})

t.test('Who is no administrator ends nothing', async (t) => {
  const { get, post } = visit(await openShop(t))
  const attempts = () => Promise.all([get('/admin'), get('/admin/confirm'), post('/admin/end', { name: 'ada' }), post('/admin/end-everything'), post('/admin/confirm', { password: 'lovelace' })])
  for (const answer of await attempts()) t.match(answer, { status: 303, to: '/login' })
  await post('/login', { name: 'ada', password: 'lovelace' })
  for (const answer of await attempts()) t.match(answer, { status: 403, text: /This page is for administrators/ })
  t.match(await get('/account'), { status: 200 })

  await post('/login', { name: 'grace', password: 'hopper' })
  t.match(await get('/admin'), { status: 200 })
  await post('/login', { name: 'ada', password: 'lovelace' })
  t.match(await get('/admin'), { status: 403 }, 'being one ends when somebody else signs in')
})

t.test('A device of somebody else is not signed out, whatever the form says', async (t) => {
  const app = await openShop(t)
  const [grace, ada] = [visit(app), visit(app)]
  await grace.post('/login', { name: 'grace', password: 'hopper' })
  const id = /id="session-id">([^<]+)</.exec((await grace.get('/cart')).text)?.[1] as string
  await ada.post('/login', { name: 'ada', password: 'lovelace' })
  await ada.post('/account/end', { id })
  t.match((await ada.get('/account')).text, /signed out already/)
  t.match(await ada.post('/account/end'), { status: 400 }, 'a form without one is refused')
  t.match(await grace.get('/account'), { status: 200 })
})

t.test('Forms of another origin are refused', async (t) => {
  const { get, post } = visit(await openShop(t))
  await post('/login', { name: 'ada', password: 'lovelace' })
  for (const origin of ['http://shop.example:81', 'https://blog.shop.example', 'null']) t.match(await post('/logout', {}, { origin }), { status: 403 }, origin)
  t.match(await get('/account'), { status: 200 })
  t.match(await post('/logout', {}, { origin: 'http://shop.example' }), { status: 303 })
})

t.test('Over a store that cannot find sessions by user the shop says so, and everybody\'s can be ended all the same', async (t) => {
  const memory = memoryStore()
  const store: SessionStore = {
    create: (...args) => memory.create(...args),
    load: (id) => memory.load(id),
    replace: (...args) => memory.replace(...args),
    touch: (...args) => memory.touch(...args),
    delete: (id) => memory.delete(id)
  }
  const { get, post } = visit(await openShop(t, store, store))
  await post('/login', { name: 'grace', password: 'hopper' })
  for (const url of ['/account', '/admin']) t.match(await get(url), { status: 501, text: /cannot find the sessions of a user/ }, url)
  t.match(await post('/admin/end-everything'), { status: 303, to: '/login' })
  t.match(await get('/account'), { to: '/login' })
})
