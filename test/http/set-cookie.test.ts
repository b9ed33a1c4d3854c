import fc from 'fast-check'
import { mock } from 'node:test'
import t from 'tap'
import { type AppOptions, buildApp, COOKIE, eachBackend, setCookies } from '../support/app.js'
import type { CookieOptions } from '../../types/index.js'

const DAY = 86_400
const own = (headers: Record<string, unknown>, name = COOKIE) => setCookies(headers).filter((line) => line.startsWith(`${name}=`))
const maxAge = (headers: Record<string, unknown>) => /; Max-Age=(\d+)/.exec(own(headers)[0] ?? '')?.[1] ?? null

t.test('S-ck2: one cookie, whatever one handler does to its session', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/everything', async (request) => {
    const { session } = request
    session.userId = 'u1'
    await session.save()
    await session.rotate()
    session.cart.push({ sku: 'tea', qty: 1 })
    await session.save()
    await session.destroy()
    session.note = 'after'
    await session.save()
    session.note = 'at last'
  })
  app.get('/now', async (request) => request.session.data())
  for (const round of ['new', 'kept']) {
    const response = await client.get('/everything')
    t.equal(setCookies(response.headers).length, 1, round)
    t.match((await client.get('/now')).json(), { note: 'at last', cart: [] }, 'it is the last one')
    t.equal((await client.get('/now')).json().userId, undefined)
  }
}))

t.test('S-ck2: destroy() after save() leaves one removal', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/answer', async (request) => {
    request.session.note = 'x'
    await request.session.save()
    await request.session.destroy()
  })
  const response = await client.get('/answer')
  t.equal(setCookies(response.headers).length, 1)
  t.match(own(response.headers), [/^__Host-Http-session=; Max-Age=0;/])
}))

t.test('the cookies of others stay as they are, set before and after ours, through @fastify/cookie, as headers and raw', t => eachBackend(t, async (t, backend) => {
  for (const saved of [false, true]) {
    const { app, client } = await buildApp(t, { backend })
    app.get('/answer', async (request, reply) => {
      reply.setCookie('a', '1')
      reply.header('set-cookie', 'b=2')
      reply.raw.setHeader('set-cookie', ['c=3', 'd=4'])
      request.session.note = 'x'
      if (saved) await request.session.save()
      reply.setCookie('e', '5')
      reply.header('set-cookie', 'f=6')
    })
    app.addHook('onSend', async (_request, reply) => { reply.setCookie('g', '7') })
    const lines = setCookies((await client.get('/answer')).headers)
    const names = lines.map((line) => line.slice(0, line.indexOf('=')))
    // A raw header under one of Fastify's own is lost without any session as well.
    t.strictSame(names.filter((name) => name !== 'c' && name !== 'd').sort(), [COOKIE, 'a', 'b', 'e', 'f', 'g'], `${saved ? 'after' : 'without'} save()`)
    t.ok(client.token)
  }
}))

t.test('a cookie that is only on the raw response is kept next to ours', t => eachBackend(t, async (t, backend) => {
  for (const value of ['c=3', ['c=3', 'd=4']]) {
    for (const saved of [false, true]) {
      const { app, client } = await buildApp(t, { backend })
      app.get('/answer', async (request, reply) => {
        reply.raw.setHeader('set-cookie', value)
        request.session.note = 'x'
        if (saved) await request.session.save()
      })
      const { headers } = await client.get('/answer')
      t.strictSame(setCookies(headers).slice(0, -1), [value].flat())
      t.equal(own(headers).length, 1)
    }
  }
}))

t.test('K-49: raw.writeHead() with an object or a list of headers keeps ours and theirs', t => eachBackend(t, async (t, backend) => {
  for (const [form, head] of Object.entries({ object: { 'x-own': 'yes' }, list: ['x-own', 'yes'] })) {
    const { app, client } = await buildApp(t, { backend })
    app.get('/answer', async (request, reply) => {
      request.session.note = 'x'
      await request.session.save()
      reply.hijack()
      reply.raw.writeHead(200, head as string[])
      reply.raw.end()
    })
    const { headers } = await client.get('/answer')
    t.equal(own(headers).length, 1, form)
    t.match(headers, { 'x-own': 'yes', 'cache-control': 'no-store', vary: 'Cookie' })
  }
}))

