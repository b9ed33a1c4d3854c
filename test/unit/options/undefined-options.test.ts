import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import sessionPlugin, { createSession, type RouteSessionOptions } from '../../../lib/index.js'
import { fileStore } from '../../../lib/stores/file.js'
import { memoryStore } from '../../../lib/stores/memory.js'
import { migratingStore } from '../../../lib/stores/adapters/migrating.js'
import { tieredStore } from '../../../lib/stores/adapters/tiered.js'
import { SECRET } from '../../support/app.js'
import { membersOf } from '../../support/declarations.js'

// `store: production ? redisStore({ client }) : undefined`, where TypeScript's exactOptionalPropertyTypes tells it from no store.

const schema = z.object({ cart: z.array(z.string()).default([]) })
const required = { schema, secret: SECRET }
const nothing = (...types: [file: string, name: string][]) =>
  Object.fromEntries(types.flatMap(([file, name]) => membersOf(file, name)).map(({ name }) => [name, undefined]))

const options = {
  ...nothing(['options.ts', 'PluginOptions']),
  ...required
}
const nested = { ...options, cookie: nothing(['options.ts', 'CookieOptions']), merge: { cart: undefined }, hooks: nothing(['hooks.ts', 'SessionHooks']) }

for (const [title, given] of [['an option', options], ['a hook, a resolver or a cookie option', nested]] as const) {
  t.test(`${title} that is undefined is as good as left out`, async (t) => {
    t.ok(Object.keys(given).length > 25)
    const [plain, undefineds] = [Fastify(), Fastify()]
    await plain.register(sessionPlugin, required as never)
    await undefineds.register(sessionPlugin, given as never)
    t.strictSame(undefineds.sessions.policy(), plain.sessions.policy())
  })
}

t.test('so is one of a handle, and the session works', async (t) => {
  const app = Fastify()
  const handle = createSession(schema, { ...nested, schema: undefined } as never)
  await app.register(handle.plugin)
  const route: { session: RouteSessionOptions | undefined } = { session: undefined }
  app.get('/', { config: route }, async (request) => handle.get(request).cart.push('tea'))
  const response = await app.inject('/')
  t.equal(response.body, '1')
  t.ok(response.headers['set-cookie'])
})

t.test('so is one of a store', async (t) => {
  const memory = memoryStore({ maxEntries: undefined, maxBytes: undefined })
  const stores = [
    memory,
    fileStore({ directory: join(t.testdir(), 'sessions'), lockTimeout: undefined }),
    migratingStore({ from: memory, to: memoryStore(), prepare: undefined }),
    tieredStore({ cache: memoryStore(), store: memory, staleness: undefined, cacheTimeout: undefined })
  ]
  for (const store of stores) {
    t.equal(await store.create('one', 'payload', Date.now() + 60_000), true)
    t.equal(await store.load('one'), 'payload')
    await store.delete('one')
  }
})
