import fc from 'fast-check'
import t from 'tap'
import { CookieJar } from 'tough-cookie'
import { createCookieWriter } from '../../lib/http/cookie.js'
import { coversHost, coversPath, otherScopes, type Scope } from '../../lib/http/removals.js'

const ROOT: Scope = { domain: null, path: '/' }
const write = ({ domain, path }: Scope) => `${domain ?? '-'} ${path}`
const other = (host: string, url: string, own = ROOT) => otherScopes(host, url, own)?.map(write) ?? null

t.test('a cookie of the same name can lie on the host or a parent domain, on a prefix of the path or on its own', async t => {
  const rows: [string, string, Scope, string[]][] = [
    ['example.com', '/', ROOT, ['example.com /']],
    ['shop.example.com', '/', ROOT, ['shop.example.com /', 'example.com /']],
    ['shop.example.com', '/', { domain: 'example.com', path: '/' }, ['- /', 'shop.example.com /']],
    ['SHOP.Example.com', '/?a=/b', { domain: 'example.com', path: '/' }, ['- /', 'shop.example.com /']],
    ['localhost', '/', ROOT, []],
    ['localhost', '/a/b?c', ROOT, ['- /a', '- /a/', '- /a/b']],
    ['localhost', '/a/', ROOT, ['- /a', '- /a/']],
    ['localhost', '/', { domain: null, path: '/shop' }, ['- /']],
    ['localhost', '/news', { domain: 'example.com', path: '/shop' }, ['- /', '- /news', '- /shop']],
    ['127.0.0.1', '/', ROOT, []],
    ['[::1]', '/', ROOT, []],
    ['', '/', ROOT, []],
    ['example.com;Path', '/', ROOT, []],
    ['-.com\r\n', '/', ROOT, []],
    ['a.b.c.d.example.com', '/', ROOT, ['a.b.c.d.example.com /', 'b.c.d.example.com /', 'c.d.example.com /', 'd.example.com /', 'example.com /']]
  ]
  for (const [host, url, own, expected] of rows) t.strictSame(other(host, url, own), expected, `${host}${url}`)
})

t.test('no more of the path is repeated than an attribute can say', async t => {
  for (const url of ['/a;b=1/c', '/a b', '/a#b', '/a\u00e9', '/a\x7f', '/a?b;c']) t.strictSame(other('localhost', url), ['- /a'], url)
  for (const url of ['*', 'http://elsewhere.example/a', '']) t.strictSame(other('localhost', url), [], url)
})

t.test('above sixteen removals there is none, and a slash at the end is the first to go', async t => {
  t.equal(other('example.com', '/a/b/c/d')?.length, 15)
  t.strictSame(other('example.com', '/a/b/c/d/e'), [
    '- /a', '- /a/b', '- /a/b/c', '- /a/b/c/d', '- /a/b/c/d/e', ...['/', '/a', '/a/b', '/a/b/c', '/a/b/c/d', '/a/b/c/d/e'].map((path) => `example.com ${path}`)
  ])
  t.equal(other('a.b.example.com', '/a/b/c/d'), null)
  t.strictSame(other('a.'.repeat(8000) + 'com', '/'), [], 'no name of a host is that long')
  for (const [host, url] of [['a.'.repeat(100) + 'com', '/'], ['localhost', '/a'.repeat(400)], ['localhost', '/a'.repeat(8000)], ['localhost', `/${'a'.repeat(1024)}`]] as const) {
    t.equal(other(host, url), null, `${host.slice(0, 10)}${url.slice(0, 10)}`)
  }
})

const label = fc.constantFrom('a', 'b', 'c')
const host = fc.array(label, { minLength: 0, maxLength: 2 }).map((labels) => [...labels, 'example', 'com'].join('.'))
const path = fc.array(label, { maxLength: 2 }).map((segments) => `/${segments.join('/')}`)
const scope = fc.record({ domain: fc.option(host), path })

t.test('whatever a browser brings, the removals leave nothing of it but the cookie that is set last', async t => {
  await fc.assert(fc.asyncProperty(host, path, scope, fc.array(scope, { maxLength: 4 }), async (host, path, own, former) => {
    const jar = new CookieJar()
    const url = `https://${host}${path}`
    const writers = [...former, own].map(({ domain, path }) => createCookieWriter({ name: 'sid', domain, path, secure: true }, '; HttpOnly; Secure; SameSite=Lax'))
    for (const writer of writers) await jar.setCookie(writer.set('old', null), url, { ignoreError: true })
    const others = otherScopes(host, path, own)
    fc.pre(others !== null)
    const last = writers.at(-1) as typeof writers[number]
    for (const scope of others) await jar.setCookie(last.clearAt(scope), url, { ignoreError: true })
    await jar.setCookie(last.set('new', null), url, { ignoreError: true })
    const reaches = coversPath(own.path, path) && (own.domain === null || coversHost(own.domain, host))
    t.strictSame((await jar.getCookies(url)).map(({ value }) => value), reaches ? ['new'] : [], `${url} ${JSON.stringify(own)} ${JSON.stringify(former)}`)
  }), { numRuns: 300 })
})

t.test('a domain covers its host and those below it, and no address', async t => {
  const rows: [string, string, boolean][] = [
    ['example.com', 'example.com', true], ['example.com', 'Shop.Example.com', true], ['example.com', 'a.b.example.com', true],
    ['example.com', 'notexample.com', false], ['example.com', 'example.org', false], ['shop.example.com', 'example.com', false],
    ['example.com', 'localhost', false], ['localhost', 'localhost', true], ['127.0.0.1', '127.0.0.1', true], ['0.0.1', '127.0.0.1', false], ['example.com', '', false]
  ]
  for (const [domain, host, expected] of rows) t.equal(coversHost(domain, host), expected, `${domain} ${host}`)
})

t.test('a path covers itself and what is below it', async t => {
  const rows: [string, string, boolean][] = [
    ['/', '/', true], ['/', '/a', true], ['/a', '/a', true], ['/a', '/a?b', true], ['/a', '/a/', true], ['/a', '/a/b', true], ['/a', '/ab', false],
    ['/a', '/', false], ['/a', '/b/a', false], ['/a/', '/a', false], ['/a/', '/a/', true], ['/a/', '/a/b', true], ['/a', '/A', false]
  ]
  for (const [path, url, expected] of rows) t.equal(coversPath(path, url), expected, `${path} ${url}`)
})
