import type { FastifyReply } from 'fastify'
import { mock } from 'node:test'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { type AppOptions, type AppSession, type BackendName, buildApp, eachBackend, setCookies } from '../support/app.js'

const PUBLIC = 'public, max-age=600'

/** What a handler does to its session. `vary`, `set`: what is expected on the response, `set` in a store and in a cookie. */
interface Access { readonly run: (request: { readonly session: AppSession }) => unknown, readonly vary: boolean, readonly cookie: boolean, readonly store: boolean, readonly late?: boolean }

const ACCESS: Record<string, Access> = {
  untouched: { run: () => {}, vary: false, cookie: false, store: false },
  'the object alone': { run: ({ session }) => session, vary: true, cookie: false, store: false },
  in: { run: ({ session }) => 'note' in session, vary: true, cookie: false, store: false },
  'Object.keys()': { run: ({ session }) => Object.keys(session), vary: true, cookie: false, store: false },
  'has()': { run: ({ session }) => session.has('note'), vary: true, cookie: false, store: false },
  read: { run: ({ session }) => session.visits, vary: true, cookie: false, store: false },
  iterate: { run: ({ session }) => { for (const key in session) if (key === '') return key }, vary: true, cookie: false, store: false },
  'JSON.stringify()': { run: ({ session }) => JSON.stringify(session), vary: true, cookie: false, store: false },
  spread: { run: ({ session }) => ({ ...session }), vary: true, cookie: false, store: false },
  'the id': { run: ({ session }) => session.id, vary: true, cookie: false, store: false },
  'an equal value': { run: ({ session }) => { session.visits = 1 }, vary: true, cookie: false, store: false },
  write: { run: ({ session }) => { session.visits++ }, vary: true, cookie: true, store: false },
  'touch due': { run: ({ session }) => session.visits, vary: true, cookie: true, store: true, late: true },
  'touch()': { run: ({ session }) => session.touch(), vary: true, cookie: true, store: true },
  rotate: { run: ({ session }) => session.rotate(), vary: true, cookie: true, store: true },
  'a privilege': { run: ({ session }) => { session.userId = 'u1' }, vary: true, cookie: true, store: true },
  destroy: { run: ({ session }) => session.destroy(), vary: true, cookie: true, store: true }
}

const ANSWERS: Record<string, (reply: FastifyReply) => unknown> = {
  200: () => 'ok',
  304: (reply) => reply.code(304).send(),
  404: (reply) => reply.callNotFound(),
  500: () => { throw new Error('broken') },
  redirect: (reply) => reply.redirect('/'),
  stream: (reply) => reply.send(Readable.from(['a', 'b']))
}

/** After a 5xx a session stays as it was found, but for these. */
const SURVIVE_ERRORS = ['rotate', 'destroy']

async function scene (t: Test, options: AppOptions) {
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0) })
  t.teardown(() => mock.timers.reset())
  const built = await buildApp(t, options)
  built.app.get('/seed', async (request) => { request.session.visits = 1 })
  built.app.get('/now', async (request) => request.session.data())
  return { ...built, seed: async () => { await built.client.get('/seed') } }
}

for (const [name, access] of Object.entries(ACCESS)) {
  t.test(`K-50, K-51: ${name}: what the response says to caches`, t => eachBackend(t, async (t, backend) => {
    const { app, newClient } = await scene(t, { backend })
    for (const [kind, answer] of Object.entries(ANSWERS)) {
      app.get(`/${kind}`, async (request, reply) => {
        await access.run(request)
        return answer(reply)
      })
    }
    for (const kind of Object.keys(ANSWERS)) {
      const client = newClient()
      await client.get('/seed')
      if (access.late === true) mock.timers.setTime(Date.now() + 10_000_000)
      const { headers } = await client.get(`/${kind}`)
      const sets = access[backend === 'memory' ? 'store' : 'cookie'] && (kind !== '500' || SURVIVE_ERRORS.includes(name))
      t.strictSame({
        vary: headers.vary,
        cookies: setCookies(headers).length,
        control: headers['cache-control']
      }, {
        vary: access.vary ? 'Cookie' : undefined,
        cookies: sets ? 1 : 0,
        control: sets ? 'no-store' : undefined
      }, kind)
    }
  }))

  t.test(`K-51: ${name}, on a response that is public`, t => eachBackend(t, async (t, backend) => {
    const { app, client, logs, seed } = await scene(t, { backend })
    app.get('/answer', async (request, reply) => {
      reply.header('cache-control', PUBLIC)
      await access.run(request)
    })
    await seed()
    if (access.late === true) mock.timers.setTime(Date.now() + 10_000_000)
    const { headers } = await client.get('/answer')
    const sets = access[backend === 'memory' ? 'store' : 'cookie'] && !name.startsWith('touch')
    t.equal(setCookies(headers).length, sets ? 1 : 0)
    t.equal(headers['cache-control'], sets ? 'no-store' : PUBLIC, 'a touch is put off, a change overrides')
    t.equal(headers.vary, access.vary ? 'Cookie' : undefined)
    t.equal(logs.filter(({ level, msg }) => level === 40 && /no-store/.test(String(msg))).length, sets ? 1 : 0, 'and warns')
  }))
}

