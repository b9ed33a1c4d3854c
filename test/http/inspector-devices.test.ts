import t, { type Test } from 'tap'
import inspector from '../../lib/inspector.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { BackendName, Client } from '../support/app.js'
import { deviceApp, GRACE, signedIn } from '../support/device-app.js'
import { stopClock } from '../support/http-scene.js'
import { setEnvironment } from '../support/environment.js'
import { inspectorApp, seen } from '../support/inspector-app.js'

const OWN = { 'sec-fetch-site': 'same-origin' }
const BACKENDS: readonly BackendName[] = ['revocable', 'memory']

async function scene (t: Test, backend: BackendName, options: object = {}) {
  const built = await inspectorApp(t, { backend, subject: 'userId', describe: ({ headers }) => ({ browser: headers['user-agent'] ?? '' }), ...options })
  const { app, newClient, client } = built
  app.get('/login/:name', async ({ session, params }) => { session.userId = (params as { name: string }).name })
  const device = async (name: string, agent: string) => {
    const client = newClient()
    await client.get(`/login/${name}`, { 'user-agent': agent })
    return client
  }
  const end = (by: Client, id: string, headers: Record<string, string> = OWN, name = 'session') =>
    by.send({ method: 'POST', url: `/.session/end/${name}/${id}`, headers })
  return { ...built, client, device, end, idOf: async (client: Client) => (await client.get('/id')).body }
}

for (const backend of BACKENDS) {
  t.test(`a person sees all devices of hers, and ends one: ${backend}`, async t => {
    const { device, end, idOf } = await scene(t, backend)
    const [laptop, phone, stranger] = [await device('ada', 'Laptop'), await device('ada', 'Phone'), await device('grace', 'Tablet')]
    const list = async (client: Client) => (await seen(client)).session?.devices?.some?.map(({ about }) => about)
    t.match((await seen(laptop)).session?.devices, { total: 2 })
    t.strictSame(new Set((await list(laptop))?.map((about) => JSON.stringify(about))), new Set(['{"browser":"Laptop"}', '{"browser":"Phone"}']))
    t.strictSame(await list(stranger), [{ browser: 'Tablet' }])

    const id = await idOf(phone)
    t.strictSame((await end(laptop, id)).json(), { ended: true })
    t.strictSame(await list(laptop), [{ browser: 'Laptop' }])
    t.match(await seen(phone), { reason: 'unknown', session: null })
    t.strictSame((await end(laptop, id)).json(), { ended: false }, 'there is none any more')
    t.strictSame((await end(laptop, await idOf(stranger))).json(), { ended: false }, 'another person\'s is not ended')
    t.match((await seen(stranger)).session, { devices: { total: 1 } })
    t.strictSame((await end(laptop, await idOf(laptop))).json(), { ended: true }, 'her own, too')
    t.equal((await seen(laptop)).session, null)
  })
}

t.test('a button that was not pressed on the page does nothing', async t => {
  const { device, end, idOf } = await scene(t, 'memory')
  const [laptop, phone] = [await device('ada', 'Laptop'), await device('ada', 'Phone')]
  const id = await idOf(phone)
  for (const site of [undefined, 'none', 'same-site', 'cross-site', 'Same-Origin', '']) {
    const { statusCode, json } = await end(laptop, id, site === undefined ? {} : { 'sec-fetch-site': site })
    t.equal(statusCode, 403, String(site))
    t.match(json(), { code: 'FST_TYPED_SESSION_FORBIDDEN' })
  }
  t.equal((await laptop.get(`/.session/end/session/${id}`, OWN)).statusCode, 404)
  t.ok((await seen(phone)).session)
})

t.test('nobody ends anything without a session, in one that is nobody\'s, or in one that there is not', async t => {
  const { client, device, end, idOf } = await scene(t, 'memory')
  const phone = await device('ada', 'Phone')
  const id = await idOf(phone)
  t.strictSame((await end(client, id)).json(), { ended: false })
  await client.get('/write')
  t.strictSame((await end(client, id)).json(), { ended: false })
  for (const name of ['adminSession', '__proto__', 'constructor']) t.strictSame((await end(phone, id, OWN, name)).json(), { ended: false }, name)
  t.match((await seen(client)).session, { devices: null })
  t.ok((await seen(phone)).session)
})

t.test('where nothing is kept on the server, the page says that it cannot list', async t => {
  const { client, app } = await inspectorApp(t, { backend: 'cookie', subject: 'userId' })
  await client.get('/login')
  t.match((await seen(client)).session?.devices, { total: 0, some: null })
  const { statusCode } = await client.send({ method: 'POST', url: '/.session/end/session/x', headers: OWN })
  t.equal(statusCode, 500)
  await app.close()
})

t.test('of a great many devices it shows fifty, and says how many there are', async t => {
  const { device, newClient } = await scene(t, 'memory', { store: memoryStore() })
  for (let i = 0; i < 60; i++) await device('ada', `Device ${i}`)
  const last = newClient()
  await last.get('/login/ada')
  const { devices } = (await seen(last)).session as NonNullable<Awaited<ReturnType<typeof seen>>['session']>
  t.equal(devices?.total, 61)
  t.equal(devices?.some?.length, 50)
})

for (const backend of BACKENDS) {
  t.test(`a session that is bound to a device is shown to that device, and to nobody with a copy of its cookie: ${backend}`, async t => {
    const tick = stopClock(t)
    setEnvironment(t, 'test')
    const scene = await deviceApp(t, { backend })
    await scene.app.register(inspector)
    const browser = await signedIn(scene)
    const get = async (by: typeof browser) => await seen({ get: async (url) => await by.bare({ url }) })
    const { session, policy } = await get(browser)
    t.match(session, { data: { userId: 'ann' }, device: { algorithm: 'ES256' } })
    t.match(policy, { deviceBound: true })
    tick(GRACE + 1)
    const thief = scene.thief(browser, ['__Host-Http-session'])
    t.match(await get(thief), { reason: 'unbound', session: null })
    t.strictSame((await get(thief)).events, [])
    t.equal(await scene.user(thief), null)
    t.match(await get(thief), { reason: 'unbound', session: null, events: [{ what: 'rejected', why: 'unbound' }] })
    t.match((await get(browser)).session, { data: { userId: 'ann' } })
  })
}
