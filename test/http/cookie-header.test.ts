import fastifyCookie from '@fastify/cookie'
import fc from 'fast-check'
import type { InjectOptions } from 'fastify'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { readCookie } from '../../lib/http/cookie.js'
import { type BackendName, buildApp, COOKIE, eachBackend, setCookies } from '../support/app.js'
import { fetchHttp, fetchHttp2, listen } from '../support/wire.js'

const VALUE = 'abcDEF123_-'

t.test('S-ck8, K-48: the cookie is seen under its exact name only', async t => {
  const absent: Record<string, string | undefined> = {
    'no header': undefined,
    empty: '',
    nameless: `=${COOKIE}=${VALUE}`,
    'nameless in the middle': `a=1; =${COOKIE}=${VALUE}`,
    'a name that only begins with it': `${COOKIE}2=${VALUE}`,
    'a name that ends with it': `x${COOKIE}=${VALUE}`,
    'a name that ends with it, after a dash': `x-${COOKIE}=${VALUE}`,
    'a prefix of it': `${COOKIE.slice(0, -1)}=${VALUE}`,
    'no-break space before it': `\xA0${COOKIE}=${VALUE}`,
    'no-break space before it, in the middle': `a=1;\xA0${COOKIE}=${VALUE}`,
    'no-break space after it': `${COOKIE}\xA0=${VALUE}`,
    'space after it': `${COOKIE} =${VALUE}`,
    'tab after it': `${COOKIE}\t=${VALUE}`,
    'form feed before it': `a=1;\f${COOKIE}=${VALUE}`,
    'byte order mark': `\uFEFF${COOKIE}=${VALUE}`,
    'other case': `${COOKIE.toLowerCase()}=${VALUE}`,
    'other case of the prefix': `${COOKIE.replace('__Host-', '__host-')}=${VALUE}`,
    'a bracket for a sign': `${COOKIE.replace('-', '[')}=${VALUE}`,
    'quoted name': `"${COOKIE}"=${VALUE}`,
    'quoted name and value': `"${COOKIE}=${VALUE}"`,
    'percent-encoded': `${COOKIE.replace('-', '%2D')}=${VALUE}`,
    'separated by a comma': `a=1, ${COOKIE}=${VALUE}`,
    'separated by a space': `a=1 ${COOKIE}=${VALUE}`,
    'in the value of another': `a=${COOKIE}=${VALUE}`,
    'without a value or sign': COOKIE,
    $Version: `$Version=1; $Path="/"; $${COOKIE}=${VALUE}`
  }
  for (const [name, header] of Object.entries(absent)) t.equal(readCookie(header, COOKIE), null, name)

  const found: Record<string, [string, string]> = {
    alone: [`${COOKIE}=${VALUE}`, VALUE],
    'in the middle': [`a=1; ${COOKIE}=${VALUE}; b=2`, VALUE],
    'without a space': [`a=1;${COOKIE}=${VALUE};b=2`, VALUE],
    'with a tab': [`a=1;\t ${COOKIE}=${VALUE}`, VALUE],
    'space and tab after the value': [`${COOKIE}=${VALUE} \t; a=1`, VALUE],
    'after an empty pair': [`;; ${COOKIE}=${VALUE};;`, VALUE],
    'next to its look-alikes': [`x${COOKIE}=1; ${COOKIE}2=2; =${COOKIE}=3; ${COOKIE}=${VALUE}; a=${COOKIE}`, VALUE],
    empty: [`${COOKIE}=`, ''],
    'empty in the middle': [`${COOKIE}=; a=1`, ''],
    'a sign in the value': [`${COOKIE}=a=b`, 'a=b'],
    'quotes are part of the value': [`${COOKIE}="${VALUE}"`, `"${VALUE}"`],
    'nothing is decoded': [`${COOKIE}=%61%62`, '%61%62'],
    'a no-break space is part of the value': [`${COOKIE}=${VALUE}\xA0`, `${VALUE}\xA0`]
  }
  for (const [name, [header, value]] of Object.entries(found)) t.equal(readCookie(header, COOKIE), value, name)
})

t.test('S-ck6: two cookies of one name are told from one', async t => {
  const several: [string, string[]][] = [
    [`${COOKIE}=a; ${COOKIE}=b`, ['a', 'b']], [`${COOKIE}=a; ${COOKIE}=a`, ['a', 'a']], [`${COOKIE}=; ${COOKIE}=`, ['', '']],
    [`x=1; ${COOKIE}=a;y=2;${COOKIE}=b`, ['a', 'b']], [`${COOKIE}=a; ${COOKIE}=b; ${COOKIE}=c`, ['a', 'b', 'c']]
  ]
  for (const [header, values] of several) t.strictSame(readCookie(header, COOKIE), values, header)
})

