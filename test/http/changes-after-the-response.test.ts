import { once } from 'node:events'
import type { FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import type { SessionHooks } from '../../types/index.js'
import { type App, type AppOptions, type AppSession, type BackendName, buildApp, eachBackend, sessionOf, settled } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'
import { setEnvironment } from '../support/environment.js'
import { Gate } from '../support/gate.js'
import { Chosen } from '../support/schedule.js'
import { hangUp, listen } from '../support/wire.js'

/** An application in which time stands still, with a kept session. `answer` gives what a job would go on with. */
async function scene (t: Test, options: AppOptions, environment = 'development', define: (app: App) => void = () => {}) {
  setEnvironment(t, environment)
  stopTime(t)
  const built = await buildApp(t, options)
  let current: { request: FastifyRequest, session: AppSession } | undefined
  built.app.get('/seed', async (request) => { Object.assign(sessionOf(request), { visits: 1, note: 'kept' }) })
  built.app.get('/answer', async (request) => {
    current = { request, session: sessionOf(request) }
    return current.session.data()
  })
  built.app.get('/unread', async (request) => {
    current = { request, session: null as never }
    return 'ok'
  })
  define(built.app)
  await built.client.get('/seed')
  const answer = async (path = '/answer') => {
    const response = await built.client.get(path)
    return { ...current as NonNullable<typeof current>, body: response.body }
  }
  const late = () => built.rejected().filter(({ reason }) => reason === 'changed-too-late').map(({ paths }) => paths)
  /** Lets a job begin after the last moment at which anybody looks by himself. */
  const muchLater = async () => await seconds(70)
  return { ...built, answer, late, muchLater }
}

/** One by one, because a timer begins anew at each. */
async function seconds (count: number): Promise<void> {
  for (let second = 0; second < count; second++) {
    await settled()
    pass(1000)
    await settled()
  }
}

t.test('in development a change is looked for a second after the end, and reported once', t => eachBackend(t, async (t, backend) => {
  const { answer, late } = await scene(t, { backend }, 'development')
  const { session } = await answer()
  await settled()
  session.visits = 9
  t.strictSame(late(), [])
  await seconds(1)
  t.strictSame(late(), [['visits']])
  await seconds(5)
  t.strictSame(late(), [['visits']])
}))

t.test('a plain assignment to a session that was held on to is seen when somebody goes through it, as a variable that nobody saves', t => eachBackend(t, async (t, backend) => {
  const { answer, late, muchLater } = await scene(t, { backend }, 'production')
  const { request, session } = await answer()
  await muchLater()
  session.visits = 9
  await seconds(70)
  t.strictSame(late(), [])
  sessionOf(request)
  await seconds(1)
  t.strictSame(late(), [['visits']])
}))

for (const environment of ['development', 'production']) {
  t.test(`a change through request.session is reported however late it is, in ${environment}`, t => eachBackend(t, async (t, backend) => {
    const { answer, late, muchLater, logs } = await scene(t, { backend }, environment)
    const { request } = await answer()
    await muchLater()
    sessionOf(request).visits = 9
    await seconds(2)
    t.strictSame(late(), [['visits']])
    t.equal(logs.filter(({ msg }) => msg === 'session changed after the response had left').length, 1)
    await muchLater()
    sessionOf(request).note = 'again'
    await seconds(2)
    t.strictSame(late(), [['visits'], ['note']], 'and so is the next one')
  }))

  t.test(`so is one of a session that nobody had read before, in ${environment}`, t => eachBackend(t, async (t, backend) => {
    const { answer, late, muchLater } = await scene(t, { backend }, environment)
    const { request } = await answer('/unread')
    await muchLater()
    sessionOf(request).visits = 9
    await seconds(2)
    t.strictSame(late(), [['visits']])
  }))
}

const MEMBERS: Record<string, { run: (session: AppSession) => unknown, lost: string[] }> = {
  set: { run: (session) => session.set('note', 'x'), lost: ['note'] },
  delete: { run: (session) => session.delete('note'), lost: ['note'] },
  take: { run: (session) => session.take('note'), lost: ['note'] },
  clear: { run: (session) => session.clear(), lost: ['visits', 'note'] },
  replace: { run: (session) => session.replace({ visits: 5, theme: 'light', cart: [] }), lost: ['visits', 'note'] }
}

for (const [member, { run, lost }] of Object.entries(MEMBERS)) {
  t.test(`${member}() on a session that a job has held on to is reported however late it is`, async t => {
    const { answer, late, muchLater } = await scene(t, { backend: 'memory' }, 'production')
    const { session } = await answer()
    await settled()
    await muchLater()
    run(session)
    await seconds(2)
    t.strictSame(late().map((keys) => new Set(keys)), [new Set(lost)])
  })
}

t.test('whoever reads request.session again and again does not put off the report', t => eachBackend(t, async (t, backend) => {
  const { answer, late } = await scene(t, { backend }, 'production')
  const { request } = await answer()
  await settled()
  sessionOf(request).visits = 9
  for (let read = 0; read < 4; read++) {
    t.strictSame(late(), [])
    sessionOf(request)
    pass(250)
  }
  await settled()
  t.strictSame(late(), [['visits']])
}))

t.test('who reads and changes nothing is not reported', t => eachBackend(t, async (t, backend) => {
  const { answer, late, muchLater } = await scene(t, { backend })
  const { request } = await answer()
  await muchLater()
  t.equal(sessionOf(request).visits, 1)
  await muchLater()
  t.strictSame(late(), [])
}))

t.test('what a job changes and saves is not lost', async t => {
  const { answer, late, muchLater } = await scene(t, { backend: 'memory' })
  const { request } = await answer()
  await muchLater()
  const session = sessionOf(request)
  session.note = 'saved'
  await settled()
  await session.save()
  await muchLater()
  t.strictSame(late(), [])
  t.match(JSON.parse((await answer()).body), { note: 'saved' })
})

t.test('what a job is still saving is not lost, however long the store takes', async t => {
  for (const environment of ['development', 'production']) {
    await t.test(environment, async t => {
      const gate = new Gate(memoryStore())
      const { answer, late, app } = await scene(t, { backend: 'memory', store: gate, storeTimeout: 60 }, environment)
      const { request } = await answer()
      let saving: Promise<void> | undefined
      await gate.race([async () => {
        const session = sessionOf(request)
        session.note = 'saved'
        saving = session.save()
        await saving
      }], new Chosen(async () => {
        await seconds(5)
        await app.close()
        return 0
      }))
      await saving
      t.strictSame(late(), [], environment)
    })
  }
})

t.test('a save that is under way when the response ends is no late change, and what it does not keep is one', async t => {
  for (const [refused, lost] of [[false, []], [true, [['note']]]] as const) {
    await t.test(refused ? 'refused' : 'kept', async t => {
      const gate = new Gate(memoryStore())
      const { client, late } = await scene(t, { backend: 'memory', store: gate, storeTimeout: 60 }, 'development', (app) => app.get('/hijacked', (request, reply) => {
        reply.hijack()
        const session = sessionOf(request)
        session.note = 'saved'
        reply.raw.once('close', () => { if (refused) session.set('note', 'changed meanwhile') })
        session.save().catch(() => {})
        reply.raw.end('ok')
      }))
      let calls = 0
      await gate.race([async () => await client.get('/hijacked')], new Chosen(async () => {
        if (++calls === 2) await seconds(5)
        return 0
      }))
      t.equal(calls, 2)
      await seconds(2)
      t.strictSame(late(), lost)
    })
  }
})

t.test('when the application closes, what was not reported yet is', async t => {
  for (const wait of [0, 1]) {
    await t.test(`${wait}`, async t => {
      const { app, answer, late } = await scene(t, { backend: 'cookie' })
      const { request, session } = await answer()
      await seconds(70)
      if (wait === 0) sessionOf(request).visits = 9
      else session.set('visits', 9)
      if (wait === 1) await settled()
      await app.close()
      await settled()
      t.strictSame(late(), [['visits']])
    })
  }
})

t.test('a hook that changes the session whenever it is told so does not go on for ever', async t => {
  const onReject: SessionHooks<AppSession>['onReject'] = async ({ request, reason }) => {
    if (reason !== 'changed-too-late' || request === null) return
    await settled()
    sessionOf(request).visits++
  }
  for (const environment of ['development', 'production']) {
    await t.test(environment, async t => {
      const { answer, late, sessions, muchLater } = await scene(t, { backend: 'cookie' }, environment)
      sessions.addHook('onReject', onReject)
      const { request } = await answer()
      await settled()
      sessionOf(request).visits++
      await muchLater()
      t.equal(late().length, 10, environment)
    })
  }
})

t.test('a client that hangs up early does not hide what is changed after its handler has ended', t => eachBackend(t, async (t, backend: BackendName) => {
  const signal = { started: () => {}, ended: () => {} }
  let session: AppSession | undefined
  const { app, client, late } = await scene(t, { backend }, 'development', (app) => app.get('/hung-up', async (request, reply) => {
    session = sessionOf(request)
    const closed = once(reply.raw, 'close')
    signal.started()
    session.note = 'written'
    await closed
    await seconds(2)
    t.strictSame(late(), [], 'it is still at work')
    setImmediate(() => setImmediate(signal.ended))
    return 'ok'
  }))
  const ended = new Promise<void>((resolve) => { signal.ended = resolve })
  await hangUp(`${await listen(app)}/hung-up`, { cookie: client.header }, new Promise((resolve) => { signal.started = resolve }))
  await ended
  await settled()
  ;(session as AppSession).visits = 9
  await seconds(2)
  t.strictSame(late(), [['visits']])
}))