t.test('what counts as public', t => eachBackend(t, async (t, backend) => {
  const rows: [string | string[] | undefined, boolean][] = [
    ['public', true], ['Public', true], ['max-age=60, PUBLIC', true], ['s-maxage=60', true], ['max-age=60,s-maxage=60', true], [['max-age=60', 'public'], true],
    ['private', false], ['no-store', false], ['no-cache', false], ['max-age=60', false], ['publication', false], ['x-public', false], ['private="public-key"', false], [undefined, false]
  ]
  for (const [control, cacheable] of rows) {
    const { app, client, seed } = await scene(t, { backend })
    app.get('/answer', async (request, reply) => {
      if (control !== undefined) reply.header('cache-control', control)
      return request.session.visits
    })
    await seed()
    mock.timers.setTime(Date.now() + 10_000_000)
    t.equal(setCookies((await client.get('/answer')).headers).length, cacheable ? 0 : 1, String(control))
    mock.timers.reset()
  }
}))

const CDN_FIELDS = [
  'CDN-Cache-Control', 'Surrogate-Control', 'Cloudflare-CDN-Cache-Control', 'Vercel-CDN-Cache-Control', 'Netlify-CDN-Cache-Control', 'Edge-Control', 'X-LiteSpeed-Cache-Control'
]

t.test('K-51: what a handler tells a CDN apart from other caches is replaced with a cookie, and kept without one', t => eachBackend(t, async (t, backend) => {
  for (const field of CDN_FIELDS) {
    for (const raw of [false, true]) {
      const { app, client, seed } = await scene(t, { backend })
      app.get('/:what', async ({ params, session }, reply) => {
        if (raw) reply.raw.setHeader(field, 'max-age=600')
        else reply.header(field, 'max-age=600')
        const { what } = params as { what: string }
        if (what === 'rotate') await session.rotate()
        if (what === 'save') await session.rotate().then(() => session.save())
        return session.visits
      })
      await seed()
      const name = field.toLowerCase()
      t.match((await client.get('/read')).headers, { [name]: 'max-age=600', 'cache-control': undefined })
      for (const what of ['rotate', 'save']) {
        const { headers } = await client.get(`/${what}`)
        t.match(headers, { [name]: 'no-store', 'cache-control': 'no-store' }, `${field}, ${what}${raw ? ', raw' : ''}`)
        t.equal(setCookies(headers).length, 1)
      }
      mock.timers.reset()
    }
  }
}))

t.test('X-Accel-Expires, which nginx prefers to Cache-Control, becomes 0 with a cookie, and puts off a touch', t => eachBackend(t, async (t, backend) => {
  for (const [value, cacheable] of [['600', true], ['@1893459600', true], ['0', false], ['off', false]] as const) {
    for (const raw of [false, true]) {
      const { app, client, logs, seed } = await scene(t, { backend })
      app.get('/:what', async ({ params, session }, reply) => {
        if (raw) reply.raw.setHeader('x-accel-expires', value)
        else reply.header('X-Accel-Expires', value)
        const { what } = params as { what: string }
        if (what !== 'read') await session.rotate()
        if (what === 'save') await session.save()
        return session.visits
      })
      await seed()
      for (const what of ['rotate', 'save']) {
        const { headers } = await client.get(`/${what}`)
        t.match(headers, { 'x-accel-expires': '0', 'cache-control': 'no-store' }, `${what} ${value}`)
      }
      t.equal(logs.filter(({ msg }) => /no-store/.test(String(msg))).length, cacheable ? 1 : 0)
      mock.timers.setTime(Date.now() + 10_000_000)
      t.equal(setCookies((await client.get('/read')).headers).length, cacheable ? 0 : 1)
      mock.timers.reset()
    }
  }
}))

