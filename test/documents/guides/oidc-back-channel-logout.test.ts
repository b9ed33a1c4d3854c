import { createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import { mock } from 'node:test'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { type MemoryStore, memoryStore } from '../../../lib/stores/memory.js'
import type { Client } from '../../support/app.js'
import { browser, runGuide } from '../../support/guide.js'

const ISSUER = 'https://login.example.com'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const START = 1_800_000_000

interface Key { readonly kid: string, readonly alg: string, readonly publicKey: KeyObject, readonly privateKey: KeyObject }
const rsa: Key = { kid: 'rsa', alg: 'RS256', ...generateKeyPairSync('rsa', { modulusLength: 2048 }) }
const ec: Key = { kid: 'ec', alg: 'ES256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) }
const strange: Key = { kid: 'rsa', alg: 'RS256', ...generateKeyPairSync('rsa', { modulusLength: 2048 }) }
const keys = [rsa, ec].map(({ kid, alg, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }) as JsonWebKey, kid, alg }))

const encode = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const claims = (more: object = {}) => ({ iss: ISSUER, aud: 'shop', iat: START, exp: START + 120, jti: randomUUID(), sub: 'ada', events: { [EVENT]: {} }, ...more })

interface Making { readonly key?: Key, readonly head?: object, readonly dsaEncoding?: 'der' | 'ieee-p1363' }
const tokenOf = (body: unknown, { key = rsa, head = {}, dsaEncoding = 'ieee-p1363' }: Making = {}): string => {
  const signed = `${encode({ typ: 'logout+jwt', alg: key.alg, kid: key.kid, ...head })}.${encode(body)}`
  return `${signed}.${sign('sha256', Buffer.from(signed), { key: key.privateKey, dsaEncoding }).toString('base64url')}`
}

/** The application, its provider, and four sign-ins: of ada with two `sid`, and with none; of grace. */
const open = async (t: Test, servers = 1) => {
  mock.timers.enable({ apis: ['Date'], now: START * 1000 })
  t.teardown(() => mock.timers.reset())
  const { buildApp } = await runGuide<{ buildApp (provider: object, store: MemoryStore): FastifyInstance }>(t, 'oidc-back-channel-logout')
  const store = memoryStore()
  const finishSignIn = async ({ query }: FastifyRequest) => query
  const apps = Array.from({ length: servers }, () => buildApp({ issuer: ISSUER, clientId: 'shop', keys, finishSignIn }, store))
  t.teardown(async () => { for (const app of apps) await app.close() })
  const app = apps[0] as FastifyInstance
  const clients = { phone: browser(app), laptop: browser(app), old: browser(app), grace: browser(app) }
  await clients.phone.get('/callback?sub=ada&sid=s1')
  await clients.laptop.get('/callback?sub=ada&sid=s2')
  await clients.old.get('/callback?sub=ada')
  await clients.grace.get('/callback?sub=grace&sid=s3')
  const signedIn = async () => {
    const names: string[] = []
    for (const [name, client] of Object.entries<Client>(clients)) if ((await client.get('/me')).statusCode === 200) names.push(name)
    return names.join()
  }
  return { app, apps, store, signedIn }
}

const deliver = async (app: FastifyInstance, token: string, name = 'logout_token') => await app.inject({
  method: 'POST',
  url: '/backchannel-logout',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  payload: new URLSearchParams({ [name]: token }).toString()
})

const EVERYBODY = 'phone,laptop,old,grace'

for (const [what, body, left] of [
  ['a sub ends every session of that person', claims(), 'grace'],
  ['a sub and a sid end that one', claims({ sid: 's2' }), 'phone,old,grace'],
  ['a sid alone ends that one', claims({ sub: undefined, sid: 's1' }), 'laptop,old,grace'],
  ["a sid that is another person's ends nothing", claims({ sid: 's3' }), EVERYBODY],
  ['an unknown sid ends nothing', claims({ sub: undefined, sid: 's9' }), EVERYBODY],
  ['an unknown sub ends nothing', claims({ sub: 'mallory' }), EVERYBODY],
  ['several audiences with ours among them', claims({ aud: ['other', 'shop'] }), 'grace'],
  ['an event with members', claims({ events: { [EVENT]: { more: 1 }, other: 1 } }), 'grace'],
  ['claims that nobody knows', claims({ trace_id: 'x' }), 'grace']
] as const) {
  for (const key of [rsa, ec]) {
    t.test(`S-7.1.3: ${what} (${key.alg})`, async (t) => {
      const { app, signedIn } = await open(t)
      t.equal(await signedIn(), EVERYBODY)
      // The claims are those of the table, so `jti` is, too: each test has a store of its own.
      const answer = await deliver(app, tokenOf(body, { key }))
      t.match(answer, { statusCode: 200, headers: { 'cache-control': 'no-store', 'set-cookie': undefined } })
      t.equal(await signedIn(), left)
    })
  }
}

