import t, { type Test } from 'tap'
import { CookieJar } from 'tough-cookie'
import { memoryStore } from '../../lib/stores/memory.js'
import type { CookieOptions } from '../../types/index.js'
import { type App, type BackendName, buildApp, COOKIE, eachBackend, setCookies } from '../support/app.js'
import { FAULTS, FaultyStore } from '../support/faulty-store.js'

type Store = ReturnType<typeof memoryStore>

/** One deployment of an application whose routes are also below `/app`. */
async function deploy (t: Test, backend: BackendName, cookie: CookieOptions, store: Store = memoryStore()) {
  const kept = backend === 'memory' ? { store } : backend === 'revocable' ? { revocations: store } : {}
  const built = await buildApp(t, { backend, cookie, fastify: { trustProxy: true }, ...kept })
  for (const prefix of ['', '/app']) addRoutes(built.app, prefix)
  return built
}

function addRoutes (app: App, prefix: string): void {
  app.get(`${prefix}/in`, async ({ session }) => { session.userId = 'ada' })
  app.get(`${prefix}/in-again`, async ({ session }) => { await session.destroy(); session.userId = 'ada' })
  app.get(`${prefix}/out`, async ({ session }) => await session.destroy())
  app.get(`${prefix}/count`, async ({ session }) => ++session.visits)
  app.get(`${prefix}/me`, async ({ session }) => session.userId ?? 'nobody')
  app.get(`${prefix}/untouched`, async () => 'page')
  app.get(`${prefix}/public`, async ({ session }, reply) => { reply.header('cache-control', 'public'); return session.userId ?? 'nobody' })
}

/** A browser with a jar after RFC 6265, on one host. */
function browse (jar: CookieJar, host: string) {
  return async ({ app }: { app: App }, path: string) => {
    const url = `https://${host}${path}`
    const cookie = await jar.getCookieString(url)
    const { headers, body } = await app.inject({ url: path, headers: { host, 'x-forwarded-proto': 'https', ...(cookie !== '' && { cookie }) } })
    for (const line of setCookies(headers)) await jar.setCookie(line, url, { ignoreError: true })
    return body
  }
}

const CHANGES: Record<string, [before: CookieOptions, after: CookieOptions]> = {
  'a domain, under a name of its own': [{ name: 'sid' }, { name: 'sid', domain: 'example.com' }],
  'no domain any more': [{ name: 'sid', domain: 'example.com' }, { name: 'sid' }],
  'the domain of the host': [{ name: 'sid' }, { name: 'sid', domain: 'app.example.com' }],
  'the parent domain, under default names': [{ domain: 'app.example.com' }, { domain: 'example.com' }],
  'the domain of the host, under default names': [{ domain: 'example.com' }, { domain: '.APP.example.com' }],
  'from a path to the domain, under default names': [{ path: '/app' }, { domain: 'example.com' }],
  'from a path to all paths': [{ name: 'sid', path: '/app' }, { name: 'sid' }],
  'from all paths to one': [{ name: 'sid' }, { name: 'sid', path: '/app' }],
  'from a path with a slash to one without': [{ name: 'sid', path: '/app/' }, { name: 'sid', path: '/app' }],
  'the default name, with a domain': [{}, { domain: 'example.com' }]
}

for (const [change, [former, latter]] of Object.entries(CHANGES)) {
  t.test(`${change}: who signs out is out, and who signs in is in`, t => eachBackend(t, async (t, backend) => {
    const store = memoryStore()
    const before = await deploy(t, backend, former, store)
    const after = await deploy(t, backend, latter, store)
    const steps: Record<string, [path: string, user?: string][]> = {
      'signs out at once': [['out'], ['me', 'nobody']],
      'signs out at once, and in': [['out'], ['me', 'nobody'], ['in'], ['me', 'ada'], ['count'], ['me', 'ada'], ['out'], ['me', 'nobody']],
      'begins anew at once': [['in-again'], ['me', 'ada'], ['in-again'], ['me', 'ada'], ['out'], ['me', 'nobody']],
      'changes the session, and looks': [['count'], ['me'], ['in'], ['me', 'ada'], ['me', 'ada'], ['out'], ['me', 'nobody']],
      'changes the session, and signs in': [['count'], ['in'], ['me', 'ada'], ['out'], ['me', 'nobody']],
      'changes the session, and signs out': [['count'], ['out'], ['me', 'nobody'], ['in'], ['me', 'ada']]
    }
    for (const [what, path] of Object.entries(steps)) {
      const go = browse(new CookieJar(), 'app.example.com')
      await go(before, '/app/in')
      for (const [step, user] of path) {
        const body = await go(after, `/app/${step}`)
        if (user !== undefined) t.equal(body, user, `${what}: ${step}`)
      }
    }
  }))
}

