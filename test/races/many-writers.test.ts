import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionStore } from '../../types/index.js'
import { buildApp } from '../support/app.js'

/** Every call takes two rounds of the event loop, as one over the network does: there is room between a load and a save. */
function slow (): SessionStore {
  const store = memoryStore()
  const later = async <T>(call: () => T): Promise<T> => {
    await new Promise(setImmediate)
    const answer = call()
    await new Promise(setImmediate)
    return answer
  }
  return {
    create: (...record) => later(() => store.create(...record)),
    load: (id) => later(() => store.load(id)),
    replace: (...change) => later(() => store.replace(...change)),
    touch: (id, expiresAt) => later(() => store.touch(id, expiresAt)),
    delete: (id) => later(() => store.delete(id))
  }
}

for (const how of ['update', 'save']) {
  t.test(`whoever writes one session again and again does not starve a slower one: ${how}()`, async (t) => {
    const { app, client } = await buildApp(t, { backend: 'memory', store: slow(), fastify: { logger: false } })
    app.get('/begin', async ({ session }) => { session.visits = 1 })
    app.get('/update', async ({ session }) => { await session.update((data) => { data.visits++ }) })
    let saves = 0
    app.get('/save', async ({ session }) => { session.note = `save ${saves++}`; await session.save() })
    /** Is slow between reading and saving, so that whoever is not kept waiting is faster. */
    app.get('/slow', async ({ session }) => {
      await session.update(async (data) => {
        for (let round = 0; round < 20; round++) await new Promise(setImmediate)
        data.visits++
      })
    })
    app.get('/read', async ({ session }) => session.visits)
    await client.get('/begin')
    const race = { isDone: false }
    const fast = Array.from({ length: 4 }, async () => {
      let count = 0
      while (!race.isDone) {
        if ((await client.get(`/${how}`)).statusCode !== 200) t.fail('refused')
        count++
      }
      return count
    })
    for (let round = 0; round < 5; round++) t.equal((await client.get('/slow')).statusCode, 200)
    race.isDone = true
    const counts = await Promise.all(fast)
    t.ok(counts.every((count) => count > 0))
    const updates = how === 'update' ? counts.reduce((sum, count) => sum + count, 0) : 0
    t.equal((await client.get('/read')).body, String(1 + 5 + updates), 'all count')
  })
}

t.test('an update() that asks its own application for a save of the same session is not waited for without end', async (t) => {
  const { app, client } = await buildApp(t, { backend: 'memory', store: slow() })
  app.get('/begin', async ({ session }) => { session.visits = 1 })
  app.get('/inner', async ({ session }) => { await session.update((data) => { data.visits++ }) })
  app.get('/read', async ({ session }) => session.visits)
  const asked: number[] = []
  app.get('/outer', async ({ session }) => {
    await session.update(async (data) => {
      if (asked.length < 3) asked.push((await client.get('/inner')).statusCode)
      data.visits++
    })
  })
  await client.get('/begin')
  t.equal((await client.get('/outer')).statusCode, 200)
  t.strictSame(asked, [200, 200, 200])
  t.equal((await client.get('/read')).body, '5')
})