t.test('K-51: a session saved before a raw reply is not for a CDN either', t => eachBackend(t, async (t, backend) => {
  const { app, client, seed } = await scene(t, { backend })
  app.get('/raw', async ({ session }, reply) => {
    reply.raw.setHeader('surrogate-control', 'max-age=600')
    await session.rotate()
    await session.save()
    reply.hijack()
    reply.raw.end()
  })
  await seed()
  const { headers } = await client.get('/raw')
  t.match(headers, { 'surrogate-control': 'no-store', 'cache-control': 'no-store' })
}))

t.test('a touch is put off where a CDN may keep the response', t => eachBackend(t, async (t, backend) => {
  const rows: [string, boolean][] = [
    ['max-age=60', true], ['public', true], ['s-maxage=60', true], ['max-age=0', false], ['no-store', false], ['private, max-age=60', false], ['no-cache', false]
  ]
  for (const [index, field] of CDN_FIELDS.entries()) {
    for (const [control, cacheable] of index < 2 ? rows : rows.slice(0, 1)) {
      const { app, client, seed } = await scene(t, { backend })
      app.get('/answer', async (request, reply) => { reply.header(field, control); return request.session.visits })
      await seed()
      mock.timers.setTime(Date.now() + 10_000_000)
      t.equal(setCookies((await client.get('/answer')).headers).length, cacheable ? 0 : 1, `${field}: ${control}`)
      mock.timers.reset()
    }
  }
}))

t.test('a touch that was put off is made up for by the next response', t => eachBackend(t, async (t, backend) => {
  const { app, client, seed } = await scene(t, { backend })
  app.get('/public', async (request, reply) => { reply.header('cache-control', PUBLIC); return request.session.visits })
  await seed()
  mock.timers.setTime(Date.now() + 50_000_000)
  t.strictSame(setCookies((await client.get('/public')).headers), [])
  t.equal(setCookies((await client.get('/now')).headers).length, 1)
  mock.timers.setTime(Date.now() + 50_000_000)
  t.equal((await client.get('/now')).json().visits, 1, 'so it lives on')
}))

t.test('what a handler says about Vary is kept', t => eachBackend(t, async (t, backend) => {
  const rows: [string | string[], string][] = [
    ['Accept', 'Accept, Cookie'], ['*', '*'], ['Accept, *', 'Accept, *'], ['Cookie', 'Cookie'], ['cookie', 'cookie'], ['Accept,COOKIE', 'Accept, COOKIE'],
    [['Accept', 'Origin'], 'Accept, Origin, Cookie'], ['Cookie2', 'Cookie2, Cookie'], ['', 'Cookie'], [' , Accept ,', 'Accept, Cookie']
  ]
  for (const raw of [false, true]) {
    for (const saved of [false, true]) {
      const { app, client } = await buildApp(t, { backend })
      for (const [index, [vary]] of rows.entries()) {
        app.get(`/${index}`, async (request, reply) => {
          if (raw) reply.raw.setHeader('vary', vary)
          else reply.header('vary', vary)
          request.session.visits++
          if (saved) await request.session.save()
        })
      }
      for (const [index, [vary, expected]] of rows.entries()) {
        t.equal((await client.get(`/${index}`)).headers.vary, expected, `${JSON.stringify(vary)}${raw ? ', raw' : ''}${saved ? ', saved' : ''}`)
      }
    }
  }
}))

