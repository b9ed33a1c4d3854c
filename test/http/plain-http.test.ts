import t, { type Test } from 'tap'
import { type AppOptions, buildApp, eachBackend, setCookies } from '../support/app.js'

/** Writes to a session once per host; returns what the log warned of. */
async function warnings (t: Test, options: AppOptions, hosts: readonly string[], headers: Record<string, string> = {}) {
  const { app, logs } = await buildApp(t, options)
  app.get('/write', async (request) => { request.session.visits++ })
  app.get('/read', async (request) => request.session.visits)
  for (const host of hosts) {
    await app.inject({ url: '/read', headers: { host, ...headers } })
    const response = await app.inject({ url: '/write', headers: { host, ...headers } })
    t.equal(setCookies(response.headers).length, 1, 'the cookie is sent all the same')
  }
  return logs.filter(({ level }) => level === 40).map(({ msg }) => String(msg))
}

t.test('a secure cookie on a plain-http response is warned of once, with the remedy', t => eachBackend(t, async (t, backend) => {
  const seen = await warnings(t, { backend }, ['shop.example', 'shop.example:8080', 'other.example'])
  t.equal(seen.length, 1)
  t.match(seen[0], /browsers drop the secure session cookie of a plain-http response: serve over https, and behind a proxy set Fastify's trustProxy/)
}))

t.test('no warning without a cookie', async t => {
  const { app, logs } = await buildApp(t, { backend: 'cookie' })
  app.get('/read', async (request) => request.session.visits)
  await app.inject({ url: '/read', headers: { host: 'shop.example' } })
  t.strictSame(logs.filter(({ level }) => level === 40), [])
})

t.test('browsers take secure cookies from localhost, so nothing is said there', async t => {
  for (const host of ['localhost', 'localhost:3000', 'LOCALHOST', 'shop.localhost:3000', '127.0.0.1', '127.0.0.1:3000', '127.1.2.3', '[::1]', '[::1]:3000']) {
    t.strictSame(await warnings(t, { backend: 'cookie' }, [host]), [], host)
  }
})

t.test('what only looks like localhost is not', async t => {
  for (const host of ['localhost.example.com', 'notlocalhost', '127.0.0.1.example.com', '128.0.0.1', '10.0.0.1', '[::2]', 'example.com:127']) {
    t.equal((await warnings(t, { backend: 'cookie' }, [host])).length, 1, host)
  }
})

t.test('behind a proxy that ends TLS, trustProxy tells the two apart', async t => {
  const https = { 'x-forwarded-proto': 'https' }
  t.strictSame(await warnings(t, { backend: 'cookie', fastify: { trustProxy: true } }, ['shop.example'], https), [])
  t.equal((await warnings(t, { backend: 'cookie' }, ['shop.example'], https)).length, 1, 'without it the header is nobody\'s word')
  t.equal((await warnings(t, { backend: 'cookie', fastify: { trustProxy: true } }, ['shop.example'], { 'x-forwarded-proto': 'http' })).length, 1)
})

t.test('an insecure cookie has been warned of at register, not again', async t => {
  const seen = await warnings(t, { backend: 'cookie', cookie: { secure: false } }, ['shop.example'])
  t.strictSame(seen, ['the session cookie is not secure: for development over plain http only'])
})
