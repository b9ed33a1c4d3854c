import fc from 'fast-check'
import { createHmac } from 'node:crypto'
import t, { type Test } from 'tap'
import { keyrings } from '../support/tokens.js'
import { parseSecrets } from '../../lib/tokens/secrets.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppOptions, buildApp, COOKIE, eachBackend, SECRET, sessionOf } from '../support/app.js'
import { FaultyStore } from '../support/faulty-store.js'
import { watchProcess } from '../support/process-events.js'

async function scene (t: Test, options: AppOptions) {
  const store = new FaultyStore(memoryStore())
  const built = await buildApp(t, { ...(options.backend === 'memory' && { store }), ...options })
  const { app } = built
  app.get('/me', async (request) => ({ user: sessionOf(request).userId ?? null }))
  app.get('/login', async (request) => { sessionOf(request).userId = 'u1' })
  app.get('/logout', async (request) => await sessionOf(request).destroy())
  const ask = async (cookie: string) => {
    const { statusCode, payload, headers } = await app.inject({ url: '/me', headers: { cookie } })
    return JSON.stringify([statusCode, payload, { ...headers, date: '' }])
  }
  return { ...built, calls: store.calls, ask }
}

const BINDING = { application: '', session: 'session', cookie: COOKIE }

t.test('R-42, R-41: no Cookie header makes an error, an answer of its own, or a store call', t => eachBackend(t, async (t, backend) => {
  const { uncaught } = watchProcess(t)
  const { client, ask, calls } = await scene(t, { backend })
  const anonymous = await ask('')
  await client.get('/login')
  const token = client.token as string
  t.not(await ask(`${COOKIE}=${token}`), anonymous)
  calls.length = 0
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'ABCabc019-_=;, "%\\.\t123{}[]') }),
    fc.base64String({ maxLength: 300 }),
    fc.tuple(fc.nat(token.length - 1), fc.constantFrom(...'ABYZabyz0189-_')).map(([at, character]) => token.slice(0, at) + character + token.slice(at + 1)).filter((other) => other !== token),
    fc.nat(token.length - 1).map((at) => token.slice(0, at)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => `1${token.slice(1, 7)}${Buffer.from(bytes).toString('base64url')}`)
  )
  await fc.assert(fc.asyncProperty(text, fc.constantFrom('', `${COOKIE}=`, `x=1; ${COOKIE}=`, `${COOKIE}=; `), async (value, start) => {
    const answer = await ask(start + value)
    if (answer !== anonymous) throw new Error(answer)
  }), { numRuns: 2_000 })
  t.strictSame(calls, [])
  t.strictSame(uncaught, [])
}))

t.test('S-11.2.5, K-29: whatever is wrong with a token, the answer is the same bytes', t => eachBackend(t, async (t, backend) => {
  const { client, ask, rejected } = await scene(t, { backend })
  await client.get('/login')
  const token = client.token as string
  const keyring = keyrings(parseSecrets(SECRET), BINDING)
  const elsewhere = keyrings(parseSecrets(SECRET), { ...BINDING, application: 'other' })
  const stranger = keyrings([Buffer.alloc(32, 9)], BINDING)
  const body = Buffer.from('{"userId":"u1"}'.padEnd(38))
  const anonymous = await ask('')
  const wrong = {
    'a bad tag': `${token.slice(0, -2)}AA`,
    'no base64url': `${token}=`,
    'an unknown key': stranger.sealed.write(body),
    'another application': elsewhere.sealed.write(body),
    'an authentic token with other contents': keyring.sealed.write(body),
    'a reference to nothing': keyring.reference.write(body),
    'an authentic token with nothing in it': keyring.sealed.write(Buffer.alloc(0)),
    'too long': 'A'.repeat(5_000),
    empty: ''
  }
  for (const [name, value] of Object.entries(wrong)) t.equal(await ask(`${COOKIE}=${value}`), anonymous, name)
  t.ok(new Set(rejected().map(({ reason }) => reason)).size > 1, 'only the events tell them apart')
}))

