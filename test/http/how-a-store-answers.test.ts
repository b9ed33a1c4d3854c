import t from 'tap'
import { buildApp } from '../support/app.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionStore } from '../../types/index.js'

type Answering = (value: unknown) => unknown

/** The memory store, answering in another way. */
function answering (answer: Answering): SessionStore {
  const store = memoryStore()
  return {
    create: (...record) => answer(store.create(...record)) as boolean,
    load: (id) => answer(store.load(id)) as string | null,
    replace: (...change) => answer(store.replace(...change)) as 'replaced',
    touch: (id, expiresAt) => answer(store.touch(id, expiresAt)) as boolean,
    delete: (id) => answer(store.delete(id)) as undefined,
    findBySubject: store.findBySubject.bind(store)
  }
}

/** What drivers that bring their own promises answer with. */
const thenable: Answering = (value) => ({
  then (resolve: (value: unknown) => void) { setImmediate(resolve, value) }
})

/** Every second call takes its time. */
function inTurn (): Answering {
  let calls = 0
  return (value) => calls++ % 2 === 0 ? value : Promise.resolve(value)
}

const WAYS: Readonly<Record<string, Answering>> = {
  'at once': (value) => value,
  'with a promise': async (value) => value,
  'with a promise that takes its time': async (value) => { await new Promise(setImmediate); return value },
  'with a promise of another make': thenable,
  'now in this way, now in that': inTurn()
}

for (const [way, answer] of Object.entries(WAYS)) {
  t.test(`a store that answers ${way} serves every step of a session`, async (t) => {
    const { app, client, newClient } = await buildApp(t, { backend: 'memory', store: answering(answer), subject: 'userId', rotateOn: ['userId'] })
    app.get('/write', async ({ session }) => ({ visits: ++session.visits }))
    app.get('/read', async ({ session }) => ({ visits: session.visits, userId: session.userId }))
    app.get('/login', async ({ session }) => { session.userId = 'ann' })
    app.get('/list', async () => (await app.sessions.list('ann')).length)
    app.get('/destroy', async ({ session }) => { await session.destroy() })
    await client.get('/write')
    t.equal((await client.get('/write')).json().visits, 2)
    const before = client.header
    await client.get('/login')
    t.strictSame((await client.get('/read')).json(), { visits: 2, userId: 'ann' })
    t.strictSame((await newClient().get('/read', { cookie: before })).json(), { visits: 0 }, 'the old id is over')
    t.equal((await client.get('/list')).body, '1')
    const after = client.header
    await client.get('/destroy')
    t.strictSame((await newClient().get('/read', { cookie: after })).json(), { visits: 0 })
  })
}

t.test('a promise of another make that rejects is a store that fails', async (t) => {
  const rejecting: Answering = () => ({
    then (_resolve: unknown, reject: (error: Error) => void) { setImmediate(reject, new Error('away')) }
  })
  const { app, client } = await buildApp(t, { backend: 'memory', store: answering(rejecting) })
  app.get('/write', async ({ session }) => ({ visits: ++session.visits }))
  t.equal((await client.get('/write')).statusCode, 503)
})

for (const [what, answer] of Object.entries({ 'nothing, as a Map does': undefined, bytes: Buffer.from('{}'), 'an object': { data: {} }, 'a number': 5 })) {
  t.test(`R-14: what a store's load resolves to is a corrupt record if it is ${what}, also the first time it is read`, async (t) => {
    const store = answering((value) => Promise.resolve(value))
    const { app, client, rejected } = await buildApp(t, { backend: 'memory', store })
    app.get('/write', async ({ session }) => ({ visits: ++session.visits }))
    await client.get('/write')
    store.load = async () => answer as never
    t.strictSame((await client.get('/write')).json(), { visits: 1 })
    t.match(rejected(), [{ reason: 'corrupt' }])
  })
}

t.test('a store that says `immediate` and answers by a promise is a store that fails, whether the promise is kept or not', async (t) => {
  for (const late of [async () => null, async () => { throw new Error('away') }]) {
    const store: SessionStore = Object.assign(answering((value) => value), { immediate: true })
    const { app, client, logs } = await buildApp(t, { backend: 'memory', store })
    app.get('/write', async ({ session }) => ({ visits: ++session.visits }))
    await client.get('/write')
    store.load = late
    t.equal((await client.get('/write')).statusCode, 503)
    t.match(JSON.stringify(logs), /load\(\) of the session store answered by a promise/)
  }
})