t.test('a request that could be upgraded to HTTP/2 is an ordinary one: save() of a hijacked reply sets its cookie', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/answer', (request, reply) => {
    request.session.note = 'x'
    reply.hijack()
    request.session.save().then(() => reply.raw.end('saved'), (error) => reply.raw.end(error.code))
  })
  const { headers, payload } = await client.get('/answer', { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' })
  t.equal(payload, 'saved')
  t.equal(own(headers).length, 1)
}))

t.test("S-ck2: one cookie when another plugin's onSend throws, and when it throws after save()", t => eachBackend(t, async (t, backend) => {
  for (const statusCode of [403, 500]) {
    const { app, client } = await buildApp(t, { backend })
    app.addHook('onSend', async (_request, reply) => {
      if (reply.statusCode === 200) throw Object.assign(new Error('x'), { statusCode })
    })
    app.get('/answer', async (request) => {
      request.session.note = 'x'
      await request.session.save()
      request.session.visits = 2
    })
    const response = await client.get('/answer')
    t.equal(response.statusCode, statusCode)
    t.equal(setCookies(response.headers).length, 1)
  }
}))

t.test('a cookie that save() has put on the response is taken back when the session ends elsewhere meanwhile', async t => {
  const { app, client, newClient, rejected } = await buildApp(t, { backend: 'memory' })
  const other = newClient()
  app.get('/end', async (request) => { await request.session.destroy() })
  app.get('/answer', async (request, reply) => {
    reply.raw.setHeader('set-cookie', 'a=1')
    request.session.note = 'x'
    await request.session.save()
    other.take(setCookies(reply.raw.getHeaders()))
    await other.get('/end')
    request.session.note = 'y'
  })
  const { headers } = await client.get('/answer')
  t.strictSame(setCookies(headers), ['a=1'])
  t.strictSame(rejected().map(({ reason }) => reason).slice(0, 1), ['ended-elsewhere'])
})

const ATTRIBUTES: [CookieOptions, string, string][] = [
  [{}, COOKIE, '; Path=/; HttpOnly; Secure; SameSite=Lax'],
  [{ sameSite: 'strict' }, COOKIE, '; Path=/; HttpOnly; Secure; SameSite=Strict'],
  [{ sameSite: 'none' }, COOKIE, '; Path=/; HttpOnly; Secure; SameSite=None'],
  [{ partitioned: true }, COOKIE, '; Path=/; HttpOnly; Secure; Partitioned; SameSite=Lax'],
  [{ partitioned: true, sameSite: 'none' }, COOKIE, '; Path=/; HttpOnly; Secure; Partitioned; SameSite=None'],
  [{ priority: 'low' }, COOKIE, '; Path=/; HttpOnly; Secure; Priority=Low; SameSite=Lax'],
  [{ priority: 'medium' }, COOKIE, '; Path=/; HttpOnly; Secure; Priority=Medium; SameSite=Lax'],
  [{ priority: 'high', sameSite: 'strict' }, COOKIE, '; Path=/; HttpOnly; Secure; Priority=High; SameSite=Strict'],
  [{ domain: 'example.com' }, '__Http-session', '; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax'],
  [{ domain: '.example.com', sameSite: 'none', partitioned: true }, '__Http-session', '; Domain=.example.com; Path=/; HttpOnly; Secure; Partitioned; SameSite=None'],
  [{ path: '/shop' }, '__Http-session', '; Path=/shop; HttpOnly; Secure; SameSite=Lax'],
  [{ path: '/shop', domain: 'example.com', sameSite: 'strict' }, '__Http-session', '; Domain=example.com; Path=/shop; HttpOnly; Secure; SameSite=Strict'],
  [{ secure: false }, 'session', '; Path=/; HttpOnly; SameSite=Lax'],
  [{ secure: false, path: '/shop', sameSite: 'strict' }, 'session', '; Path=/shop; HttpOnly; SameSite=Strict'],
  [{ secure: false, domain: 'example.com', priority: 'high' }, 'session', '; Domain=example.com; Path=/; HttpOnly; Priority=High; SameSite=Lax'],
  [{ name: '__Secure-sid', domain: 'example.com', path: '/a', sameSite: 'none', partitioned: true, priority: 'low' }, '__Secure-sid', '; Domain=example.com; Path=/a; HttpOnly; Secure; Partitioned; Priority=Low; SameSite=None']
]