t.test('K-21, K-23, K-25, K-58: nothing that was not made for this cookie is ever accepted: no fallback, no other format, no chunks', t => eachBackend(t, async (t, backend) => {
  const { app, client, ask, calls } = await scene(t, { backend })
  const anonymous = await ask('')
  await client.get('/login')
  const token = client.token as string
  calls.length = 0
  const json = '{"userId":"u1","data":{"userId":"u1"}}'
  const base64 = (value: string) => Buffer.from(value).toString('base64url')
  const jwt = `${base64('{"alg":"none"}')}.${base64(json)}.`
  const signed = (value: string) => `${value}.${createHmac('sha256', SECRET).update(value).digest('base64url')}`
  const values = [json, encodeURIComponent(json), base64(json), jwt, jwt.replace('none', 'HS256'), signed(base64(json)), `s:${signed('u1')}`, `1${base64(json)}`, `Fe26.2**${base64(json)}`,
    `rO0AB${base64('java')}`, `gASV${base64('pickle')}`, 'BAh7BkkiC3VzZXJfaWQ', 'O:8:"stdClass":1:{s:6:"userId";s:2:"u1";}', `j:${json}`]
  for (const value of values) t.equal(await ask(`${COOKIE}=${value}`), anonymous, value.slice(0, 30))
  const half = token.length >> 1
  for (const chunks of [`${COOKIE}.0=${token.slice(0, half)}; ${COOKIE}.1=${token.slice(half)}`, `${COOKIE}=__chunked__2; ${COOKIE}.1=${token}`, `${COOKIE}=__chunked__999999`, `${COOKIE}0=${token}`]) {
    t.equal(await ask(chunks), anonymous, chunks.slice(0, 40))
  }
  const { headers } = await app.inject({ url: '/me', headers: { cookie: `other=${token}; session=${token}; sid=${token}; flash=${token}` } })
  t.equal(headers['set-cookie'], undefined)
  t.strictSame(calls, [], 'and none of it is looked up')
}))

t.test('K-59: thousands of cookies cost no more than reading them', t => eachBackend(t, async (t, backend) => {
  const { client, ask } = await scene(t, { backend })
  await client.get('/login')
  const started = process.cpuUsage()
  const many = `${'a=;'.repeat(5_000)}${COOKIE}=${client.token};${'b=;'.repeat(5_000)}`
  for (let i = 0; i < 50; i++) t.match(await ask(many), 'u1')
  const { user, system } = process.cpuUsage(started)
  t.ok((user + system) / 50 < 50_000, `${Math.round((user + system) / 50)} microseconds each`)
}))

t.test('S-7.4.1a, K-17: with a store a session that was ended is over for everybody who has its token', async t => {
  const { client, ask } = await scene(t, { backend: 'memory' })
  await client.get('/login')
  const cookie = `${COOKIE}=${client.token}`
  t.match(await ask(cookie), 'u1')
  const response = await client.get('/logout')
  t.match(response.headers['set-cookie'], /; Max-Age=0/)
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(cookie)))
  t.strictSame([...new Set(answers)], [await ask('')])
})

t.test('S-7.4.1b, K-17: without one it is over in the browser only, and the application is told so when it starts', async t => {
  const { client, ask, logs } = await scene(t, { backend: 'cookie' })
  await client.get('/login')
  const cookie = `${COOKIE}=${client.token}`
  await client.get('/logout')
  t.equal(client.jar.size, 0)
  t.match(await ask(cookie), 'u1', 'a copy is still good')
  t.match(logs.find(({ msg }) => /lives in the cookie/.test(String(msg)))?.['msg'], /a copy stays valid until it expires/)
  const stored = await scene(t, { backend: 'memory' })
  t.notOk(stored.logs.some(({ msg }) => /lives in the cookie/.test(String(msg))))
})

t.test('K-18: an empty session is kept as empty: logging out by taking everything away works', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await scene(t, { backend, rotateOn: [] })
  app.get('/clear', async (request) => { sessionOf(request).clear() })
  app.get('/delete', async (request) => { sessionOf(request).delete('userId') })
  app.get('/data', async (request) => sessionOf(request).data())
  for (const way of ['/clear', '/delete']) {
    await client.get('/login')
    t.match((await client.get('/data')).json(), { userId: 'u1' })
    await client.get(way)
    t.strictSame((await client.get('/data')).json(), { visits: 0, theme: 'light', cart: [] }, way)
  }
}))

t.test('K-60: merging loses nothing with deletes, nested edits, lists and more than two writers', async t => {
  const { app, client } = await scene(t, { backend: 'memory', rotateOn: [] })
  let waiting = 0
  let open = () => {}
  const all = new Promise<void>((resolve) => { open = resolve })
  const meet = async () => { if (++waiting === 4) open(); await all }
  app.get('/seed', async (request) => {
    Object.assign(sessionOf(request), { note: 'a', visits: 1, profile: { name: 'x', address: { city: 'y' } }, cart: [{ sku: 'tea', qty: 1 }], 'dotted.key': 1 })
  })
  app.get('/delete', async (request) => { const s = sessionOf(request); delete s.note; await meet() })
  app.get('/nested', async (request) => { const s = sessionOf(request); (s.profile as { address: { city: string } }).address.city = 'z'; await meet() })
  app.get('/push', async (request) => { const s = sessionOf(request); s.cart.push({ sku: 'milk', qty: 1 }); await meet() })
  app.get('/count', async (request) => { const s = sessionOf(request); s.visits++; await meet() })
  app.get('/data', async (request) => sessionOf(request).data())
  await client.get('/seed')
  await Promise.all(['/delete', '/nested', '/push', '/count'].map(async (url) => await client.get(url)))
  t.strictSame((await client.get('/data')).json(), {
    visits: 2, theme: 'light', profile: { name: 'x', address: { city: 'z' } }, cart: [{ sku: 'tea', qty: 1 }, { sku: 'milk', qty: 1 }], 'dotted.key': 1
  })
})
