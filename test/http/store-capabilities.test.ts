import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionStore } from '../../types/index.js'
import { buildApp } from '../support/app.js'

for (const { what, atomic } of [{ what: 'that says nothing of itself' }, { what: 'that is atomic', atomic: true }, { what: 'that is not atomic', atomic: false }]) {
  t.test(`register ${atomic === false ? 'warns once' : 'has nothing to say'} of a store ${what}`, async (t) => {
    const store: SessionStore = Object.assign(memoryStore(), atomic !== undefined && { atomic })
    const { client, logs } = await buildApp(t, { backend: 'memory', store })
    await client.get('/')
    await client.get('/')
    const warnings = logs.filter((line) => 'atomic' in line)
    t.strictSame(warnings.map(({ level, session, atomic }) => ({ level, session, atomic })), atomic === false ? [{ level: 40, session: 'session', atomic }] : [])
    for (const { msg } of warnings) t.match(String(msg), 'one of two parallel saves can be lost, or bring back a session that has ended')
  })
}

t.test('a session in the cookie lacks nothing of a store', async (t) => {
  const { logs } = await buildApp(t, { backend: 'cookie' })
  t.strictSame(logs.filter((line) => 'atomic' in line), [])
})

t.test('an option that needs to find sessions by subject is refused with a store that cannot', async (t) => {
  const memory = memoryStore()
  const store: SessionStore = {
    create: (...call) => memory.create(...call),
    load: (id) => memory.load(id),
    replace: (...call) => memory.replace(...call),
    touch: (...call) => memory.touch(...call),
    delete: (id) => memory.delete(id)
  }
  await t.rejects(buildApp(t, { backend: 'memory', store, subject: 'userId' }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /subject.*findBySubject/ })
  await t.resolves(buildApp(t, { backend: 'memory', store }))
  await t.resolves(buildApp(t, { backend: 'memory', store: memory, subject: 'userId' }))
  await t.resolves(buildApp(t, { backend: 'cookie', subject: 'userId' }), 'a cookie session says whose it is, too')
})
