import t from 'tap'
import { z } from 'zod'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppOptions, type BackendName, buildApp, setCookies, settled } from '../support/app.js'
import { FaultyStore } from '../support/faulty-store.js'
import { scene } from '../support/scene.js'

const PLACES: readonly BackendName[] = ['revocable', 'memory']

/** An application whose store can be held or broken in the middle of a rotation. */
async function listed (t: Parameters<typeof buildApp>[0], options: AppOptions) {
  const kept = new FaultyStore(memoryStore())
  const built = await buildApp(t, { subject: 'userId', ...(options.backend === 'memory' ? { store: kept } : { revocations: kept }), ...options })
  const { app, newClient } = built
  app.get('/seed', async ({ session }) => { session.visits = 1 })
  app.get('/login', async ({ session }) => { session.userId = 'ann' })
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/read', async ({ session }) => ({ id: session.id, isNew: session.isNew }))
  const read = async (client = built.client) => (await client.get('/read')).json() as { id: string, isNew: boolean }
  const copy = () => {
    const other = newClient()
    for (const [name, value] of built.client.jar) other.jar.set(name, value)
    return other
  }
  /** Holds the next call of this kind; `reached` when it is there. */
  const hold = (operation: 'replace' | 'load') => {
    let go = () => {}
    const reached = new Promise<void>((resolve) => {
      kept.break(operation, async (call) => {
        resolve()
        await new Promise<void>((resolve) => { go = resolve })
        return await call()
      }, { times: 1 })
    })
    return { reached, go: () => go() }
  }
  return { ...built, kept, read, copy, hold }
}

for (const backend of PLACES) {
  t.test(`${backend} sessions`, async t => {
    for (const saved of [false, true]) {
      t.test(`S-7.5.2: what a list shows in the middle of a rotation${saved ? ', with another request that saves,' : ''} is what has to be ended`, async t => {
        const { client, sessions, read, copy, hold } = await listed(t, { backend })
        await client.get('/login')
        const { id } = await read()
        const tombstone = hold('replace')
        const other = copy()
        const rotating = client.get('/rotate')
        await tombstone.reached
        if (saved) await other.get('/write')
        const shown = await sessions.list('ann')
        t.strictSame(shown.map((session) => session.id), [id], 'the new id may yet be taken back')
        t.equal(await sessions.destroy(id, 'ann'), true)
        tombstone.go()
        const { headers } = await rotating
        t.strictSame(setCookies(headers), [])
        t.strictSame(await sessions.list('ann'), [])
        t.equal((await read(other)).isNew, true)
      })
    }

    t.test('S-7.1.2: whoever is evicted in the middle of a rotation is out', async t => {
      const { client, newClient, sessions, read, copy, hold } = await listed(t, { backend, maxPerSubject: 1 })
      await client.get('/login')
      const tombstone = hold('replace')
      const other = copy()
      const rotating = client.get('/rotate')
      await tombstone.reached
      await other.get('/write')
      const next = newClient()
      t.equal((await next.get('/login')).statusCode, 200)
      tombstone.go()
      client.take(setCookies((await rotating).headers))
      t.equal((await sessions.list('ann')).length, 1)
      t.strictSame([(await read(other)).isNew, (await read()).isNew, (await read(next)).isNew], [true, true, false])
    })

    t.test('a record that was kept without an answer is taken back, and neither listed nor counted', async t => {
      const { client, newClient, kept, sessions, read } = await listed(t, { backend, maxPerSubject: 1, overLimit: 'refuse' })
      const lost = async (call: () => Promise<unknown>) => {
        await call()
        throw new Error('connection reset')
      }
      // The first that is created is the lock.
      kept.break('create', lost, { skip: 1, times: 1 })
      t.equal((await client.get('/login')).statusCode, 503)
      await settled()
      t.equal((await client.get('/login')).statusCode, 200, 'who signs in again is not one too many')
      kept.break('create', lost, { times: 1 })
      t.equal((await client.get('/rotate')).statusCode, 503)
      await settled()
      const { id } = await read()
      t.strictSame((await sessions.list('ann')).map((session) => session.id), [id])
      t.equal(await sessions.destroy(id, 'ann'), true)
      t.equal((await read()).isNew, true)
      t.ok(newClient)
    })

    for (const overLimit of ['evict-oldest', 'refuse'] as const) {
      t.test(`a sign-in that is sent twice signs in once, and nobody out (${overLimit})`, async t => {
        const { client, copy, read, sessions } = await listed(t, { backend, maxPerSubject: 1, overLimit })
        await client.get('/seed')
        const both = [copy(), copy()]
        const answers = await Promise.all(both.map((browser) => browser.get('/login')))
        t.ok(answers.some(({ statusCode }) => statusCode === 200))
        for (const { headers } of answers) client.take(setCookies(headers))
        t.equal((await read()).isNew, false)
        t.equal((await sessions.list('ann')).length, 1)
      })
    }

    t.test('two that end one session at once say it once, to whoever listens', async t => {
      const { client, sessions, read, events } = await listed(t, { backend })
      await client.get('/login')
      const { id } = await read()
      const ended = await Promise.all([sessions.destroy(id, 'ann'), sessions.destroy(id, 'ann'), sessions.destroyAll('ann')])
      t.equal(ended.filter((answer) => answer === true || answer === 1).length, 1)
      t.equal(events.filter(({ name }) => name === 'onDestroy').length, 1)
    })
  })
}