t.test('of several cookies each authentic session ends with destroy(), four at most, and all of them leave the browser', t => eachBackend(t, async (t, backend) => {
  const scene = await deploy(t, backend, { name: 'sid', domain: 'example.com' })
  const tokens: string[] = []
  for (let i = 0; i < 5; i++) {
    const client = scene.newClient('sid')
    await client.get('/in')
    tokens.push(client.token as string)
  }
  const header = (values: readonly string[]) => values.map((value) => `sid=${value}`).join('; ')
  const user = async (token: string | undefined) => (await scene.app.inject({ url: '/me', headers: { cookie: `sid=${token}` } })).body
  const ends = backend === 'cookie' ? 'ada' : 'nobody'

  scene.events.length = 0
  const { statusCode, headers } = await scene.app.inject({ url: '/out', headers: { host: 'app.example.com', cookie: header(['tossed', tokens[0]!, 'x'.repeat(tokens[0]!.length), tokens[1]!, tokens[0]!]) } })
  t.equal(statusCode, 200)
  t.strictSame([await user(tokens[0]), await user(tokens[1]), await user(tokens[2])], [ends, ends, 'ada'])
  t.equal(scene.events.filter(({ name }) => name === 'onDestroy').length, 2)
  const attributes = '; HttpOnly; Secure; SameSite=Lax'
  t.strictSame(setCookies(headers), [
    `sid=; Max-Age=0; Path=/${attributes}`, `sid=; Max-Age=0; Path=/out${attributes}`,
    `sid=; Max-Age=0; Domain=app.example.com; Path=/${attributes}`, `sid=; Max-Age=0; Domain=app.example.com; Path=/out${attributes}`,
    `sid=; Max-Age=0; Domain=example.com; Path=/out${attributes}`,
    `sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=example.com; Path=/${attributes}`
  ])

  // The first two are authentic still, if dead.
  scene.events.length = 0
  await scene.app.inject({ url: '/out', headers: { cookie: header(tokens) } })
  t.strictSame([await user(tokens[2]), await user(tokens[3]), await user(tokens[4])], [ends, ends, 'ada'])
}))

t.test('a sign-out that cannot end one of several sessions is a 503, and leaves the cookies for the next attempt', async t => {
  const store = new FaultyStore(memoryStore())
  const scene = await buildApp(t, { backend: 'memory', store, cookie: { name: 'sid' } })
  addRoutes(scene.app, '')
  const client = scene.newClient('sid')
  await client.get('/in')
  const cookie = `sid=tossed; sid=${client.token}`
  store.break('load', FAULTS.rejects!)
  const failed = await scene.app.inject({ url: '/out', headers: { cookie } })
  t.match(failed.json(), { statusCode: 503, code: 'FST_TYPED_SESSION_STORE_FAILED' })
  t.strictSame(setCookies(failed.headers), [])
  store.heal()
  t.equal((await client.get('/me')).body, 'ada')
  await scene.app.inject({ url: '/out', headers: { cookie } })
  t.equal((await client.get('/me')).body, 'nobody')
})

const removed = (headers: Record<string, unknown>) => setCookies(headers).filter((line) => /; Max-Age=0;/.test(line)).length