t.test('K-48: what is read is what splitting at every semicolon gives', async t => {
  const piece = fc.constantFrom('sid', 'sid=', 'sid=v', '=', ';', ' ', '\t', '\xA0', 'x', '"', ',', 'si', 'SID=w', '; sid=u')
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
    const header = pieces.join('')
    const values = header.split(';').map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
      .filter((pair) => pair.startsWith('sid=')).map((pair) => pair.slice(4))
    const expected = values.length > 1 ? values : values[0] ?? null
    t.strictSame(readCookie(header, 'sid'), expected)
  }), { numRuns: 2000 })
})

/** A string that counts how many characters are looked at. */
function counted (text: string) {
  const work = { looks: 0 }
  const header = new Proxy(new String(text), { // eslint-disable-line no-new-wrappers
    get (target, key) {
      const value = Reflect.get(target, key)
      if (key === 'indexOf') {
        return (what: string, from = 0) => {
          const at = text.indexOf(what, from)
          work.looks += (at === -1 ? text.length : at) - from + what.length
          return at
        }
      }
      work.looks++
      return typeof value === 'function' ? value.bind(text) : value
    }
  })
  return { header: header as unknown as string, work }
}

t.test('R-26: the work is linear in the length of the header, whatever fills it', async t => {
  const bombs = [' ', '\t;', ';', '=', 'a=b; ', COOKIE, `${COOKIE};`, `${COOKIE} `, ` ${COOKIE}`, `=${COOKIE}=`, `a${COOKIE}=`, '_', '__Host-', `${' '.repeat(500)}${COOKIE}x`]
  for (const bomb of bombs) {
    const text = bomb.repeat(Math.ceil(16_384 / bomb.length))
    const { header, work } = counted(text)
    t.equal(readCookie(header, COOKIE), null, JSON.stringify(bomb.slice(0, 20)))
    t.ok(work.looks <= 4 * text.length, `${work.looks} looks for ${text.length} characters`)
  }
})

async function scene (t: Test, backend: BackendName, options: object = {}) {
  const built = await buildApp(t, { backend, ...options })
  built.app.get('/login', async (request) => { request.session.userId = 'u1' })
  built.app.route({ method: ['GET', 'POST'], url: '/me', handler: async (request) => ({ user: request.session.userId ?? null }) })
  await built.client.get('/login')
  return { ...built, token: built.client.token as string }
}

t.test('S-ck6: a request with two cookies of our name is anonymous, with an event; the order does not matter', t => eachBackend(t, async (t, backend) => {
  const { app, rejected, token } = await scene(t, backend)
  for (const cookie of [`${COOKIE}=${token}; ${COOKIE}=x`, `${COOKIE}=x; ${COOKIE}=${token}`, `${COOKIE}=${token}; ${COOKIE}=${token}`]) {
    t.strictSame((await app.inject({ url: '/me', headers: { cookie } })).json(), { user: null })
  }
  t.strictSame(rejected().map(({ reason }) => reason), Array(3).fill('duplicate-cookie'))
}))

t.test('I1: every wrong cookie gets the very answer that no cookie gets', t => eachBackend(t, async (t, backend) => {
  const { app, token } = await scene(t, backend)
  const bare = await app.inject('/me')
  const wrong = ['', '""', 'null', 'undefined', '0', 'A'.repeat(43), '../../etc/passwd', token.slice(0, -1), `${token}A`, `"${token}"`, `${token}\xA0`, 'x'.repeat(4096), 'x'.repeat(12_000), '{"a":1}', '%00', token.toLowerCase()]
  for (const value of wrong) {
    const response = await app.inject({ url: '/me', headers: { cookie: `${COOKIE}=${value}` } })
    t.strictSame([response.statusCode, response.payload, { ...response.headers, date: '' }], [bare.statusCode, bare.payload, { ...bare.headers, date: '' }], value.slice(0, 30))
  }
}))

