import t from 'tap'
import { keyrings } from '../support/tokens.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { AppOptions } from '../support/app.js'
import { buildApp, COOKIE, eachBackend, SECRET, setCookies } from '../support/app.js'
import { FaultyStore } from '../support/faulty-store.js'

const keyring = (binding: object = {}, secret = SECRET) =>
  keyrings([Buffer.from(secret, 'base64url')], { application: '', session: 'session', cookie: COOKIE, ...binding })

const issued = (raw: Buffer) => {
  const body = Buffer.alloc(38)
  raw.copy(body)
  body.writeUIntBE(Date.now(), 32, 6)
  return body
}

async function spiedApp (t: Parameters<typeof buildApp>[0], options: Partial<AppOptions> = {}) {
  const memory = memoryStore()
  const store = new FaultyStore(memory)
  const scene = await buildApp(t, { backend: 'memory', store, ...options })
  const { app } = scene
  app.get('/read', async ({ session }) => ({ visits: session.visits, isNew: session.isNew }))
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/destroy', async ({ session }) => await session.destroy())
  return { ...scene, store, memory }
}

const bytesOf = (token: string) => Buffer.from(token.slice(7), 'base64url')

t.test('S-7.2.3: an id has 32 bytes of its own, in every token another one', async t => {
  const { newClient } = await spiedApp(t)
  const ids = new Set<string>()
  for (let index = 0; index < 500; index++) {
    const client = newClient()
    await client.get('/write')
    const raw = bytesOf(client.token as string).subarray(0, 32)
    t.equal(raw.length, 32)
    ids.add(raw.toString('hex'))
  }
  t.equal(ids.size, 500)
})

t.test('S-7.2.2: the same data, sealed twice, are two tokens', async t => {
  const { app, newClient } = await buildApp(t, { backend: 'cookie' })
  app.get('/write', async ({ session }) => { session.visits++ })
  const tokens = new Set<string>()
  for (let index = 0; index < 200; index++) {
    const client = newClient()
    await client.get('/write')
    tokens.add(client.token as string)
  }
  t.equal(tokens.size, 200)
})

t.test('S-cs2, K-3, K-4: an id that nobody was given is looked up, told of, and never adopted', async t => {
  const { client, store, memory, rejected } = await spiedApp(t)
  const wanted = Buffer.alloc(32, 7)
  const token = keyring().reference.write(issued(wanted))
  client.jar.set(COOKIE, token)
  const response = await client.get('/read')
  t.strictSame(response.json(), { visits: 0, isNew: true })
  t.strictSame(setCookies(response.headers), [])
  t.strictSame(store.calls, ['load'])
  t.strictSame(rejected().map(({ reason }) => reason), ['unknown'])
  t.equal(memory.size, 0)
  await client.get('/write')
  t.not(client.token, token)
  t.notOk(bytesOf(client.token as string).subarray(0, 32).equals(wanted), 'the new session has an id of ours')
  const [askedFor] = store.arguments[0] as [string]
  t.equal(await memory.load(askedFor), null)
  t.equal(memory.size, 1)
})

t.test('K-3: an id stays unknown after a login, a rotation or an end of the session that its bearer has', async t => {
  for (const url of ['/rotate', '/destroy']) {
    const { client, newClient, store } = await spiedApp(t)
    await client.get('/write')
    const old = client.token as string
    await client.get(url)
    const other = newClient()
    other.jar.set(COOKIE, old)
    t.strictSame((await other.get('/read')).json(), { visits: 0, isNew: true })
    const before = store.calls.filter((call) => call === 'create').length
    const written = await other.get('/write')
    t.equal(written.statusCode, url === '/rotate' ? 409 : 200, 'while the session moves nobody opens another one over it')
    t.equal(store.calls.filter((call) => call === 'create').length - before, url === '/rotate' ? 0 : 1)
    if (url === '/destroy') t.not(other.token, old, 'under an id of its own')
  }
})

const WEIRD = [
  '', 'null', 'undefined', '0', '1', 'NaN', 'true', '[]', '{}', '[object Object]', '""', '%00', '..', '../../etc/passwd', '%2e%2e%2f', 'a/../../b',
  'A'.repeat(43), 'A'.repeat(79), `3${'A'.repeat(78)}`, 'x'.repeat(5_000), '\'; DROP TABLE sessions; --', 'j:{"$gt":""}', 's:id.signature',
  'get a\u00a0b', 'flush_all', '*', '__proto__', 'constructor', '=', '==', '"quoted"', '00000000-0000-0000-0000-000000000000', '-1', '1e999', '\u00ff\u00fe'
]