const without = (name: string) => Object.fromEntries(Object.entries(claims({ sid: 's1' })).filter(([key]) => key !== name))
const tampered = (token: string) => token.replace(/\.[^.]+\./, `.${encode(claims())}.`)
const unsigned = (alg: string, signature: string) => `${encode({ alg, kid: 'rsa' })}.${encode(claims())}.${signature}`
const hmac = (secret: Buffer | string) => {
  const signed = `${encode({ alg: 'HS256', kid: 'rsa' })}.${encode(claims())}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const bad: Record<string, () => string> = {
  'nothing at all': () => '',
  'no JSON Web Token': () => 'token',
  'two parts': () => tokenOf(claims()).split('.').slice(0, 2).join('.'),
  'four parts': () => `${tokenOf(claims())}.x`,
  'five parts, as if encrypted': () => 'a.b.c.d.e',
  'no JSON': () => tokenOf('{'),
  'no object': () => tokenOf('null'),
  'a list': () => tokenOf([claims()]),
  'claims that were changed': () => tampered(tokenOf(claims({ sub: 'grace' }))),
  'the key of somebody else': () => tokenOf(claims(), { key: strange }),
  'an unknown kid': () => tokenOf(claims(), { head: { kid: 'other' } }),
  'no kid': () => tokenOf(claims(), { head: { kid: undefined } }),
  'a kid of the other key': () => tokenOf(claims(), { head: { kid: 'ec' } }),
  'alg none': () => unsigned('none', ''),
  'alg none with a signature': () => unsigned('none', 'AAAA'),
  'alg HS256 with the public key as its secret': () => hmac(rsa.publicKey.export({ type: 'spki', format: 'pem' })),
  'an alg that is not that of the key': () => tokenOf(claims(), { head: { alg: 'ES256' } }),
  'a DER signature of ES256': () => tokenOf(claims(), { key: ec, dsaEncoding: 'der' }),
  'a critical extension': () => tokenOf(claims(), { head: { crit: ['exp'] } }),
  'a key in its own head': () => tokenOf(claims(), { key: strange, head: { kid: 'mine', jwk: strange.publicKey.export({ format: 'jwk' }) } }),
  'another issuer': () => tokenOf(claims({ iss: 'https://evil.example' })),
  'another audience': () => tokenOf(claims({ aud: 'other' })),
  'other audiences': () => tokenOf(claims({ aud: ['other', 'shopping'] })),
  expired: () => tokenOf(claims({ iat: START - 200, exp: START - 61 })),
  'issued in the future': () => tokenOf(claims({ iat: START + 61 })),
  'issued long ago, whatever its exp': () => tokenOf(claims({ iat: START - 661, exp: START + 86_400 })),
  'times that are texts': () => tokenOf(claims({ iat: String(START), exp: String(START + 120) })),
  'an empty jti': () => tokenOf(claims({ jti: '' })),
  'another event': () => tokenOf(claims({ events: { 'http://schemas.openid.net/event/other': {} } })),
  'an event that is a text': () => tokenOf(claims({ events: { [EVENT]: 'yes' } })),
  'a list of events': () => tokenOf(claims({ events: [EVENT] })),
  'a nonce: an ID token': () => tokenOf(claims({ nonce: 'n' })),
  'an empty nonce': () => tokenOf(claims({ nonce: '' })),
  'neither sub nor sid': () => tokenOf(claims({ sub: undefined })),
  'a sub that is no text': () => tokenOf(claims({ sub: ['ada'] })),
  ...Object.fromEntries(['iss', 'aud', 'iat', 'exp', 'jti', 'events'].map((name) => [`no ${name}`, () => tokenOf(without(name))]))
}

t.test('S-7.1.3: a token that does not hold is a 400 and ends nothing', async (t) => {
  const { app, signedIn } = await open(t)
  for (const [what, make] of Object.entries(bad)) {
    t.match(await deliver(app, make()), { statusCode: 400, headers: { 'cache-control': 'no-store' }, body: '{"error":"invalid_request"}' }, what)
  }
  t.equal((await deliver(app, tokenOf(claims()), 'id_token')).statusCode, 400)
  t.equal((await app.inject({ method: 'POST', url: '/backchannel-logout' })).statusCode, 400)
  t.equal((await app.inject({ method: 'POST', url: '/backchannel-logout', payload: { logout_token: { sub: 'ada' } } })).statusCode, 400)
  t.equal(await signedIn(), EVERYBODY)
  t.equal((await deliver(app, tokenOf(without('sub')))).statusCode, 200, 'what each was made from does hold')
})

t.test('the clocks may differ by a minute', async (t) => {
  const { app } = await open(t)
  for (const body of [claims({ iat: START + 60 }), claims({ iat: START - 100, exp: START - 59 })]) t.equal((await deliver(app, tokenOf(body))).statusCode, 200)
})

t.test('a token counts once, on all servers; a later sign-in is not ended by it', async (t) => {
  const { app, apps, signedIn } = await open(t, 2)
  const other = apps[1] as FastifyInstance
  const token = tokenOf(claims({ exp: START + 86_400 }))
  const answers = await Promise.all([deliver(app, token), deliver(other, token), deliver(app, token)])
  t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [200, 400, 400])
  t.equal(await signedIn(), 'grace')
  const again = browser(app)
  await again.get('/callback?sub=ada&sid=s4')
  for (const seconds of [0, 300, 600, 660, 720, 721, 3600, 86_000]) {
    mock.timers.setTime((START + seconds) * 1000)
    t.equal((await deliver(other, token)).statusCode, 400, `after ${seconds} seconds`)
  }
  t.equal((await again.get('/me')).statusCode, 200)
})

t.test('while the store fails it is a 503, and the same token may come again', async (t) => {
  const { app, store, signedIn } = await open(t)
  const { findBySubject } = store
  store.findBySubject = () => { throw new Error('secret of the store') }
  const token = tokenOf(claims())
  const answer = await deliver(app, token)
  t.match(answer, { statusCode: 503, headers: { 'cache-control': 'no-store' } })
  t.notMatch(answer.body, /secret/)
  store.findBySubject = findBySubject
  t.equal((await deliver(app, token)).statusCode, 200)
  t.equal(await signedIn(), 'grace')
})

t.test('over HTTP, from a provider that posts as the standard says', async (t) => {
  const { app, signedIn } = await open(t)
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(`${address}/backchannel-logout`, { method: 'POST', body: new URLSearchParams({ logout_token: tokenOf(claims({ sid: 's1' })) }) })
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('cache-control'), 'no-store')
  t.equal(await signedIn(), 'laptop,old,grace')
})