t.test('a Response that says it is public is told otherwise like any other', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/answer', async (request) => {
    request.session.visits++
    return new Response('text', { status: 203, headers: { 'cache-control': PUBLIC, vary: 'Accept', 'set-cookie': 'a=1', 'x-own': 'yes' } })
  })
  app.get('/empty', async (request) => { request.session.visits++; return new Response(null, { status: 404 }) })
  app.get('/used', async (request) => {
    request.session.visits++
    const response = new Response('text', { status: 200 })
    await response.text()
    return response
  })
  const answer = await client.get('/answer')
  t.match(answer, { statusCode: 203, payload: 'text', headers: { 'cache-control': 'no-store', vary: 'Accept, Cookie', 'x-own': 'yes' } })
  t.equal(setCookies(answer.headers).length, 2)
  t.match(await client.get('/empty'), { statusCode: 404, payload: '' })
  t.equal((await client.get('/used')).json().code, 'FST_ERR_REP_RESPONSE_BODY_CONSUMED')
}))

/** A shared cache as RFC 9111 has it: keeps what is public, tells apart what Vary names. */
function cachingProxy (send: (url: string, headers: Record<string, string>) => Promise<{ headers: Record<string, unknown>, payload: string }>) {
  const entries: { url: string, fields: string[], request: Record<string, string>, response: { headers: Record<string, unknown>, payload: string } }[] = []
  const stats = { hits: 0 }
  const get = async (url: string, request: Record<string, string>) => {
    const found = entries.find((entry) => entry.url === url && entry.fields.every((field) => field !== '*' && entry.request[field] === request[field]))
    if (found !== undefined) {
      stats.hits++
      return found.response
    }
    const response = await send(url, request)
    const control = String(response.headers['cache-control'] ?? '')
    // Set-Cookie does not keep it from storing: that is the trap (RFC 9111 §7.3).
    if (/public/.test(control) && !/no-store|private/.test(control)) {
      const fields = String(response.headers.vary ?? '').split(',').map((field) => field.trim().toLowerCase()).filter(Boolean)
      entries.push({ url, fields, request, response })
    }
    return response
  }
  return { get, stats }
}

t.test('K-51: a caching proxy never gives one of two users the cookie or the page of the other', t => eachBackend(t, async (t, backend: BackendName) => {
  const { app, newClient } = await buildApp(t, { backend, fastify: { logger: false }, touchAfter: 1 })
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  t.teardown(() => mock.timers.reset())
  const paths: Record<string, (session: AppSession) => unknown> = {
    '/page': (session) => session.userId,
    '/has': (session) => 'userId' in session && session.userId,
    '/write': (session) => { session.visits++; return session.userId },
    '/touch': (session) => { session.touch(); return session.userId },
    '/rotate': async (session) => { await session.rotate(); return session.userId }
  }
  app.get('/login/:user', async (request) => { request.session.userId = (request.params as { user: string }).user })
  app.get('/shared', async (_request, reply) => { reply.header('cache-control', PUBLIC); return 'for all' })
  for (const [path, run] of Object.entries(paths)) {
    app.get(path, async (request, reply) => {
      reply.header('cache-control', PUBLIC)
      return `for ${await run(request.session)}`
    })
  }
  const proxy = cachingProxy(async (url, headers) => await app.inject({ url, headers }))
  const users = ['ann', 'bob'].map((name) => ({ name, client: newClient() }))
  for (const { name, client } of users) await client.get(`/login/${name}`)
  const owner = new Map(users.map(({ name, client }) => [client.token, name]))
  const urls = [...Object.keys(paths), '/shared']
  for (let round = 0; round < 500; round++) {
    for (const { name, client } of users) {
      const url = urls[(round + (name === 'bob' ? 3 : 0)) % urls.length] as string
      const { headers, payload } = await proxy.get(url, { cookie: client.header })
      if (payload !== (url === '/shared' ? 'for all' : `for ${name}`)) t.fail(`${name} got "${payload}" at ${url}`)
      client.take(setCookies(headers))
      const known = owner.get(client.token)
      if (known !== undefined && known !== name) t.fail(`${name} got the cookie of ${known}`)
      owner.set(client.token, name)
    }
    if (round % 7 === 0) mock.timers.setTime(Date.now() + 2000)
  }
  t.ok(proxy.stats.hits > 100, 'the proxy does serve from its cache')
}))