t.test('S-ck5: a cookie header that comes in pieces is one header, over HTTP/1.1 and HTTP/2', t => eachBackend(t, async (t, backend) => {
  const { app, token } = await scene(t, backend)
  const url = `${await listen(app)}/me`
  const pieces = ['a=1', `${COOKIE}=${token}`, 'b=2']
  t.strictSame(JSON.parse((await fetchHttp(url, { cookie: pieces })).body), { user: 'u1' })
  t.strictSame(JSON.parse((await fetchHttp(url, { cookie: pieces.join('; ') })).body), { user: 'u1' })
  t.strictSame(JSON.parse((await fetchHttp(url, { cookie: [...pieces, `${COOKIE}=${token}`] })).body), { user: null }, 'two of them are two')
  t.match(await rawRequest(url, pieces.map((piece) => `Cookie: ${piece}`)), '{"user":"u1"}', 'as lines on the wire')

  const two = await scene(t, backend, { fastify: { http2: true } })
  const crumbs = ['a=1', `${COOKIE}=${two.token}`, 'b=2']
  const h2 = `${await listen(two.app)}/me`
  t.strictSame(JSON.parse((await fetchHttp2(h2, { cookie: crumbs })).body), { user: 'u1' })
  t.strictSame(JSON.parse((await fetchHttp2(h2, { cookie: [...crumbs, `${COOKIE}=x`] })).body), { user: null })
}))

function rawRequest (url: string, lines: readonly string[]): Promise<string> {
  const { port, pathname } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => { answer += chunk }).on('end', () => resolve(answer)).on('error', reject)
    socket.write([`GET ${pathname} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...lines, '', ''].join('\r\n'))
  })
}

t.test('R-26: a header of 16 KiB is refused by Node, one just below is read', t => eachBackend(t, async (t, backend) => {
  const { app, token } = await scene(t, backend)
  const url = `${await listen(app)}/me`
  t.match(await rawRequest(url, [`Cookie: ${'a=1; '.repeat(4000)}`]), /^HTTP\/1\.1 431 /)
  t.match(await rawRequest(url, [`Cookie: ${'a=1; '.repeat(2800)}${COOKIE}=${token}`]), '{"user":"u1"}')
  t.match(await rawRequest(url, [`Cookie: ${COOKIE}=${'x'.repeat(15_000)}`]), '{"user":null}')
}))

t.test('S-cs1: a token anywhere but in the cookie is nothing', t => eachBackend(t, async (t, backend) => {
  const { app, token } = await scene(t, backend)
  const carriers: InjectOptions[] = [
    { url: `/me?${COOKIE}=${token}&session=${token}&sid=${token}` },
    { url: '/me', method: 'POST', payload: { session: token, [COOKIE]: token } },
    ...['authorization', 'x-session-id', 'x-session', COOKIE, 'session', 'set-cookie', 'cookie2', 'x-cookie'].flatMap((name) => [
      { url: '/me', headers: { [name]: token } },
      { url: '/me', headers: { [name]: `${COOKIE}=${token}` } },
      { url: '/me', headers: { [name]: `Bearer ${token}` } }
    ])
  ]
  for (const request of carriers) t.strictSame((await app.inject(request)).json(), { user: null }, JSON.stringify(Object.keys(request.headers ?? request)))
}))

t.test('@fastify/cookie may be registered before, however it is set up, or not at all', t => eachBackend(t, async (t, backend) => {
  const setups: (object | null)[] = [
    null, {}, { secret: 'a-secret-for-signing-cookies' }, { hook: false }, { hook: 'onRequest' }, { hook: 'preParsing' }, { hook: 'preValidation' }, { hook: 'preHandler' },
    { parseOptions: { path: '/elsewhere', domain: 'example.org', httpOnly: false, secure: false, sameSite: 'none', decode: () => 'x', encode: () => 'x' } }
  ]
  for (const setup of setups) {
    const before = (app: Parameters<NonNullable<Parameters<typeof buildApp>[1]['before']>>[0]) => { if (setup !== null) app.register(fastifyCookie, setup) }
    const { app, client } = await buildApp(t, { backend, before })
    app.get('/login', async (request, reply) => {
      request.session.userId = 'u1'
      reply.setCookie('theirs', '1')
    })
    app.get('/me', async (request) => ({ user: request.session.userId ?? null }))
    const lines = setCookies((await client.get('/login')).headers)
    t.equal(lines.length, 2)
    t.match(lines.filter((line) => line.startsWith(COOKIE)), [/^__Host-Http-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/], JSON.stringify(setup))
    t.strictSame((await client.get('/me')).json(), { user: 'u1' })
  }
}))
