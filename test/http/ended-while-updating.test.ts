import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { type AppSession, buildApp, eachBackend, settled } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'
import { httpApp } from '../support/http-scene.js'

/** Somebody else changes the session while `update()` or `save()` is under way, and somebody ends it after that. */
async function overtakenAndEnded (t: Parameters<typeof httpApp>[0]) {
  stopTime(t, Date.now())
  const store = memoryStore()
  const [ours, theirs] = [await httpApp(t, store), await httpApp(t, store)]
  const { client } = ours
  await ours.run((session) => { session.visits = 1 })
  const same = theirs.newClient()
  same.take([`__Host-Http-session=${client.token}`])
  const steps = [
    async () => await theirs.run((session) => { session.note = 'theirs' }, same),
    async () => await theirs.run(async (session) => await session.destroy(), same)
  ]
  const next = async () => { await steps.shift()?.() }
  return { ...ours, next }
}

/** Until late changes have been looked for. */
async function lookAgain (): Promise<void> {
  for (let second = 0; second < 3; second++) {
    await settled()
    pass(1000)
  }
  await settled()
}

t.test('update() that finds the session changed and then ended is refused, and nothing is called lost', async t => {
  const { run, next, rejected } = await overtakenAndEnded(t)
  const response = await run(async (session) => await session.update(async (data) => {
    await next()
    data.visits++
  }))
  t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_ENDED' })
  await settled()
  t.strictSame(rejected().map(({ reason }) => reason), ['ended-elsewhere'])
})

t.test('what the handler itself changed after such a refusal is lost, and said to be', async t => {
  const { run, next, rejected } = await overtakenAndEnded(t)
  const response = await run(async (session) => {
    await session.update(async (data) => {
      await next()
      data.visits++
    }).catch(() => {})
    session.theme = 'dark'
  })
  t.equal(response.statusCode, 200)
  await settled()
  t.match(rejected(), [{ reason: 'ended-elsewhere' }, { reason: 'changed-too-late', paths: ['theme'] }])
})

t.test('what save() was refused for is not called lost once more, however late it was', async t => {
  const { run, next, rejected } = await overtakenAndEnded(t)
  const codes: unknown[] = []
  let held: AppSession | undefined
  await run(async (session) => {
    held = session
    await next()
    await next()
    session.note = 'refused'
    await session.save().catch(({ code }) => codes.push(code))
  })
  await settled()
  const events = () => rejected().map(({ reason, paths }) => [reason, ...paths])
  t.strictSame(events(), [['ended-elsewhere']])
  const session = held as AppSession
  session.set('theme', 'dark')
  await session.save().catch(({ code }) => codes.push(code))
  await lookAgain()
  t.strictSame(codes, ['FST_TYPED_SESSION_ENDED', 'FST_TYPED_SESSION_ENDED'])
  t.strictSame(events(), [['ended-elsewhere']])
  session.set('visits', 7)
  await lookAgain()
  t.strictSame(events(), [['ended-elsewhere'], ['changed-too-late', 'visits']], 'what came after it is')
})

t.test('so it is with a session that ends when its response has left', async t => {
  const { run, next, rejected } = await overtakenAndEnded(t)
  let held: AppSession | undefined
  await run((session) => { held = session })
  await next()
  await next()
  const session = held as AppSession
  session.set('note', 'refused')
  await t.rejects(session.save(), { code: 'FST_TYPED_SESSION_ENDED' })
  await lookAgain()
  t.strictSame(rejected().map(({ reason }) => reason), ['ended-elsewhere'])
})

t.test('update() during which the session is destroyed is refused: what it changed is gone', async t => {
  await eachBackend(t, async (t, backend) => {
    const { app, client } = await buildApp(t, { backend })
    app.get('/write', async ({ session }) => { session.visits++ })
    app.get('/new', async ({ session }) => session.isNew)
    app.get('/update', async ({ session }) => await session.update(async (data) => {
      data.visits++
      await session.destroy()
    }))
    for (const first of ['/new', '/write']) {
      await client.get(first)
      t.match((await client.get('/update')).json(), { statusCode: 409, code: 'FST_TYPED_SESSION_ENDED' })
      t.equal((await client.get('/new')).json(), true)
    }
  })
})

t.test('update() that waits for another one, and then finds the session destroyed, does not touch the new one', async t => {
  const { run } = await httpApp(t, memoryStore())
  await run((session) => { session.visits = 5 })
  const { value } = await run(async (session) => {
    const runs: number[] = []
    const first = session.update(async (data) => { runs.push(data.visits); await settled() })
    const second = session.update((data) => { runs.push(data.visits); data.visits++ })
    await session.destroy()
    const outcomes = await Promise.allSettled([first, second])
    return [runs, outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code), session.visits]
  })
  t.strictSame(value, [[5], ['FST_TYPED_SESSION_ENDED', 'FST_TYPED_SESSION_ENDED'], 0])
})
