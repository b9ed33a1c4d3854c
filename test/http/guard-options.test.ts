import { randomBytes } from 'node:crypto'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import Fastify, { type FastifyRequest } from 'fastify'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import * as z from 'zod'
import { createSession, requireSession, returnPath, withGuard, withSession } from '../../lib/index.js'
import { Client } from '../support/app.js'

const schema = z.object({ userId: z.string().optional(), level: z.int().default(0) })

function open (t: Pick<Test, 'teardown'>) {
  const handle = createSession(schema, { secret: randomBytes(32) })
  const app = withSession(Fastify(), handle)
  t.teardown(() => app.close())
  app.get('/as/:user/:level', async (request) => {
    const { user, level } = request.params as { user: string, level: string }
    Object.assign(request.session, { userId: user, level: Number(level) })
  })
  const client = () => new Client((request) => app.inject(request), '__Host-Http-session')
  const as = async (user: string, level: number) => {
    const visitor = client()
    await visitor.get(`/as/${user}/${level}`)
    return visitor
  }
  return { app, handle, client, as }
}

t.test('when: a session that may not do this gets a 403, one that is not signed in a 401', async (t) => {
  const { app, handle, client, as } = open(t)
  const admins = requireSession(handle, 'userId', { when: ({ level }) => level > 1 })
  const owner = requireSession(handle, 'userId', { when: async ({ userId }, request) => userId === (request.params as { id: string }).id })
  app.get('/admin', admins, async ({ session }) => session.userId)
  app.get('/notes/:id', owner, async () => 'note')
  const root = await as('root', 2)
  t.equal((await root.get('/admin')).body, 'root')
  const ann = await as('ann', 1)
  t.match((await ann.get('/admin')).json(), { statusCode: 403, code: 'FST_TYPED_SESSION_FORBIDDEN' })
  t.match((await client().get('/admin')).json(), { statusCode: 401, code: 'FST_TYPED_SESSION_REQUIRED' })
  t.equal((await ann.get('/notes/ann')).statusCode, 200)
  t.equal((await root.get('/notes/ann')).statusCode, 403)
})

t.test('when: only true lets in, and what it throws is the answer', async (t) => {
  const { app, handle, as } = open(t)
  const answers: Readonly<Record<string, () => unknown>> = { '/text': () => 'yes', '/nothing': () => undefined, '/later': async () => 1 }
  for (const [path, when] of Object.entries(answers)) {
    app.get(path, requireSession(handle, 'userId', { when: when as never }), async () => 'in')
  }
  app.get('/throws', requireSession(handle, 'userId', { when: () => { throw Object.assign(new Error('away'), { statusCode: 503 }) } }), async () => 'in')
  const ann = await as('ann', 1)
  for (const path of Object.keys(answers)) t.equal((await ann.get(path)).statusCode, 403, path)
  t.equal((await ann.get('/throws')).statusCode, 503)
})

t.test('redirectTo: a page leads to the sign-in and back, a form and an API are told', async (t) => {
  const { app, handle, client, as } = open(t)
  const page = requireSession(handle, 'userId', { redirectTo: '/login', when: ({ level }) => level > 0 })
  app.route({ method: ['GET', 'POST'], url: '/account', ...page, handler: async () => 'account' })
  app.get('/styled', requireSession(handle, 'userId', { redirectTo: '/login?style=dark' }), async () => '')
  const visitor = client()
  const answer = await visitor.get('/account?tab=2&x=%2F')
  t.match(answer, { statusCode: 303, headers: { location: '/login?returnTo=%2Faccount%3Ftab%3D2%26x%3D%252F' } })
  const { searchParams } = new URL(String(answer.headers.location), 'http://localhost')
  t.equal(returnPath(searchParams.get('returnTo')), '/account?tab=2&x=%2F')
  t.equal((await visitor.send({ method: 'HEAD', url: '/account' })).statusCode, 303)
  t.equal((await visitor.post('/account')).statusCode, 401)
  t.equal((await visitor.get('/styled')).headers.location, '/login?style=dark&returnTo=%2Fstyled')
  t.equal((await (await as('ann', 1)).get('/account')).body, 'account')
  t.equal((await (await as('ann', 0)).get('/account')).statusCode, 403, 'signing in would not help')
})

t.test('redirectTo: whoever is sent to the sign-in never reaches the handler, however long the response takes to leave', async (t) => {
  const { app, handle } = open(t)
  const reached: string[] = []
  app.addHook('onSend', async () => await setImmediate())
  const guard = requireSession(handle, 'userId', { redirectTo: '/login' })
  const next = { preHandler: async () => { reached.push('a later hook') }, handler: async () => { reached.push('the handler') } }
  app.route({ method: 'GET', url: '/a', ...guard, ...next })
  app.register(async (child) => { withGuard(child, guard).route({ method: 'GET', url: '/b', ...next }) })
  for (const path of ['/a', '/b']) t.equal((await app.inject(path)).statusCode, 303)
  await setImmediate()
  t.strictSame(reached, [])
})

t.test('redirectTo: an address that a browser would take for another host is not sent along', async (t) => {
  const { app, handle } = open(t)
  app.get('*', requireSession(handle, 'userId', { redirectTo: '/login' }), async () => '')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const location = async (path: string) => await new Promise((resolve, reject) => {
    get({ port, path, host: '127.0.0.1' }, (response) => resolve(response.resume().headers.location)).on('error', reject)
  })
  for (const path of ['//evil.example/', '/\\evil.example', '/a\\b', 'http://evil.example/']) t.equal(await location(path), '/login', path)
  t.equal(await location('/a'), '/login?returnTo=%2Fa')
})

