import t from 'tap'
import { eachBackend, setCookies, settled } from '../support/app.js'
import { timed } from '../support/clock.js'
import { faultyApp, TIMEOUT, UNAVAILABLE } from '../support/failure-app.js'
import { DRIVER_TEXT, FAULTS, type Operation } from '../support/faulty-store.js'
import { buildApp } from '../support/app.js'

const broken = () => Object.assign(new Error('the handler failed'), { statusCode: 500 })

t.test('an error status leaves the session as it was found, however it comes about', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client } = await buildApp(t, { backend })
    app.get('/seed', async ({ session }) => { session.visits = 1 })
    app.get('/read', async ({ session }) => session.data())
    app.get('/throw', async ({ session }) => { session.visits = 2; throw broken() })
    app.get('/code', async ({ session }, reply) => { session.visits = 2; return await reply.code(502).send('bad gateway') })
    app.get('/login', async ({ session }) => { session.userId = 'u1'; throw broken() })
    app.get('/saved', async ({ session }) => { session.visits = 3; if (backend === 'memory') await session.save(); throw broken() })
    for (const url of ['/throw', '/code', '/login']) {
      const response = await client.get(url)
      t.ok(response.statusCode >= 500)
      t.strictSame(setCookies(response.headers), [], `${url}: a new session is not kept`)
    }
    await client.get('/seed')
    const before = client.token
    for (const url of ['/throw', '/code', '/login']) t.strictSame(setCookies((await client.get(url)).headers), [], url)
    t.equal(client.token, before)
    t.match((await client.get('/read')).json(), { visits: 1, userId: undefined })
    await client.get('/saved')
    t.equal((await client.get('/read')).json().visits, backend === 'memory' ? 3 : 1, 'what was saved before is saved')
  })
})

t.test('destroy() and rotate() happen even if the response is an error, without what was changed', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client, newClient } = await buildApp(t, { backend })
    app.get('/seed', async ({ session }) => { session.visits = 1 })
    app.get('/read', async ({ session }) => session.data())
    app.get('/rotate', async ({ session }) => { session.visits = 2; await session.rotate(); throw broken() })
    app.get('/destroy', async ({ session }) => { await session.destroy(); session.visits = 9; throw broken() })
    await client.get('/seed')
    const old = client.header
    t.equal((await client.get('/rotate')).statusCode, 500)
    t.not(client.header, old)
    t.equal((await client.get('/read')).json().visits, 1)
    if (backend !== 'cookie') t.equal((await newClient().get('/read', { cookie: old })).json().visits, 0, 'the old id is dead')
    const last = client.header
    t.equal((await client.get('/destroy')).statusCode, 500)
    t.equal(client.token, undefined, 'the cookie is removed')
    if (backend !== 'cookie') t.equal((await newClient().get('/read', { cookie: last })).json().visits, 0, 'the session has ended')
  })
})

for (const operation of ['replace', 'delete', 'create'] as const) {
  for (const [how, fault] of Object.entries(FAULTS)) {
    t.test(`a second failure, of the error response itself, while ${operation} ${how}: one answer, in time, and the process lives`, async t => {
      const { app, client, store, logs, uncaught } = await faultyApp(t)
      app.get('/fail-destroy', async ({ session }) => { await session.destroy(); throw broken() })
      app.get('/fail-rotate', async ({ session }) => { await session.rotate(); throw broken() })
      await client.get('/write')
      store.break(operation, fault)
      for (const url of ['/fail-rotate', '/fail-destroy']) {
        const { value: response, took } = await timed(client.get(url))
        t.equal(response.statusCode, 500)
        t.equal(response.json().message, 'the handler failed')
        t.ok(took <= TIMEOUT, `${url} answered within ${took} ms`)
      }
      await timed(new Promise((resolve) => setTimeout(resolve, 20_000)), 1_000)
      if (how === 'rejects' && operation !== 'delete') t.match(JSON.stringify(logs), DRIVER_TEXT)
      t.strictSame(uncaught, [])
    })
  }
}

t.test('a session that could not be ended in time is ended when the response has left', async t => {
  const { client, newClient, store, memory } = await faultyApp(t)
  await client.get('/write')
  const { header } = client
  store.break('replace', FAULTS.rejects!, { times: 1 })
  t.equal((await client.get('/destroy')).statusCode, 503)
  await settled()
  t.equal(memory.size, 0)
  t.equal((await newClient().get('/read', { cookie: header })).json().visits, 0)
})

t.test('a rotation whose last step fails, and whose cleaning up hangs, is answered in time', async t => {
  const { client, store, uncaught, logs } = await faultyApp(t)
  await client.get('/write')
  store.break('replace', FAULTS.hangs!)
  store.break('delete', FAULTS.hangs!)
  for (const url of ['/rotate', '/login']) {
    const { value: response, took } = await timed(client.get(url))
    t.strictSame(response.json(), UNAVAILABLE)
    t.ok(took <= TIMEOUT, `answered within ${took} ms`)
  }
  await timed(new Promise((resolve) => setTimeout(resolve, 20_000)), 1_000)
  t.match(JSON.stringify(logs), 'could not be removed', 'what could not be cleaned up is in the log')
  t.strictSame(uncaught, [])
})

t.test('a handler that catches the failure of save() may answer; the response tries again', async t => {
  const { app, client, store } = await faultyApp(t)
  app.get('/catch', async ({ session }) => {
    session.visits++
    return await session.save().then(() => 'saved', (error) => error.code)
  })
  await client.get('/write')
  store.break('replace', FAULTS.rejects!, { times: 1 })
  t.equal((await client.get('/catch')).body, UNAVAILABLE.code)
  t.equal((await client.get('/read')).json().visits, 2)
  store.break('replace', FAULTS.rejects!, { times: 2 })
  t.strictSame((await client.get('/catch')).json(), UNAVAILABLE)
})

t.test('R-15: thirty requests at once, while every call fails in a way of its own, and none after the store is back', async t => {
  const { client, store, uncaught } = await faultyApp(t)
  await client.get('/write')
  const faults = Object.values(FAULTS)
  const operations: Operation[] = ['load', 'replace', 'create', 'delete']
  for (let index = 0; index < 60; index++) store.break(operations[index % 4] as Operation, faults[index % faults.length]!, { skip: index % 3, times: 1 })
  const { header } = client
  const urls = ['/read', '/write', '/update', '/rotate', '/destroy', '/reload']
  const responses = await timed(Promise.all(Array.from({ length: 30 }, (_, index) => client.get(urls[index % 4] as string, { cookie: header }))))
  t.strictSame(responses.value.filter(({ statusCode }) => ![200, 409, 503].includes(statusCode)).map(({ body }) => body), [])
  await timed(new Promise((resolve) => setTimeout(resolve, 20_000)), 1_000)
  store.heal()
  client.jar.clear()
  for (const url of ['/write', '/update', '/rotate', '/reload', '/destroy', '/read']) t.equal((await client.get(url)).statusCode, 200, url)
  t.strictSame(uncaught, [])
})