t.test('K-55: a cookie is removed with exactly the attributes it was set with', t => eachBackend(t, async (t, backend) => {
  t.equal(ATTRIBUTES.length, 16)
  for (const [cookie, name, attributes] of ATTRIBUTES) {
    const { app, newClient } = await buildApp(t, { backend, cookie })
    const client = newClient(name)
    app.get('/in', async (request) => { request.session.userId = 'u1' })
    app.get('/out', async (request) => { await request.session.destroy() })
    const set = setCookies((await client.get('/in')).headers)
    t.match(set, [new RegExp(`^${name}=[A-Za-z0-9_-]+; `)])
    t.equal(set[0]?.slice(set[0].indexOf(';')), attributes)
    const removed = setCookies((await client.get('/out')).headers)
    t.equal(removed.at(-1), `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${attributes}`)
    t.equal(removed.length === 1, name.startsWith('__Host-'), 'under another name it is also removed where it may have lain before')
    t.equal(client.token, undefined)
  }
}))

async function withNote (t: Parameters<typeof buildApp>[0], options: AppOptions) {
  const built = await buildApp(t, options)
  built.app.get('/write', async (request) => { request.session.visits++ })
  built.app.get('/persist', async (request) => request.session.persist())
  built.app.get('/transient', async (request) => request.session.persist(false))
  return built
}

t.test('P4.21: the cookie ends with the browser unless something else is said', t => eachBackend(t, async (t, backend) => {
  const { client } = await withNote(t, { backend })
  t.notMatch(own((await client.get('/write')).headers)[0], /Max-Age|Expires/)
}))

t.test('P4.22: a persistent cookie has as Max-Age what is left of the absolute timeout, in whole seconds', t => eachBackend(t, async (t, backend) => {
  const rows: [AppOptions['cookie'], Partial<AppOptions>, string | null][] = [
    [{ persistent: true }, {}, String(30 * DAY)],
    [{ persistent: true }, { absoluteTimeout: 90.5, idleTimeout: 60 }, '91'],
    [{ persistent: false }, {}, null]
  ]
  for (const [cookie, options, expected] of rows) {
    const { client } = await withNote(t, { backend, cookie: cookie as CookieOptions, ...options })
    t.equal(maxAge((await client.get('/write')).headers), expected, JSON.stringify({ ...cookie, ...options }))
  }
}))

t.test('P4.23: "remember me" is said once and kept with the session; false takes it back', t => eachBackend(t, async (t, backend) => {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0) })
  t.teardown(() => mock.timers.reset())
  const { client } = await withNote(t, { backend })
  await client.get('/write')
  t.equal(maxAge((await client.get('/persist')).headers), String(30 * DAY))
  mock.timers.setTime(Date.now() + 0.5 * DAY * 1000)
  t.equal(maxAge((await client.get('/write')).headers), String(29.5 * DAY), 'without being said again')
  const back = (await client.get('/transient')).headers
  t.equal(own(back).length, 1)
  t.equal(maxAge(back), null)
  mock.timers.setTime(Date.now() + 0.5 * DAY * 1000)
  t.equal(maxAge((await client.get('/write')).headers), null)
}))

t.test('persist() under a timeout of fractions is in whole seconds', t => eachBackend(t, async (t, backend) => {
  const { client } = await withNote(t, { backend, absoluteTimeout: 90.5, idleTimeout: 60 })
  await client.get('/write')
  t.equal(maxAge((await client.get('/persist')).headers), '91')
}))

