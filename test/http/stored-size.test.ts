import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { buildApp } from '../support/app.js'

const TOO_LARGE = 'FST_TYPED_SESSION_TOO_LARGE'

async function sized (t: Parameters<typeof buildApp>[0], options: object) {
  const store = memoryStore()
  const scene = await buildApp(t, { backend: 'memory', store, ...options })
  scene.app.get('/fill/:size/:of', async ({ session, params }) => {
    const { size, of } = params as { size: string, of: string }
    session.note = of.repeat(Number(size))
  })
  scene.app.get('/length', async ({ session }) => session.note?.length ?? 0)
  return { ...scene, store }
}

t.test('a stored session has 64 KiB, and may have what maxSize says', async (t) => {
  const usual = await sized(t, {})
  t.equal((await usual.client.get('/fill/65000/n')).statusCode, 200)
  t.equal((await usual.client.get('/fill/65536/n')).json().code, TOO_LARGE)
  const more = await sized(t, { maxSize: 200_000 })
  t.equal((await more.client.get('/fill/199000/n')).statusCode, 200)
  t.equal((await more.client.get('/length')).payload, '199000')
})

t.test('bytes count, not characters', async (t) => {
  const { client } = await sized(t, { maxSize: 3_000 })
  t.equal((await client.get('/fill/900/€')).statusCode, 200)
  t.equal((await client.get('/fill/1000/€')).json().code, TOO_LARGE)
  t.equal((await client.get('/fill/1000/n')).statusCode, 200)
})

t.test('what is too large is not kept, and the error names the biggest keys', async (t) => {
  const { app, client, store } = await sized(t, { maxSize: 2_000, undeclaredKeys: ['flash'] })
  app.get('/plugin', async ({ session }) => { (session as unknown as { flash: string }).flash = 'f'.repeat(2_500) })
  const fresh = await client.get('/fill/3000/n')
  t.match(fresh.json(), { code: TOO_LARGE, statusCode: 500, message: /record would have \d{4} bytes, maxSize is 2000\. Biggest keys: note \(3002\).*raise maxSize$/ })
  t.equal(store.size, 0)
  await client.get('/fill/1000/n')
  t.equal((await client.get('/fill/3000/n')).json().code, TOO_LARGE)
  t.equal((await client.get('/length')).payload, '1000', 'the session is as it was')
  t.match((await client.get('/plugin')).json().message, /Biggest keys: flash \(2502\), note \(1002\)/)
})

t.test('a bigger record is not read: it is rejected as too-large, and nobody parses it', async (t) => {
  const { client } = await sized(t, { maxSize: 100_000 })
  await client.get('/fill/90000/n')
  const store = memoryStore()
  const small = await buildApp(t, { backend: 'memory', store, maxSize: 2_000 })
  small.app.get('/write', async ({ session }) => { session.visits++ })
  small.app.get('/visits', async ({ session }) => session.visits)
  await small.client.get('/write')
  t.equal((await small.client.get('/visits')).payload, '1')
  const load = store.load.bind(store)
  // Spaces are no JSON of ours: what parses it calls it corrupt, or takes it.
  store.load = (id) => load(id)?.padEnd(2_001) ?? null
  t.equal((await small.client.get('/visits')).payload, '0')
  t.match(small.rejected(), [{ reason: 'too-large' }])
})

t.test('the records of revocations are as large as they are', async (t) => {
  const { app, client } = await buildApp(t, { backend: 'cookie', revocations: memoryStore(), subject: 'userId', maxSize: 1_024, describe: () => ({ text: 'd'.repeat(1_500) }) })
  app.get('/login', async ({ session }) => { session.userId = 'ann' })
  t.equal((await client.get('/login')).statusCode, 200)
})