t.test('redirectTo: no way back is so long that the sign-in page could not be asked for', async (t) => {
  const { app, handle } = open(t)
  app.get('/a', requireSession(handle, 'userId', { redirectTo: '/login' }), async () => '')
  app.get('/login', async () => 'sign in')
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const follow = async (path: string) => {
    const { url, status } = await fetch(origin + path)
    return [status, url.slice(origin.length)]
  }
  t.strictSame(await follow(`/a?${'/'.repeat(6_000)}`), [200, '/login'])
  t.strictSame(await follow(`/a?${'x'.repeat(6_000)}`), [200, `/login?returnTo=%2Fa%3F${'x'.repeat(6_000)}`])
})

t.test('redirectTo: the way back goes in front of a fragment, which no server sees', async (t) => {
  const { app, handle } = open(t)
  app.get('/a', requireSession(handle, 'userId', { redirectTo: '/in#form' }), async () => '')
  app.get('/b', requireSession(handle, 'userId', { redirectTo: '/?in=1#/form#x?' }), async () => '')
  t.equal((await app.inject('/a')).headers.location, '/in?returnTo=%2Fa#form')
  t.equal((await app.inject('/b')).headers.location, '/?in=1&returnTo=%2Fb#/form#x?')
})

t.test('redirectTo: an address in any script is sent as headers can carry it', async (t) => {
  const { app, handle } = open(t)
  app.get('/a', requireSession(handle, 'userId', { redirectTo: '/вход?und so#ü' }), async () => '')
  const { statusCode, headers } = await app.inject('/a')
  t.match({ statusCode, headers }, { statusCode: 303, headers: { location: '/%D0%B2%D1%85%D0%BE%D0%B4?und%20so&returnTo=%2Fa#%C3%BC' } })
  for (const redirectTo of ['', '/a\nb', '/\ud83c']) t.throws(() => requireSession(handle, 'userId', { redirectTo }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, JSON.stringify(redirectTo))
})

t.test('returnPath gives a path of this host, or the fallback', async (t) => {
  for (const path of ['/', '/a', '/a/b?c=d#e', '/a//b', '/%2F%2Fevil']) t.equal(returnPath(path, '/home'), path, path)
  for (const [path, sent] of [['/ä?€', '/%C3%A4?%E2%82%AC'], ['/a b', '/a%20b'], ['/\u{1f375}', '/%F0%9F%8D%B5']] as const) t.equal(returnPath(path, '/home'), sent, path)
  for (const value of [undefined, null, 5, '', 'a', '//evil', '///evil', '/\\evil', '\\/evil', '/\t/evil', '/\n/evil', '/a\\b', '/\u0085/evil', '/\ud83c', 'https://evil', 'javascript:alert(1)', ['/a'], { }]) {
    t.equal(returnPath(value, '/home'), '/home', JSON.stringify(value))
  }
  t.equal(returnPath('//evil'), '/')
})

t.test('whatever returnPath gives, a browser stays on the host', async (t) => {
  const part = fc.constantFrom('/', '\\', '\t', '\n', '\r', ' ', '.', '..', 'evil.example', ':', '@', '?', '#', '\u0000', '\u0085', '\u2028', '\ud800', '€', '%2f', 'a')
  fc.assert(fc.property(fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')), (text) => {
    const path = returnPath(text)
    return new URL(path, 'https://shop.example').host === 'shop.example' && /^[!-~]+$/.test(path)
  }))
  t.pass()
})

t.test('withGuard closes every route of a plugin, and nothing beside it', async (t) => {
  const { app, handle, client, as } = open(t)
  app.register(async (child) => {
    const account = withGuard(child, requireSession(handle, 'userId', { redirectTo: '/login' }))
    t.equal(account as unknown, child)
    account.get('/me', async ({ session }) => session.userId)
    account.get('/admin', requireSession(handle, 'userId', { when: ({ level }) => level > 1 }), async () => 'admin')
  })
  app.get('/open', async () => 'open')
  t.equal((await client().get('/me')).statusCode, 303)
  t.equal((await client().get('/open')).statusCode, 200)
  const ann = await as('ann', 1)
  t.equal((await ann.get('/me')).body, 'ann')
  t.equal((await ann.get('/admin')).statusCode, 403)
  t.throws(() => withGuard(app as never, { onRequest: async () => {} } as never), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: 'withGuard(app, guard)' })
})

t.test('a mistake in the options is told where the guard is made', async (t) => {
  const { handle } = open(t)
  const code = 'FST_TYPED_SESSION_INVALID_OPTION'
  const make = (options: object) => () => requireSession(handle, 'userId', options as never)
  t.throws(make({ redirectTO: '/login' }), { code, message: 'requireSession({ redirectTO }): there is no such option, it takes when, redirectTo' })
  t.throws(make({ when: true }), { code, message: 'when' })
  for (const redirectTo of ['', 5, null]) t.throws(make({ redirectTo }), { code, message: 'redirectTo' })
  t.throws(() => requireSession(handle, { when: () => true } as never), { code })
  t.doesNotThrow(make({ when: undefined, redirectTo: undefined }))
})

t.test('a guard that only the config of its route names redirects, too', async (t) => {
  const { app, handle, client } = open(t)
  const { config } = requireSession(handle, 'userId', { redirectTo: '/login' })
  app.get('/', { config }, async (request: FastifyRequest) => request.url)
  t.equal((await client().get('/')).statusCode, 303)
})
