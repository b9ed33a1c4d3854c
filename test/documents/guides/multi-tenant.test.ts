import type { FastifyInstance } from 'fastify'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { type MemoryStore, memoryStore } from '../../../lib/stores/memory.js'
import { Client, COOKIE, setCookies } from '../../support/app.js'
import { runGuide } from '../../support/guide.js'

const TENANTS = ['tea.example', 'coffee.example'] as const
const ADMIN_COOKIE = '__Host-Http-adminSession'
const START = 1_800_000_000_000
type Tenant = typeof TENANTS[number]
type Who = 'customer' | 'admin'

process.env.ADMIN_SECRET = 'pZk3vW0y7sQ9rT2uXb5nMd8fHj1LgCaEoRiVxKqYt4w'

const open = async (t: Test) => {
  mock.timers.enable({ apis: ['Date'], now: START })
  t.teardown(() => mock.timers.reset())
  const { buildApp } = await runGuide<{ buildApp (tenants: readonly string[], store: MemoryStore): FastifyInstance }>(t, 'multi-tenant')
  const store = memoryStore()
  const seen: { id: string, subject: string | undefined }[] = []
  const create = store.create.bind(store)
  store.create = (id, payload, expiresAt, subject) => {
    seen.push({ id, subject })
    return create(id, payload, expiresAt, subject)
  }
  const app = buildApp(TENANTS, store)
  t.teardown(() => app.close())
  const browserAt = (host: string) => new Client(async (request) => await app.inject({ ...request, headers: { ...request.headers, host } }), COOKIE)
  const signIn = async (host: Tenant, who: Who) => {
    const client = browserAt(host)
    const answer = await client.post(who === 'admin' ? '/admin/login' : '/login', { name: 'ada', password: `ada of ${host}` })
    return { client, host, who, answer, token: client.jar.get(who === 'admin' ? ADMIN_COOKIE : COOKIE) ?? '' }
  }
  const everybody = async () => await Promise.all(TENANTS.flatMap((host) => (['customer', 'admin'] as const).map(async (who) => await signIn(host, who))))
  return { app, seen, browserAt, signIn, everybody }
}

t.test('each name has its cookie, with its attributes; somebody can be both', async (t) => {
  const { browserAt } = await open(t)
  const client = browserAt('tea.example')
  const ada = { name: 'ada', password: 'ada of tea.example' }
  t.match(setCookies((await client.post('/login', ada)).headers), [new RegExp(`^${COOKIE}=.*SameSite=Lax`)])
  t.match(setCookies((await client.post('/admin/login', ada)).headers), [new RegExp(`^${ADMIN_COOKIE}=.*SameSite=Strict`)])
  t.strictSame((await client.get('/')).json(), { tenant: 'tea.example', customer: 'ada', admin: 'ada' })
  await client.post('/logout')
  t.strictSame((await client.get('/')).json(), { tenant: 'tea.example', customer: null, admin: 'ada' })
})

t.test('a token is one at its own tenant, under its own name, and nothing anywhere else', async (t) => {
  const { app, everybody } = await open(t)
  const all = await everybody()
  t.equal(new Set(all.map(({ token }) => token)).size, 4)
  let accepted = 0
  for (const { token, host: home, who } of all) {
    for (const host of TENANTS) {
      for (const [name, key] of [[COOKIE, 'customer'], [ADMIN_COOKIE, 'admin']] as const) {
        const answer = await app.inject({ url: '/', headers: { host, cookie: `${name}=${token}` } })
        const expected = { tenant: host, customer: null, admin: null, ...(host === home && key === who && { [key]: 'ada' }) }
        t.strictSame(answer.json(), expected, `${who} of ${home} as ${name} at ${host}`)
        if (host === home && key === who) accepted++
      }
    }
  }
  t.equal(accepted, 4)
})

t.test('a password of one tenant is none of another, and no other host is served', async (t) => {
  const { app, browserAt } = await open(t)
  t.equal((await browserAt('tea.example').post('/login', { name: 'ada', password: 'ada of coffee.example' })).statusCode, 401)
  for (const host of ['example', 'tea.example.evil.example', 'localhost']) t.equal((await app.inject({ url: '/', headers: { host } })).statusCode, 404)
})

t.test('a list has the sessions of one name at one tenant', async (t) => {
  const { everybody, signIn } = await open(t)
  const all = [...await everybody(), await signIn('tea.example', 'customer')]
  const ids: string[] = []
  for (const { client, host, who } of all) {
    const listed = (await client.get(who === 'admin' ? '/admin/devices' : '/devices')).json() as { id: string }[]
    t.equal(listed.length, host === 'tea.example' && who === 'customer' ? 2 : 1, `${who} of ${host}`)
    ids.push(...listed.map(({ id }) => id))
    t.equal((await client.get(who === 'admin' ? '/devices' : '/admin/devices')).statusCode, 401, `${who} is not the other`)
  }
  t.equal(new Set(ids).size, 5)
})

t.test('ending one or all ends them at one tenant, for one name, and no other', async (t) => {
  const { everybody } = await open(t)
  const all = await everybody()
  const one = (host: Tenant, who: Who) => (all.find((session) => session.host === host && session.who === who) as typeof all[number]).client
  const state = async () => (await Promise.all(all.map(async ({ client, host, who }) => (await client.get('/')).json()[who] === null ? [] : [`${who} of ${host}`]))).flat()
  const [{ id }] = (await one('coffee.example', 'customer').get('/devices')).json() as [{ id: string }]
  const admin = one('tea.example', 'admin')
  const end = async (url: string) => await admin.send({ method: 'DELETE', url })
  t.equal((await end(`/admin/customers/ada/devices/${id}`)).statusCode, 404, "another tenant's session")
  const [{ id: mine }] = (await admin.get('/admin/devices')).json() as [{ id: string }]
  t.equal((await end(`/admin/customers/ada/devices/${mine}`)).statusCode, 404, 'a session of another name')
  t.equal((await state()).length, 4)
  t.strictSame((await end('/admin/customers/ada/devices')).json(), { ended: 1 })
  t.strictSame(await state(), ['admin of tea.example', 'customer of coffee.example', 'admin of coffee.example'])
  t.equal((await one('coffee.example', 'customer').send({ method: 'DELETE', url: '/admin/customers/ada/devices' })).statusCode, 401)
})

t.test('each name has its own timeouts', async (t) => {
  const { everybody } = await open(t)
  const all = await everybody()
  mock.timers.setTime(START + 3_600_001)
  for (const { client, who } of all) t.equal((await client.get('/')).json()[who], who === 'admin' ? null : 'ada')
  mock.timers.setTime(START + 14 * 86_400_000)
  for (const { client, who } of all) t.equal((await client.get('/')).json()[who], null)
})

t.test('the store sees four namespaces, four subjects, and no name of anybody', async (t) => {
  const { everybody, seen } = await open(t)
  await everybody()
  t.equal(new Set(seen.map(({ id }) => id.split(':')[0])).size, 4)
  t.equal(new Set(seen.map(({ subject }) => subject)).size, 4)
  for (const { id, subject } of seen) for (const text of [id, subject]) t.match(text, /^[0-9a-f]{8}:[0-9a-f]{64}$/)
})