for (const value of WEIRD) {
  t.test(`K-16: ${JSON.stringify(value.slice(0, 44))} in the cookie is no session, and no store call`, async t => {
    await eachBackend(t, async (t, backend) => {
      const spied = await spiedApp(t, backend === 'memory' ? {} : { backend, store: undefined as never })
      const { client, newClient, store } = spied
      const plain = await newClient().get('/read')
      const response = await newClient().get('/read', { cookie: `${COOKIE}=${value}` })
      t.equal(response.statusCode, 200)
      t.strictSame(response.json(), plain.json())
      t.strictSame(Object.keys(response.headers).sort(), Object.keys(plain.headers).sort(), 'as without a cookie (I1)')
      t.strictSame(store.calls, [])
      const written = await client.get('/write', { cookie: `${COOKIE}=${value}` })
      t.equal(written.statusCode, 200)
      t.notOk(setCookies(written.headers)[0]!.startsWith(`${COOKIE}=${value};`))
    })
  })
}

t.test('K-57, P4.1, S-7.6.2: a thousand visits of bots leave no record and no cookie', async t => {
  const { app, newClient, store, memory } = await spiedApp(t)
  app.get('/assign', async ({ session }) => { session.visits = 0; session.theme = 'light'; session.cart = [] })
  app.get('/none', async () => 'ok')
  const bot = newClient()
  for (let index = 0; index < 1_000; index++) {
    const response = await bot.get(['/read', '/none', '/assign', '/nowhere', '/rotate', '/destroy'][index % 6] as string)
    if (setCookies(response.headers).length > 0) t.fail(`${index}`)
  }
  t.strictSame(store.calls, [])
  t.equal(memory.size, 0)
})

t.test('I8, K-31, K-53: the store sees neither the id nor the token, only a hash of fixed form', async t => {
  const { client, store } = await spiedApp(t)
  const secrets = new Set<string>()
  for (const url of ['/write', '/read', '/write', '/rotate', '/write', '/destroy', '/write']) {
    await client.get(url)
    if (client.token === undefined) continue
    const raw = bytesOf(client.token).subarray(0, 32)
    for (const text of [client.token, raw.toString('hex'), raw.toString('base64url'), raw.toString('base64'), raw.toString('latin1')]) secrets.add(text)
  }
  t.ok(store.arguments.length > 8)
  const seen = JSON.stringify(store.arguments)
  for (const secret of secrets) t.notOk(seen.includes(secret))
  for (const [id] of store.arguments) t.match(id, /^[0-9a-f]{8}:[0-9a-f]{64}$/)
})

t.test('the public id is neither the id nor what the store knows it by, and cannot be used as a cookie', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client, newClient } = await buildApp(t, { backend })
    app.get('/write', async ({ session }) => { session.visits++; return session.id })
    app.get('/read', async ({ session }) => String(session.visits))
    const id = (await client.get('/write')).body
    t.match(id, /^[\w-]{22}$/)
    t.notMatch(client.token, id)
    t.equal((await newClient().get('/read', { cookie: `${COOKIE}=${id}` })).body, '0')
  })
})

t.test('K-24, K-42: sessions of several names, cookies and applications share a store and secrets, and never meet', async t => {
  const memory = memoryStore()
  const variants: ReadonlyArray<Partial<AppOptions>> = [
    {}, { application: 'shop' }, { application: 'admin' }, { cookie: { name: '__Host-other' } }, { name: 'session' as never, application: 'session' }
  ]
  const apps = await Promise.all(variants.map(async (options) => {
    const store = new FaultyStore(memory)
    return { ...await spiedApp(t, { ...options, store }), store, cookie: options.cookie?.name ?? COOKIE }
  }))
  const tokens: string[] = []
  for (const { newClient, cookie } of apps) {
    const client = newClient(cookie)
    await client.get('/write')
    tokens.push(client.token as string)
  }
  for (const [own, { newClient, cookie, store }] of apps.entries()) {
    for (const [other, token] of tokens.entries()) {
      const before = store.calls.length
      const { visits } = (await newClient(cookie).get('/read', { cookie: `${cookie}=${token}` })).json()
      t.equal(visits, own === other ? 1 : 0, `${own} reads ${other}`)
      t.equal(store.calls.length - before, own === other ? 1 : 0, 'a foreign token does not reach the store')
    }
  }
  const namespaces = apps.map(({ store }) => String(store.arguments[0]?.[0]).split(':')[0])
  t.equal(new Set(namespaces).size, variants.length)
})

t.test('S-cs1: an id anywhere but in the cookie is nothing', async t => {
  const { app, client, newClient } = await spiedApp(t)
  app.post('/read', async ({ session }) => ({ visits: session.visits, isNew: session.isNew }))
  await client.get('/write')
  const token = client.token as string
  const stranger = newClient()
  for (const request of [
    { method: 'GET', url: `/read?${COOKIE}=${token}&session=${token}&sid=${token}` },
    { method: 'GET', url: '/read', headers: { 'x-session-id': token, authorization: `Bearer ${token}`, [COOKIE]: token, cookie2: `${COOKIE}=${token}` } },
    { method: 'POST', url: '/read', payload: { [COOKIE]: token, session: token } },
    { method: 'GET', url: '/read', headers: { cookie: `${COOKIE.toLowerCase()}=${token}` } },
    { method: 'GET', url: '/read', headers: { cookie: `${COOKIE}%3d${token}; %5f%5fHost-Http-session=${token}` } }
  ] as const) t.strictSame((await stranger.send(request)).json(), { visits: 0, isNew: true })
})
