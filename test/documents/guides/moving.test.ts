import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { ConnectReader } from '../../../lib/adopt.js'
import { memoryStore } from '../../../lib/stores/memory.js'
import type { SessionStore } from '../../../types/index.js'
import { flaskGuideApplication, withoutFlask } from '../../support/flask.js'
import { browser, runGuide } from '../../support/guide.js'
import { expressApplication, fastifySessionApplication, OLD_KEY, OLD_KEY_BASE64, type OldApplication, secureSessionApplication, untyped } from '../../support/old-applications.js'
import { skipOrFail } from '../../support/skip.js'

process.env.ADOPT_UNTIL = new Date(Date.now() + 86_400_000).toISOString()

async function goesOn (t: Test, app: FastifyInstance, old: OldApplication, cookie: string): Promise<void> {
  t.teardown(() => app.close())
  const [name, value] = await old.signIn('ann')
  t.equal(name, cookie)
  const ann = browser(app)
  ann.jar.set(name, value)
  t.match(await ann.get('/me'), { statusCode: 200, body: /"userId":"ann"/ })
  t.equal(await old.userOf(value), 'ann', 'the way back')
  ann.jar.delete(name)
  t.equal((await ann.get('/me')).statusCode, 200)
  ann.jar.set(name, value)
  await ann.post('/logout')
  t.equal(ann.jar.size, 0)
  t.equal(await old.userOf(value), old.keeps ? null : 'ann')
  ann.jar.set(name, value)
  t.equal((await ann.get('/me')).statusCode, 401)
}

for (const [guide, start, cookie, module] of [
  ['moving-from-express-session', expressApplication, 'connect.sid', 'express-session'],
  ['moving-from-fastify-session', fastifySessionApplication, 'sessionId', '@fastify/session']
] as const) {
  t.test(`${guide}: whoever is signed in there is signed in here`, async (t) => {
    process.env.OLD_SECRET = OLD_KEY
    const { buildApp } = await runGuide<{ buildApp (old: ConnectReader, store: SessionStore): FastifyInstance }>(t, guide)
    const store = new (untyped(module).MemoryStore)() as ConnectReader
    const old = await start(t, { store, cookiePrefix: '' })
    await goesOn(t, buildApp(store, memoryStore()), old, cookie)
  })
}

t.test('moving-from-secure-session: whoever is signed in there is signed in here', async (t) => {
  process.env.OLD_SECRET = OLD_KEY_BASE64
  const { buildApp } = await runGuide<{ buildApp (): FastifyInstance }>(t, 'moving-from-secure-session')
  await goesOn(t, buildApp(), await secureSessionApplication(t, { cookie: 'session' }), 'session')
})

t.test('moving-from-flask: whoever is signed in there is signed in here, with cart and time', async (t) => {
  if (withoutFlask !== null) return skipOrFail(t, withoutFlask)
  process.env.OLD_SECRET = OLD_KEY
  const { buildApp } = await runGuide<{ buildApp (): FastifyInstance }>(t, 'moving-from-flask')
  const old = await flaskGuideApplication(t)
  const app = buildApp()
  const [name, value] = await old.signIn('ann')
  const { userId, cart, lastSeen } = (await app.inject({ url: '/me', headers: { cookie: `${name}=${value}` } })).json()
  t.strictSame([userId, cart], ['ann', ['tea']])
  t.match(lastSeen, /^\d{4}-\d\d-\d\dT/)
  await goesOn(t, app, old, 'session')
})