t.test('S-ck1, S-3.3.5: for any data, a cookie of at most 4096 bytes in a plain alphabet, or a refusal before the head', async t => {
  const { app, newClient } = await buildApp(t, { backend: 'cookie' })
  app.post('/write', async (request) => { request.session.note = (request.body as { note: string }).note })
  app.get('/read', async (request) => request.session.note)
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 4200, size: 'max' }), async (note) => {
    const client = newClient()
    const response = await client.post('/write', { note })
    if (response.statusCode === 200) {
      const [line] = own(response.headers)
      if (line === undefined || line.indexOf(';') - 1 > 4096) throw new Error('too long')
      if (!/^[A-Za-z0-9_-]+$/.test(client.token as string)) throw new Error('alphabet')
      if ((await client.get('/read')).payload !== note) throw new Error('changed')
    } else {
      if (response.json().code !== 'FST_TYPED_SESSION_TOO_LARGE') throw new Error(response.payload)
      if (setCookies(response.headers).length > 0) throw new Error('a cookie of what was refused')
    }
  }), { numRuns: 150 })
})

t.test('S-3.3.5: 4096 bytes of name and value fit, one more does not', async t => {
  const sizes = new Set<number>()
  for (const extra of [0, 1, 2]) {
    const name = `__Host-${'x'.repeat(100 + extra)}`
    const { app, newClient } = await buildApp(t, { backend: 'cookie', cookie: { name } })
    app.post('/write', async (request) => { request.session.note = (request.body as { note: string }).note })
    for (let length = 2700; length < 2900; length++) {
      const client = newClient(name)
      const response = await client.post('/write', { note: 'x'.repeat(length) })
      const [line] = own(response.headers, name)
      if (line !== undefined) {
        sizes.add(line.indexOf(';') - 1)
        continue
      }
      const [, size] = /would have (\d+) bytes/.exec(response.json().message) ?? []
      t.ok(Number(size) > 4096)
      sizes.add(Number(size))
      break
    }
  }
  t.ok(sizes.has(4096), 'the biggest cookie that was sent')
  t.ok(sizes.has(4097), 'the smallest that was refused')
  t.equal([...sizes].filter((size) => size > 4096).every((size) => size < 4102), true)
})

t.test('S-3.3.5: the refusal names the biggest keys, not what they hold, and the session stays as it was', async t => {
  const { app, client, rejected } = await buildApp(t, { backend: 'cookie' })
  app.get('/small', async (request) => { request.session.visits = 1 })
  app.get('/big', async (request) => {
    request.session.note = 'n'.repeat(3000)
    request.session.cart = Array.from({ length: 100 }, () => ({ sku: 'tea', qty: 1 }))
    request.session.profile = { name: 'p'.repeat(500) }
  })
  app.get('/save', async (request) => {
    request.session.note = 'n'.repeat(5000)
    const outcome = await request.session.save().catch((error) => error.code)
    delete request.session.note
    return outcome
  })
  app.get('/now', async (request) => request.session.data())
  await client.get('/small')
  const response = await client.get('/big')
  t.equal(response.statusCode, 500)
  t.match(response.json(), { code: 'FST_TYPED_SESSION_TOO_LARGE', message: /Biggest keys: note \(3002\), cart \(2201\), profile \(511\)\. Store less, or use a store$/ })
  t.notMatch(response.payload, /nnnn|pppp|tea/)
  t.strictSame(setCookies(response.headers), [])
  t.match((await client.get('/now')).json(), { visits: 1, cart: [] })
  t.equal((await client.get('/save')).payload, 'FST_TYPED_SESSION_TOO_LARGE', 'save() in the handler says so too')
  t.strictSame(rejected().filter(({ reason }) => reason === 'changed-too-late'), [], 'an error is no late change')
})

t.test('S-3.3.4: the token is nowhere in a response but in Set-Cookie', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/write', async (request, reply) => {
    request.session.userId = 'u1'
    await request.session.save()
    return { session: request.session, id: request.session.id, headers: Object.keys(reply.getHeaders()) }
  })
  const { headers, payload } = await client.get('/write')
  const { 'set-cookie': line, ...rest } = headers
  const token = client.token as string
  t.ok(String(line).includes(token))
  for (let at = 0; at + 12 <= token.length; at += 4) t.notOk((JSON.stringify(rest) + payload).includes(token.slice(at, at + 12)))
}))
