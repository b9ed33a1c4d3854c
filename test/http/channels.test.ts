import { channel, tracingChannel } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { eachBackend } from '../support/app.js'
import { FaultyStore, driverError } from '../support/faulty-store.js'
import { hookApp } from '../support/hook-app.js'

type Message = Record<string, unknown>

const NAMES = ['load', 'save', 'rotate', 'destroy', 'reject', 'conflict'] as const

/** What each channel publishes during the test, without the request. */
function listen (t: Pick<Test, 'teardown'>): { seen: Array<[string, Message]>, requests: unknown[] } {
  const seen: Array<[string, Message]> = []
  const requests: unknown[] = []
  for (const name of NAMES) {
    const told = (message: unknown) => {
      const { request, ...others } = message as Message
      requests.push(request)
      seen.push([name, others])
    }
    channel(`fastify-typed-session:${name}`).subscribe(told)
    t.teardown(() => channel(`fastify-typed-session:${name}`).unsubscribe(told))
  }
  return { seen, requests }
}

/** Every event of every call to a store. */
function trace (t: Pick<Test, 'teardown'>): Array<[string, Message]> {
  const seen: Array<[string, Message]> = []
  const told = (name: string) => (message: unknown) => { seen.push([name, { ...message as Message }]) }
  const subscribers = { start: told('start'), end: told('end'), asyncStart: told('asyncStart'), asyncEnd: told('asyncEnd'), error: told('error') }
  tracingChannel('fastify-typed-session:store').subscribe(subscribers)
  t.teardown(() => tracingChannel('fastify-typed-session:store').unsubscribe(subscribers))
  return seen
}

t.test('the channels of a life: each in its place, without data', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client } = await hookApp(t, { backend })
    const { seen, requests } = listen(t)
    const after = async (url: string) => {
      seen.length = 0
      await client.get(url)
      return seen.map(([name, { id, previousId, ...others }]) => [name, others])
    }
    const session = 'session'
    t.strictSame(await after('/id'), [])
    t.strictSame(await after('/write'), [['save', { session, isNew: true, keys: ['visits'] }]])
    const id = (await client.get('/id')).body
    t.strictSame(await after('/write'), [['load', { session }], ['save', { session, isNew: false, keys: ['visits'] }]])
    t.equal(seen[1]![1].id, id)
    t.strictSame(await after('/rotate'), [['load', { session }], ['rotate', { session, reason: 'requested' }]])
    t.equal(seen[1]![1].previousId, id)
    t.strictSame(await after('/login'), [['load', { session }], ['rotate', { session, reason: 'privilege' }], ['save', { session, isNew: false, keys: ['userId'] }]])
    t.strictSame(await after('/destroy'), [['load', { session }], ['destroy', { session }]])
    client.jar.set('__Host-Http-session', '~')
    t.strictSame(await after('/id'), [['reject', { session, reason: backend === 'memory' ? 'malformed' : 'forged', paths: [] }]])
    t.equal((requests.at(-1) as { url: string }).url, '/id')
  })
})

t.test('a conflict names the keys that both changed', async t => {
  const { client, app } = await hookApp(t, { backend: 'memory' })
  app.get('/slow', async ({ session }) => {
    session.note = 'slow'
    session.theme = 'dark'
    await client.get('/note', { cookie: client.header })
  })
  await client.get('/write')
  const { seen } = listen(t)
  await client.get('/slow')
  t.match(seen.find(([name]) => name === 'conflict'), ['conflict', { keys: ['note'], data: undefined }])
  t.strictSame(seen.at(-1)?.[1].keys, ['note', 'theme'], 'and the save those that it changed')
})

t.test('a message is frozen: no subscriber changes what the next one sees', async t => {
  const { client } = await hookApp(t, { backend: 'memory' })
  let message: unknown
  const told = (given: unknown) => { message = given }
  channel('fastify-typed-session:save').subscribe(told)
  t.teardown(() => channel('fastify-typed-session:save').unsubscribe(told))
  await client.get('/write')
  t.ok(Object.isFrozen(message))
})

t.test('each call to a store is traced, with its outcome and without what was found', async t => {
  const { client } = await hookApp(t, { backend: 'memory' })
  const seen = trace(t)
  const after = async (url: string) => {
    seen.length = 0
    await client.get(url)
    return seen.filter(([name]) => name === 'end').map(([, message]) => message)
  }
  const store = 'memoryStore'
  t.strictSame(await after('/write'), [{ operation: 'create', store, outcome: 'created' }])
  t.strictSame(await after('/write'), [{ operation: 'load', store, outcome: 'found' }, { operation: 'replace', store, outcome: 'replaced' }])
  t.ok(seen.every(([name]) => name === 'start' || name === 'end'), 'a store that answers at once has no asynchronous part')
})

t.test('a store that answers by promises is traced until it has answered, or failed', async t => {
  const store = new FaultyStore(memoryStore())
  const answerLater = (call: () => Promise<unknown>) => new Promise((resolve) => setImmediate(() => resolve(call())))
  for (const operation of ['create', 'load', 'replace'] as const) store.break(operation, answerLater)
  const { client } = await hookApp(t, { backend: 'memory', store })
  await client.get('/write')
  const seen = trace(t)
  await client.get('/write')
  t.strictSame(seen.map(([name, { operation, outcome }]) => [name, operation, outcome]), ['load', 'replace'].flatMap((operation) => {
    const outcome = operation === 'load' ? 'found' : 'replaced'
    return [['start', operation, undefined], ['end', operation, undefined], ['asyncStart', operation, outcome], ['asyncEnd', operation, outcome]]
  }))
  store.heal()
  store.break('load', () => Promise.reject(driverError()))
  seen.length = 0
  await client.get('/id')
  t.strictSame(seen.map(([name]) => name), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  t.match(seen[2]![1], { operation: 'load', error: { code: 'FST_TYPED_SESSION_STORE_FAILED' } })
  store.heal()
  store.break('load', () => { throw driverError() })
  seen.length = 0
  await client.get('/id')
  t.strictSame(seen.map(([name]) => name), ['start', 'error', 'end'], 'what it throws is traced, too')
})

t.test('an id that is taken, and one that is not there, are outcomes', async t => {
  const store = new FaultyStore(memoryStore())
  const { client, sessions } = await hookApp(t, { backend: 'memory', store, subject: 'userId' })
  const seen = trace(t)
  store.break('create', () => Promise.resolve(false), { times: 1 })
  await client.get('/login')
  t.match(seen.filter(([name]) => name === 'asyncEnd').map(([, { outcome }]) => outcome), ['taken'])
  store.break('load', () => null, { times: 1 })
  seen.length = 0
  await client.get('/id')
  t.match(seen.find(([name]) => name === 'end'), ['end', { operation: 'load', outcome: 'missing' }])
  seen.length = 0
  await sessions.list('u1')
  t.match(seen.filter(([name]) => name === 'asyncEnd').map(([, { operation, outcome }]) => [operation, outcome]), [['findBySubject', 'done']])
})
