import Fastify from 'fastify'
import { Writable } from 'node:stream'
import t from 'tap'
import { sessionPlugin } from '../../../lib/index.js'
import { cookieSettings } from '../../../lib/options/cookie-options.js'
import type { CookieOptions } from '../../../types/index.js'
import { buildApp, schema, SECRET } from '../../support/app.js'

const read = (cookie: unknown, { production = false, session = 'session' } = {}) => cookieSettings(cookie, session, production)
const refusal = (path: string, why: RegExp) => ({ code: 'FST_TYPED_SESSION_INVALID_OPTION', message: new RegExp(`^Session option ${path.replaceAll('.', '\\.')}: .*${why.source}`) })

t.test('S-3.3.1 … S-3.3.4: without a word everything is as strict as it gets', async t => {
  for (const given of [undefined, {}]) {
    t.strictSame(read(given).policy, {
      name: '__Host-Http-session', path: '/', domain: null, sameSite: 'lax', secure: true, httpOnly: true, partitioned: false, priority: null, persistent: false
    })
  }
})

t.test('S-ck3: the strongest prefix that holds is chosen, for each name of a session', async t => {
  const rows: [CookieOptions, string][] = [
    [{}, '__Host-Http-'], [{ path: '/shop' }, '__Http-'], [{ domain: 'example.com' }, '__Http-'], [{ path: '/shop', domain: 'example.com' }, '__Http-'],
    [{ partitioned: true }, '__Host-Http-'], [{ sameSite: 'none' }, '__Host-Http-'], [{ secure: false }, ''], [{ secure: false, path: '/shop' }, '']
  ]
  for (const session of ['session', 'adminSession']) {
    for (const [options, prefix] of rows) t.equal(read(options, { session }).name, `${prefix}${session}`, JSON.stringify(options))
  }
})

t.test('S-3.3.3, S-ck3: a name of its own is taken as it is, with any prefix whose rules hold', async t => {
  const rows: CookieOptions[] = [
    { name: 'sid' }, { name: 'sid', secure: false }, { name: '__Host-sid' }, { name: '__Host-Http-sid' }, { name: '__Secure-sid', domain: 'example.com' },
    { name: '__Http-sid', path: '/shop' }, { name: '__Hostsid', path: '/shop' }, { name: '_Host-sid', secure: false }, { name: "!#$%&'*+.^_`|~-" }
  ]
  for (const options of rows) t.equal(read(options).name, options.name)
})

