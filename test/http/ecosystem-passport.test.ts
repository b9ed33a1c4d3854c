import { Authenticator, Strategy } from '@fastify/passport'
import type { FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { type BackendName, buildApp, eachBackend, sessionOf } from '../support/app.js'
import { scene } from '../support/scene.js'

/** Takes a user's name from the query, as a form would send it. */
class NameStrategy extends Strategy {
  constructor () { super('name') }
  override authenticate (request: FastifyRequest): void {
    const { user } = request.query as { user?: string }
    if (user === undefined) return this.fail('who?', 401)
    this.success({ id: user })
  }
}

interface Passing {
  readonly backend: BackendName
  readonly clearSessionOnLogin?: boolean
  readonly clearSessionIgnoreFields?: string[]
  readonly keepSessionInfo?: boolean
}

async function passing (t: Test, { backend, keepSessionInfo = false, ...clearing }: Passing) {
  const built = await buildApp(t, { backend, undeclaredKeys: ['passport', 'flash', 'messages', 'returnTo', '_csrf'] })
  const { app } = built
  const passport = new Authenticator(clearing)
  passport.use(new NameStrategy())
  passport.registerUserSerializer(async (user: { id: string }) => user.id === 'zero' ? 0 : user.id)
  passport.registerUserDeserializer(async (id: string | number) => id === 'gone' ? null : { id })
  app.register(passport.initialize())
  app.register(passport.secureSession())
  await app.after()
  app.get('/add', async (request) => { sessionOf(request).cart.push({ sku: 'tea', qty: 1 }) })
  app.get('/csrf', async (request) => { Object.assign(sessionOf(request), { _csrf: 'secret' }) })
  app.get('/login', { preValidation: passport.authenticate('name', { keepSessionInfo } as object) }, async (request) => request.user)
  app.get('/login-message', { preValidation: passport.authenticate('name', { successMessage: 'welcome', failureMessage: 'sorry' } as object) }, async () => 'in')
  app.get('/login-return', { preValidation: passport.authenticate('name', { successReturnToOrRedirect: '/home' } as object) }, async () => 'never')
  app.get('/want', async (request) => { Object.assign(sessionOf(request), { returnTo: '/secret' }) })
  app.get('/logout', async (request) => { await request.logOut() })
  app.get('/goodbye', async (request) => { await request.logOut(); request.flash('info', 'bye') })
  app.get('/flashed', async (_request, reply) => reply.flash())
  app.get('/me', async (request) => ({ user: request.user ?? null, authenticated: request.isAuthenticated() }))
  app.get('/data', async (request) => sessionOf(request).data())
  app.get('/id', async (request) => ({ id: sessionOf(request).id }))
  const who = async (by = built.client) => (await by.get('/me')).json()
  const data = async () => (await built.client.get('/data')).json() as Record<string, unknown>
  const id = async () => (await built.client.get('/id')).json().id as string
  return { ...built, who, data, id }
}

const NOBODY = { user: null, authenticated: false }
const SOMEBODY = { user: { id: 'u1' }, authenticated: true }
const TEA = [{ sku: 'tea', qty: 1 }]

t.test('@fastify/passport: the id changes at login and at logout, and the old ones are dead (K-1, K-2, S-7.2.4)', t => eachBackend(t, async (t, backend) => {
  const { client, newClient, who, data, id } = await passing(t, { backend })
  await client.get('/add')
  await client.get('/csrf')
  const [visitor, visitorToken] = [await id(), client.token as string]
  t.strictSame((await client.get('/login?user=u1')).json(), { id: 'u1' })
  const [user, userToken] = [await id(), client.token as string]
  t.not(user, visitor)
  t.strictSame(await who(), SOMEBODY)
  t.strictSame(await data(), { visits: 0, theme: 'light', cart: [], passport: 'u1' }, 'the cart and the CSRF secret of before are gone')

  const attacker = newClient()
  attacker.jar.set('__Host-Http-session', visitorToken)
  t.strictSame(await who(attacker), NOBODY, 'fixation: the token of before the login')

  await client.get('/logout')
  t.not(await id(), user)
  t.strictSame(await who(), NOBODY)
  t.notOk('passport' in await data())
  const thief = newClient()
  thief.jar.set('__Host-Http-session', userToken)
  t.strictSame(await who(thief), backend === 'cookie' ? SOMEBODY : NOBODY, 'after logout a copy is dead where a store says so, and only there')
}))

t.test('@fastify/passport: a failed login changes nothing and opens no session', t => eachBackend(t, async (t, backend) => {
  const { client, who, data } = await passing(t, { backend })
  t.equal((await client.get('/login')).statusCode, 401)
  t.strictSame(await who(), NOBODY)
  t.equal(client.jar.size, 0)
  await client.get('/add')
  await client.get('/login')
  t.match(await data(), { cart: TEA })
}))

t.test('@fastify/passport: keepSessionInfo keeps all of it, under a new id', t => eachBackend(t, async (t, backend) => {
  const { client, who, data, id } = await passing(t, { backend, keepSessionInfo: true })
  await client.get('/add')
  const before = await id()
  await client.get('/login?user=u1')
  t.not(await id(), before)
  t.strictSame(await who(), SOMEBODY)
  t.match(await data(), { cart: TEA, passport: 'u1' })
}))

t.test('@fastify/passport: clearSessionOnLogin: false keeps all of it at login and at logout, under new ids', t => eachBackend(t, async (t, backend) => {
  const { client, who, data, id } = await passing(t, { backend, clearSessionOnLogin: false })
  await client.get('/add')
  const before = await id()
  await client.get('/login?user=u1')
  const between = await id()
  t.strictSame(await who(), SOMEBODY)
  t.match(await data(), { cart: TEA, passport: 'u1' })
  await client.get('/logout')
  t.equal(new Set([before, between, await id()]).size, 3)
  t.strictSame(await data(), { visits: 0, theme: 'light', cart: TEA })
}))

t.test('@fastify/passport: clearSessionIgnoreFields are kept at login', t => eachBackend(t, async (t, backend) => {
  const { client, data } = await passing(t, { backend, clearSessionIgnoreFields: ['cart', 'no such key'] })
  await client.get('/add')
  await client.get('/login?user=u1')
  t.match(await data(), { cart: TEA, passport: 'u1' })
}))

t.test('@fastify/passport: another user on the same browser, one whose id is falsy, and one that is gone', t => eachBackend(t, async (t, backend) => {
  const { client, who, data } = await passing(t, { backend })
  await client.get('/login?user=u1')
  await client.get('/login?user=zero')
  t.strictSame(await who(), { user: { id: 0 }, authenticated: true })
  await client.get('/login?user=gone')
  t.strictSame(await who(), NOBODY, 'passport logs out who cannot be found')
  t.notOk('passport' in await data())
}))

t.test('@fastify/passport: messages, return addresses and flash after logout', t => eachBackend(t, async (t, backend) => {
  const { client, data } = await passing(t, { backend, clearSessionIgnoreFields: ['messages', 'returnTo'] })
  await client.get('/login-message')
  t.match(await data(), { messages: ['sorry'] })
  await client.get('/login-message?user=u1')
  t.match(await data(), { messages: ['sorry', 'welcome'], passport: 'u1' })
  await client.get('/goodbye')
  t.strictSame((await client.get('/flashed')).json(), { info: ['bye'] })
  await client.get('/want')
  const response = await client.get('/login-return?user=u1')
  t.equal(response.statusCode, 302)
  t.equal(response.headers.location, '/secret')
  t.notOk('returnTo' in await data())
}))

t.test('@fastify/passport: declared in the schema, the key can be a change of privilege', t => eachBackend(t, async (t, backend) => {
  const schema = z.object({ passport: z.string().optional(), cart: z.array(z.string()).default(() => []) })
  interface Live { authenticatedAt: Date | null, passport?: string }
  const passport = new Authenticator()
  passport.use(new NameStrategy())
  passport.registerUserSerializer(async (user: { id: string }) => user.id)
  passport.registerUserDeserializer(async (id: string) => ({ id }))
  const { app, client, run } = await scene<Live>(t, schema, { backend, options: { rotateOn: ['passport'], subject: 'passport', undeclaredKeys: ['flash'] } })
  app.register(passport.initialize())
  app.register(passport.secureSession())
  await app.after()
  app.get('/login', { preValidation: passport.authenticate('name') }, async () => 'in')
  await client.get('/login?user=u1')
  t.type((await run((s) => s.authenticatedAt)).value, Date)
  t.equal((await run((s) => s.passport)).value, 'u1')
}))

t.test('two Authenticators with keys of their own', t => eachBackend(t, async (t, backend) => {
  const built = await buildApp(t, { backend, undeclaredKeys: ['userPassport', 'adminPassport', 'flash'] })
  const { app, client } = built
  const all = (['user', 'admin'] as const).map((name) => {
    const passport = new Authenticator({ key: `${name}Passport`, userProperty: name, clearSessionOnLogin: false })
    passport.use(new NameStrategy())
    passport.registerUserSerializer(async (user: { id: string }) => user.id)
    passport.registerUserDeserializer(async (id: string) => ({ id }))
    return [name, passport] as const
  })
  for (const [name, passport] of all) {
    app.register(async (app) => {
      app.register(passport.initialize())
      app.register(passport.secureSession())
      await app.after()
      app.get(`/${name}`, { preValidation: passport.authenticate('name', { authInfo: false } as object) }, async () => name)
    })
  }
  app.get('/data', async (request) => sessionOf(request).data())
  await client.get('/user?user=u1')
  await client.get('/admin?user=a1')
  t.match((await client.get('/data')).json(), { userPassport: 'u1', adminPassport: 'a1' })
}))

interface Loose extends Record<string, Record<string, unknown> | undefined> {}

/** As passport-oauth2 (`lib/state/session.js`, `lib/state/pkcesession.js`) does it: on the session itself, with no method. */
class OAuthStrategy extends Strategy {
  readonly key = 'oauth2:accounts.example'
  constructor () { super('oauth2') }
  override authenticate (request: FastifyRequest): void {
    const session = sessionOf(request) as unknown as Loose
    const { code, state } = request.query as { code?: string, state?: string }
    if (code === undefined) return this.begin(session)
    const kept = session[this.key]
    if (kept === undefined) return this.fail('nothing was asked for', 403)
    const expected = kept['state']
    delete kept['state']
    if (Object.keys(kept).length === 0) delete session[this.key]
    if (expected === undefined || expected !== state) return this.fail('another state', 403)
    delete session[this.key]
    this.success({ id: `by ${String(kept['verifier'])}` })
  }

  begin (session: Loose): void {
    if (session[this.key] === undefined) session[this.key] = {}
    const kept = session[this.key] as Record<string, unknown>
    kept['state'] = 's1'
    kept['verifier'] = 'v1'
    this.redirect('https://accounts.example/authorize?state=s1')
  }
}

t.test('a strategy in the manner of passport-oauth2 keeps its state between two requests, once', t => eachBackend(t, async (t, backend) => {
  const { app, client, newClient } = await buildApp(t, { backend, undeclaredKeys: ['passport', 'flash', /^oauth2:/] })
  const passport = new Authenticator()
  passport.use(new OAuthStrategy())
  passport.registerUserSerializer(async (user: { id: string }) => user.id)
  passport.registerUserDeserializer(async (id: string) => ({ id }))
  app.register(passport.initialize())
  app.register(passport.secureSession())
  await app.after()
  app.get('/auth', { preValidation: passport.authenticate('oauth2') }, async (request) => request.user)
  app.get('/data', async (request) => sessionOf(request).data())
  const data = async () => (await client.get('/data')).json() as object

  t.equal((await client.get('/auth')).statusCode, 302)
  t.match(await data(), { 'oauth2:accounts.example': { state: 's1', verifier: 'v1' } })
  const other = newClient()
  t.equal((await other.get('/auth?code=c&state=s1')).statusCode, 403, 'the answer to another browser\'s question')
  t.equal((await client.get('/auth?code=c&state=s2')).statusCode, 403)
  t.match(await data(), { 'oauth2:accounts.example': { verifier: 'v1' } }, 'one guess is all: the nested delete is kept')
  t.equal((await client.get('/auth?code=c&state=s1')).statusCode, 403)
  await client.get('/auth')
  t.strictSame((await client.get('/auth?code=c&state=s1')).json(), { id: 'by v1' })
  t.notOk('oauth2:accounts.example' in await data(), 'the verifier is gone')
  t.equal((await client.get('/auth?code=c&state=s1')).statusCode, 403)
}))
