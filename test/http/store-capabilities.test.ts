import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionStore, StoreCapabilities } from '../../types/index.js'
import { buildApp } from '../support/app.js'

const all: StoreCapabilities = { atomicCreate: true, compareAndSet: true, safeTouch: true }
const lost = 'of parallel saves one can be lost, and one can bring back a session that has ended'
const back = 'a touch can bring back a session that has ended'
const twice = 'two sessions can begin under one id'

const cases: Array<{ what: string, capabilities?: StoreCapabilities, lacks: string[], says: string[] }> = [
  { what: 'that says nothing of itself', lacks: [], says: [] },
  { what: 'that promises everything', capabilities: all, lacks: [], says: [] },
  { what: 'without compare-and-set', capabilities: { ...all, compareAndSet: false }, lacks: ['compareAndSet'], says: [lost] },
  { what: 'whose touch is a write', capabilities: { ...all, safeTouch: false }, lacks: ['safeTouch'], says: [back] },
  {
    what: 'that promises nothing',
    capabilities: { atomicCreate: false, compareAndSet: false, safeTouch: false },
    lacks: ['atomicCreate', 'compareAndSet', 'safeTouch'],
    says: [twice, lost, back]
  }
]

for (const { what, capabilities, lacks, says } of cases) {
  t.test(`register warns once of what a store ${what} lacks: ${lacks.join(', ') || 'nothing'}`, async (t) => {
    const store: SessionStore = Object.assign(memoryStore(), capabilities && { capabilities })
    const { client, logs } = await buildApp(t, { backend: 'memory', store })
    await client.get('/')
    await client.get('/')
    const warnings = logs.filter((line) => 'lacks' in line)
    t.strictSame(warnings.map(({ level, session, lacks }) => ({ level, session, lacks })), lacks.length > 0 ? [{ level: 40, session: 'session', lacks }] : [])
    for (const sentence of says) t.match(String(warnings[0]?.msg), sentence)
  })
}

t.test('a session in the cookie lacks nothing of a store', async (t) => {
  const { logs } = await buildApp(t, { backend: 'cookie' })
  t.strictSame(logs.filter((line) => 'lacks' in line), [])
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