t.test('S-3.3.2, S-3.3.3, S-ck4, S-ck7, K-47: what browsers would reject or misread is refused, with its path', async t => {
  const rows: [unknown, string, RegExp][] = [
    [{ name: '__Host-sid', path: '/shop' }, 'cookie.path', /__Host- with a path other than/],
    [{ name: '__Host-sid', domain: 'example.com' }, 'cookie.domain', /__Host- with a domain/],
    [{ name: '__Host-sid', secure: false }, 'cookie.name', /__Host- without secure/],
    [{ name: '__Host-Http-sid', path: '/shop' }, 'cookie.path', /__Host-Http- with a path/],
    [{ name: '__Host-Http-sid', domain: 'example.com' }, 'cookie.domain', /__Host-Http- with a domain/],
    [{ name: '__Host-Http-sid', secure: false }, 'cookie.name', /__Host-Http- without secure/],
    [{ name: '__Http-sid', secure: false }, 'cookie.name', /__Http- without secure/],
    [{ name: '__Secure-sid', secure: false }, 'cookie.name', /__Secure- without secure/],
    ...['__host-sid', '__HOST-sid', '__hOsT-sid', '__secure-sid', '__SECURE-sid', '__http-sid', '__HTTP-sid', '__host-http-sid', '__Host-http-sid', '__host-Http-sid', '__Host-HTTP-sid']
      .map((name): [unknown, string, RegExp] => [{ name }, 'cookie.name', /usual case/]),
    [{ sameSite: 'none', secure: false }, 'cookie.sameSite', /'none' without secure/],
    [{ partitioned: true, secure: false }, 'cookie.partitioned', /without secure/],
    ...[86_400, 0, -1, Number.NaN, Infinity, '60', null].map((persistent): [unknown, string, RegExp] =>
      [{ persistent }, 'cookie.persistent', /must be true or false: how long a session lives is for idleTimeout and absoluteTimeout to say/]),
    [{ path: `/${'x'.repeat(1024)}` }, 'cookie.path', /1024 bytes/],
    [{ domain: `${'x'.repeat(60)}.`.repeat(18) + 'com' }, 'cookie.domain', /1024 bytes/],
    ...['', 'shop', ' /', '/a b', '/a;b', '/a\r\nSet-Cookie: x=y', '/\0', '/é', '/a\u007F', 'https://example.com/']
      .map((path): [unknown, string, RegExp] => [{ path }, 'cookie.path', /must begin with "\/"/]),
    ...['', '.', 'a..b', 'exa mple.com', 'example.com;', 'example.com\r\n', 'example.com, example.org', 'exämple.com', 'http://example.com', 'example.com:80', 'example.com/']
      .map((domain): [unknown, string, RegExp] => [{ domain }, 'cookie.domain', /must be a host name/]),
    ...['com', 'COM', '.com', 'intranet', 'shop'].map((domain): [unknown, string, RegExp] => [{ domain }, 'cookie.domain', /top-level domain or of a single name/]),
    ...['', ' ', 'a b', 'a=b', 'a;b', 'a,b', 'a\r\nb', 'a"b', 'a\\b', 'a[b]', 'a(b)', 'a/b', 'a:b', 'a@b', 'é', '\xA0__Host-sid', 'a\0', 'a{b}', 'a<b>', 'a?b', 'x'.repeat(257)]
      .map((name): [unknown, string, RegExp] => [{ name }, 'cookie.name', /HTTP token|256/]),
    ...['Lax', 'STRICT', true, false, '', 'lax; Secure'].map((sameSite): [unknown, string, RegExp] => [{ sameSite }, 'cookie.sameSite', /./]),
    ...['auto', 'true', 1, null].map((secure): [unknown, string, RegExp] => [{ secure }, 'cookie.secure', /./]),
    [{ partitioned: 'yes' }, 'cookie.partitioned', /./],
    [{ priority: 'High' }, 'cookie.priority', /./],
    [{ httpOnly: false }, 'cookie.httpOnly', /there is no such option/],
    [{ maxAge: 60 }, 'cookie.maxAge', /there is no such option/],
    [{ expires: new Date() }, 'cookie.expires', /there is no such option/],
    [{ signed: true }, 'cookie.signed', /there is no such option/],
    ['sid', 'cookie', /./], [[], 'cookie', /./], [42, 'cookie', /./]
  ]
  for (const [options, path, why] of rows) t.throws(() => read(options), refusal(path, why), JSON.stringify(options))
})

t.test('path and domain of exactly 1024 bytes are used', async t => {
  t.equal(read({ path: `/${'x'.repeat(1023)}` }).policy.path.length, 1024)
  const domain = `${'x'.repeat(59)}.`.repeat(17) + 'abcd'
  t.equal(read({ domain }).policy.domain?.length, 1024)
})

t.test('S-3.3.1: secure: false is refused in production, whatever else is said', async t => {
  for (const options of [{ secure: false }, { secure: false, name: 'sid' }, { secure: false, sameSite: 'none' }]) {
    t.throws(() => read(options, { production: true }), refusal('cookie.secure', /NODE_ENV is production.*trustProxy/))
  }
  t.equal(read({}, { production: true }).policy.secure, true)
})

t.test('NODE_ENV is asked when the plugin is registered', async t => {
  const before = process.env.NODE_ENV
  t.teardown(() => { if (before === undefined) delete process.env.NODE_ENV; else process.env.NODE_ENV = before })
  for (const [value, refused] of [['production', true], ['development', false], ['test', false], ['', false], [undefined, false]] as const) {
    if (value === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = value
    const app = Fastify()
    const ready = app.register(sessionPlugin, { schema, secret: SECRET, cookie: { secure: false } } as never)
    if (refused) await t.rejects(Promise.resolve(ready), refusal('cookie.secure', /production/))
    else await t.resolves(Promise.resolve(ready), String(value))
    await app.close()
  }
})

t.test('S-3.3.1: outside production an insecure cookie has no prefix, and the log warns once', async t => {
  const { app, client, logs } = await buildApp(t, { backend: 'cookie', cookie: { secure: false } })
  app.get('/write', async (request) => { request.session.visits++ })
  for (let i = 0; i < 3; i++) t.match((await client.get('/write')).headers['set-cookie'], /^session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
  const warnings = logs.filter(({ level }) => level === 40)
  t.match(warnings, [{ session: 'session', msg: 'the session cookie is not secure: for development over plain http only' }])
  t.equal(warnings.length, 1)
})

t.test('a secure cookie is no reason to warn', async t => {
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: new Writable({ write (chunk, _encoding, done) { lines.push(String(chunk)); done() } }) } })
  await app.register(sessionPlugin, { schema, secret: SECRET } as never)
  await app.close()
  t.strictSame(lines, [])
})
