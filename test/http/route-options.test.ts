import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import session, { createSession, withSession } from '../../lib/index.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { buildApp, SECRET } from '../support/app.js'

// Each message names the route: the mistake may be told long after it was made.
const WRONG: Readonly<Record<string, { given: unknown, message: RegExp }>> = {
  'a misspelt answer': { given: { onStoreError: 'fial' }, message: /config\.session\.onStoreError of \/late: must be one of: fail, anonymous/ },
  'a misspelt name': { given: { onStoreErorr: 'fail' }, message: /config\.session\.onStoreErorr of \/late: there is no such option/ },
  true: { given: true, message: /config\.session of \/late: must be false, .* or an object/ },
  "'false'": { given: 'false', message: /config\.session of \/late: must be false/ },
  'a requirement written by hand': { given: { require: { values: ['userId'] } }, message: /config\.session\.require of \/late: cannot be written by hand: spread requireSession/ },
  null: { given: null, message: /config\.session of \/late: must be false/ }
}

for (const [what, { given, message }] of Object.entries(WRONG)) {
  t.test(`${what} in a route's config is refused where the route is defined, and at the start where it was defined before the plugin ran`, async (t) => {
    const { app } = await buildApp(t, { backend: 'cookie' })
    const config = { session: given as false }
    const refused = { code: 'FST_TYPED_SESSION_INVALID_OPTION', message }
    t.throws(() => app.get('/late', { config }, async () => 'ok'), refused)

    const typed = withSession(Fastify(), createSession(z.object({}), { secret: SECRET }))
    t.teardown(() => typed.close())
    t.throws(() => typed.get('/late', { config }, async () => 'ok'), refused)

    const early = Fastify()
    t.teardown(() => early.close())
    early.register(session, { schema: z.object({}) as never, secret: SECRET })
    early.get('/late', { config }, async () => 'ok')
    await t.rejects(Promise.resolve(early.ready()), refused)
  })
}

t.test('what a route says of another session, or nothing, is right', async (t) => {
  const { app } = await buildApp(t, { backend: 'cookie' })
  const configs = [undefined, {}, { other: 'x' }, { session: {} }, { session: undefined }, { session: { onStoreError: undefined } }]
  for (const [index, config] of configs.entries()) app.get(`/${index}`, { config: config as object }, async () => 'ok')
  for (const index of configs.keys()) t.equal((await app.inject(`/${index}`)).statusCode, 200)
})

t.test('a store that several sessions share is closed once, and once for each application', async (t) => {
  let closed = 0
  const store = Object.assign(memoryStore(), { async close () { closed++ } })
  const schema = z.object({ n: z.int().default(0) })
  for (const round of [1, 2]) {
    const app = Fastify()
    for (const name of ['session', 'other']) await app.register(createSession(schema, { secret: SECRET, name, store }).plugin)
    await app.close()
    t.equal(closed, round)
  }
})
