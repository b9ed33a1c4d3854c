import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppOptions, buildApp, SECRET } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'
import { DRIVER_TEXT, FAULTS, FaultyStore } from '../support/faulty-store.js'

const OLD_SECRET = 'k0Pz7m3Vb1xYs9Qd5uWa2rTg8eHc4fJn6lMiOpXvBtE'

/** A session that was saved three hours ago under `before`, and the application that reads it now; its store reads, but refuses to write. */
async function scene (t: Test, where: 'store' | 'revocations', { before = {}, now = {} }: { before?: Partial<AppOptions>, now?: Partial<AppOptions> }) {
  stopTime(t)
  const store = new FaultyStore(memoryStore())
  const place = where === 'store' ? { backend: 'memory', store } as const : { backend: 'cookie', revocations: store } as const
  const first = await buildApp(t, { ...place, ...before })
  first.app.get('/login', async ({ session }) => { session.userId = 'ann' })
  await first.client.get('/login')
  const built = await buildApp(t, { ...place, ...now })
  built.app.get('/me', async ({ session }) => session.userId ?? 'nobody')
  built.app.get('/write', async ({ session }) => { session.visits++ })
  built.app.get('/touch', async ({ session }) => { session.touch() })
  pass(3 * 3_600_000)
  const refuse = () => { for (const operation of ['create', 'replace'] as const) store.break(operation, FAULTS.rejects!) }
  return { ...built, refuse, get: async (url: string) => await built.client.get(url, { cookie: first.client.header }) }
}

const DUE: Record<string, { before?: Partial<AppOptions>, now?: Partial<AppOptions> }> = {
  'the idle deadline': {},
  'a periodic rotation': { before: { rotateEvery: 3_600 }, now: { rotateEvery: 3_600 } },
  'a newer secret': { before: { secret: OLD_SECRET }, now: { secret: [SECRET, OLD_SECRET] } },
  'a newer version of the schema': { now: { version: 2 } }
}

for (const [due, options] of Object.entries(DUE)) {
  for (const where of ['store', 'revocations'] as const) {
    t.test(`${due} fails no request that only reads where the store refuses to write (${where})`, async (t) => {
      const { get, refuse, logs } = await scene(t, where, options)
      refuse()
      const response = await get('/me')
      t.strictSame([response.statusCode, response.body, response.headers['set-cookie']], [200, 'ann', undefined])
      const errors = logs.filter(({ level }) => Number(level) >= 50)
      t.match(errors, [{ msg: 'session could not be renewed: the next request tries again' }], 'said once')
      t.match(JSON.stringify(errors), DRIVER_TEXT)
    })
  }
}

t.test('the next request tries again, and a request that asks for a save is told that it failed', async (t) => {
  const { get, refuse } = await scene(t, 'store', {})
  refuse()
  t.equal((await get('/me')).statusCode, 200)
  t.equal((await get('/write')).statusCode, 503)
  t.equal((await get('/touch')).statusCode, 503)
})