t.test('what is left of several cookies is removed by a response whose handler read the session, and no other', t => eachBackend(t, async (t, backend) => {
  const { app } = await deploy(t, backend, { name: 'sid' })
  const get = async (url: string) => await app.inject({ url, headers: { host: 'example.com', cookie: 'sid=a; sid=b' } })
  t.strictSame(setCookies((await get('/untouched')).headers), [])
  t.match(await get('/public'), { body: 'nobody', headers: { 'cache-control': 'public', 'set-cookie': undefined, vary: 'Cookie' } }, 'it can wait')
  const { headers } = await get('/me')
  t.equal(removed(headers), 4)
  t.match(headers, { 'cache-control': 'no-store', vary: 'Cookie' })
  t.equal(removed((await get('/in')).headers), 3)
  t.match(setCookies((await get('/in')).headers).at(-1), /^sid=[\w-]{50,}; Path=\/; HttpOnly/)
  t.strictSame(setCookies((await get('/a/b/c/d/e/f/g/h')).headers), [], 'nor is there a session where there is no route')
}))

t.test('above sixteen removals none is sent, but for the one of destroy()', t => eachBackend(t, async (t, backend) => {
  const { app, newClient } = await deploy(t, backend, { name: 'sid' })
  const client = newClient('sid')
  await client.get('/in')
  const get = async (url: string, cookie: string) => setCookies((await app.inject({ url, headers: { host: `${'a.'.repeat(20)}example.com`, cookie } })).headers)
  t.strictSame(await get('/me', 'sid=a; sid=b'), [])
  t.strictSame(await get('/out', `sid=${client.token}`), ['sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; Secure; SameSite=Lax'])
  t.match(await get('/in', 'sid=a; sid=b'), [/^sid=[\w-]{50,}; Path=\//])
}))

t.test('a name with __Host- has one place only', t => eachBackend(t, async (t, backend) => {
  const { app } = await deploy(t, backend, {})
  const get = async (url: string) => setCookies((await app.inject({ url, headers: { host: 'app.example.com', cookie: `${COOKIE}=a; ${COOKIE}=b` } })).headers)
  t.strictSame(await get('/me'), [])
  t.match(await get('/out'), [/^__Host-Http-session=; Max-Age=0; Expires/])
  t.match(await get('/in'), [/^__Host-Http-session=[\w-]{50,}; /])
}))

t.test('a session that is saved before a raw reply takes the others away as well', t => eachBackend(t, async (t, backend) => {
  const { app } = await deploy(t, backend, { name: 'sid' })
  app.get('/raw', async ({ session }, reply) => {
    session.visits++
    await session.save()
    reply.hijack()
    reply.raw.end()
  })
  const { headers } = await app.inject({ url: '/raw', headers: { host: 'example.com', cookie: 'sid=a; sid=b' } })
  t.equal(removed(headers), 3)
  t.match(setCookies(headers).at(-1), /^sid=[\w-]{50,}; /)
}))

t.test('a removal by the application itself, where the cookie lay before, leaves with ours', t => eachBackend(t, async (t, backend) => {
  const { app, client, newClient } = await deploy(t, backend, { name: 'sid', domain: 'example.com' })
  app.get('/clear/:what', async ({ session, params }, reply) => {
    const { what } = params as { what: string }
    session.visits++
    if (what === 'former') reply.clearCookie('sid')
    if (what === 'expired') reply.header('set-cookie', 'sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/old')
    if (what === 'pathless') reply.header('set-cookie', 'sid=; Max-Age=-1; Domain=example.com')
    if (what === 'own') reply.clearCookie('sid', { domain: '.Example.com' })
    if (what === 'foreign') reply.header('set-cookie', 'sid=theirs; Path=/old')
    if (what === 'later') reply.header('set-cookie', `sid=theirs; Path=/old; Expires=${new Date(Date.now() + 1e6).toUTCString()}`)
  })
  t.notOk(client.token)
  const lines = async (what: string) => setCookies((await newClient('sid').get(`/clear/${what}`)).headers)
  const ours = /^sid=[\w-]{50,}; Domain=example.com; Path=\/; /
  t.match(await lines('former'), [/^sid=; Max-Age=0; Path=\/; /, ours])
  t.match(await lines('expired'), [/^sid=; Expires=/, ours])
  t.match(await lines('pathless'), [/^sid=; Max-Age=-1; Domain/, ours])
  for (const what of ['own', 'foreign', 'later', 'none']) t.match(await lines(what), { length: 1, 0: ours }, what)
}))