t.test('a logout that meets a look at the store is not forgotten for as long as an answer may be remembered', async t => {
  const { client, read, copy, hold, app } = await listed(t, { backend: 'revocable', revocationStaleness: 3_600 })
  app.get('/logout', async ({ session }) => await session.destroy())
  await client.get('/login')
  const [slow, other] = [copy(), copy()]
  await client.get('/read')
  await client.get('/write')
  const look = hold('load')
  const reading = slow.get('/read')
  await look.reached
  await other.get('/logout')
  look.go()
  await reading
  t.equal((await read(slow)).isNew, true)
})

for (const url of ['/logout', '/rotate']) {
  t.test(`a look at the store in the middle of ${url} is not remembered beyond it`, async t => {
    const { client, read, copy, hold, app } = await listed(t, { backend: 'revocable', revocationStaleness: 3_600 })
    app.get('/logout', async ({ session }) => await session.destroy())
    await client.get('/login')
    const other = copy()
    const writing = hold('replace')
    const ending = client.get(url)
    await writing.reached
    t.equal((await read(other)).isNew, false, 'it has not ended yet')
    writing.go()
    await ending
    t.equal((await read(other)).isNew, true)
  })
}

t.test('what list() hands out is a copy', async t => {
  const { client, sessions } = await listed(t, { backend: 'memory', describe: () => ({ agent: 'a' }) })
  await client.get('/login')
  for (const { about } of await sessions.list('ann')) Object.assign(about as object, { agent: 'changed' })
  t.match(await sessions.list('ann'), [{ about: { agent: 'a' } }])
})

t.test('describe cannot save what is being saved', async t => {
  const { client, sessions, logs } = await listed(t, { backend: 'memory', describe: (request) => { (request as never as { session: { save (): unknown } }).session.save(); return {} } })
  t.equal((await client.get('/login')).statusCode, 200)
  t.equal((await sessions.list('ann')).length, 1)
  t.match(JSON.stringify(logs), /FST_TYPED_SESSION_REENTRANT/)
})

t.test('a subject that is no text would be one for everybody, and is refused when it is saved; so is one that is asked for', async t => {
  for (const subject of [(data: { profile?: unknown }) => data.profile, () => Promise.resolve('ann'), () => ['ann'], () => true]) {
    const { app, client } = await buildApp(t, { backend: 'memory', rotateOn: [], subject: subject as never })
    app.get('/save', async ({ session }) => { session.profile = { name: 'ann' } })
    t.match((await client.get('/save')).json(), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /subject.*a text or a number/ })
  }
  const { sessions } = await listed(t, { backend: 'memory' })
  for (const subject of [undefined, null, '', 7, {}]) {
    for (const method of ['list', 'destroyAll'] as const) {
      await t.rejects(sessions[method](subject as never) as Promise<never>, { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /given as a text/ })
    }
  }
})

t.test('options that mean nothing without another one are refused', async t => {
  await t.rejects(buildApp(t, { backend: 'memory', subject: 'userId', overLimit: 'refuse' }), { message: /overLimit: has no meaning without maxPerSubject/ })
  await t.rejects(buildApp(t, { backend: 'memory', revocationStaleness: 5 }), { message: /revocationStaleness: has no meaning without revocations/ })
})

t.test('a session that onCreate ends is not said to be saved', async t => {
  const { app, client, events } = await buildApp(t, { backend: 'memory', hooks: { onCreate: ({ request }) => { (request as never as { session: { destroy (): unknown } }).session.destroy() } } })
  app.get('/write', async ({ session }) => { session.visits = 1 })
  await client.get('/write')
  await settled()
  t.strictSame(events.map(({ name }) => name).filter((name) => name === 'onSave'), [])
})

t.test('a loose record shares nothing with the handler: what is pushed after a save is a change', async t => {
  interface Held { m: Record<string, unknown>, save (): Promise<void> }
  const { run } = await scene<Held>(t, z.object({ m: z.looseRecord(z.string().regex(/^n/), z.number()).default(() => ({})) }), { backend: 'memory' })
  for (let round = 0; round < 4; round++) {
    await run(async (session) => {
      session.m['b'] = { list: [1] }
      await session.save();
      (session.m['b'] as { list: number[] }).list.push(2)
    })
    t.strictSame((await run((session) => session.m['b'])).value, { list: [1, 2] })
  }
})
