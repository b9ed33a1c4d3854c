import t from 'tap'
import { setCookies } from '../support/app.js'
import { timed } from '../support/clock.js'
import { faultyApp, UNAVAILABLE } from '../support/failure-app.js'
import { ATTACHED, driverError, type Fault } from '../support/faulty-store.js'

/** What a store should never answer, and no driver's error: the store breaks its contract. */
const GARBAGE: Readonly<Record<string, Fault>> = Object.fromEntries(
  [undefined, null, 'OK', 1, 0, {}, [], ATTACHED, 'true'].map((value) => [JSON.stringify(value) ?? 'undefined', () => Promise.resolve(value)]))

for (const [answer, fault] of Object.entries(GARBAGE)) {
  t.test(`create that answers ${answer} has not kept the session: 503, no cookie`, async t => {
    const { client, store, memory } = await faultyApp(t)
    store.break('create', fault)
    const response = await client.get('/write')
    t.strictSame(response.json(), UNAVAILABLE)
    t.strictSame(setCookies(response.headers), [])
    t.equal(memory.size, 0)
  })

  t.test(`replace that answers ${answer} has not kept the change: 503, and nothing in the log of what it answered`, async t => {
    const { client, store, logs } = await faultyApp(t)
    await client.get('/write')
    store.break('replace', fault)
    t.strictSame((await client.get('/write')).json(), UNAVAILABLE)
    t.strictSame((await client.get('/rotate')).json(), UNAVAILABLE)
    t.strictSame((await client.get('/destroy')).json(), UNAVAILABLE)
    t.notMatch(JSON.stringify(logs), ATTACHED)
    store.heal()
    t.equal((await client.get('/read')).json().visits, 1)
  })

  t.test(`delete may answer ${answer}: nobody asks`, async t => {
    const { client, store } = await faultyApp(t)
    await client.get('/write')
    store.break('delete', fault)
    t.equal((await client.get('/destroy')).statusCode, 200)
    t.equal(client.token, undefined)
  })
}

const twice: Fault = (call) => ({
  then (resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    call().then((value) => {
      resolve(value)
      resolve(null)
      reject(driverError())
    })
  }
})

t.test('an answer that comes twice, and then an error, counts once', async t => {
  const { client, store, uncaught } = await faultyApp(t)
  for (const operation of ['create', 'load', 'replace', 'delete'] as const) store.break(operation, twice)
  await client.get('/write')
  await client.get('/update')
  await client.get('/login')
  t.match((await client.get('/read')).json(), { visits: 2, userId: 'u1' })
  t.equal((await client.get('/destroy')).statusCode, 200)
  t.strictSame(uncaught, [])
})

t.test('R-13: a store that takes its time, but not too long, is a store that works', async t => {
  const { client, store } = await faultyApp(t)
  const slow: Fault = (call) => new Promise((resolve, reject) => setTimeout(() => { call().then(resolve, reject) }, 1_900))
  for (const operation of ['create', 'load', 'replace', 'delete'] as const) store.break(operation, slow)
  for (const url of ['/write', '/update', '/rotate', '/login']) t.equal((await timed(client.get(url))).value.statusCode, 200)
  t.match((await timed(client.get('/read'))).value.json(), { visits: 2, userId: 'u1' })
})

t.test('an id that is taken gets another one, three times over is an error that says so, and leaves nothing', async t => {
  const { client, store, memory } = await faultyApp(t)
  const taken: Fault = () => Promise.resolve(false)
  store.break('create', taken, { times: 2 })
  t.equal((await client.get('/write')).statusCode, 200)
  t.equal(memory.size, 1)
  const ids = store.arguments.map(([id]) => id)
  t.equal(new Set(ids).size, 3, 'each try has an id of its own (K-8)')
  store.break('create', taken)
  const response = await client.get('/rotate')
  t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_CONFLICT' })
  store.heal()
  t.equal((await client.get('/read')).json().visits, 1)
})

t.test('a replace that always answers conflict ends in a conflict, not in a loop', async t => {
  const { client, store } = await faultyApp(t)
  await client.get('/write')
  store.break('replace', () => Promise.resolve('conflict'))
  for (const url of ['/write', '/update', '/rotate', '/login']) {
    t.match((await client.get(url)).json(), { statusCode: 409, code: 'FST_TYPED_SESSION_CONFLICT' }, url)
  }
})

t.test('a store that cannot be made to end a session does not say that it did', async t => {
  const { client, store, memory } = await faultyApp(t)
  await client.get('/write')
  store.break('replace', () => Promise.resolve('conflict'))
  const response = await client.get('/destroy')
  t.strictSame(response.json(), UNAVAILABLE)
  t.notOk(store.calls.includes('delete'), 'nothing is deleted that has not been marked')
  store.heal()
  t.equal(memory.size, 1)
  t.equal((await client.get('/read')).json().visits, 1)
})
