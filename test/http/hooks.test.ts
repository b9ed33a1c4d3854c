import t from 'tap'
import { eachBackend, setCookies, settled } from '../support/app.js'
import { stopTime, timed } from '../support/clock.js'
import { hookApp } from '../support/hook-app.js'
import { watchProcess } from '../support/process-events.js'

const NAMES = ['onCreate', 'onLoad', 'preSave', 'onSave', 'preRotate', 'onRotate', 'onDestroy', 'onReject', 'onConflict'] as const

t.test('the hooks of a life: each in its place, with its event', async t => {
  await eachBackend(t, async (t, backend) => {
    const seen: Array<[string, Record<string, unknown>]> = []
    const hooks = Object.fromEntries(NAMES.map((name) => [name, (event: object) => { seen.push([name, { ...event }]) }]))
    const { client } = await hookApp(t, { backend, hooks })
    const after = async (url: string) => {
      seen.length = 0
      await client.get(url)
      await settled()
      return seen.map(([name]) => name)
    }
    const first = await after('/id')
    t.strictSame(first, [], 'nothing is told of a new session that nobody writes to')

    t.strictSame(await after('/write'), ['preSave', 'onCreate', 'onSave'])
    const [[, pre], [, created], [, saved]] = seen as [typeof seen[0], typeof seen[0], typeof seen[0]]
    const id = (await client.get('/id')).body
    t.strictSame(Object.keys(pre).sort(), ['data', 'id', 'isNew', 'request'])
    t.match(pre, { id, isNew: true, data: { visits: 1 } })
    t.strictSame(Object.keys(created).sort(), ['data', 'id', 'request'])
    t.strictSame(Object.keys(saved).sort(), ['data', 'id', 'isNew', 'keys', 'request'])
    t.match(saved, { isNew: true, keys: ['visits'] })
    for (const event of [created, saved]) {
      t.match(event, { id, data: { visits: 1 } })
      t.equal((event.request as { url: string }).url, '/write')
    }

    t.strictSame(await after('/id'), ['onLoad'])
    t.strictSame(Object.keys(seen[0]![1]).sort(), ['data', 'id', 'request'])
    t.match(seen[0]![1], { id, data: { visits: 1 } })

    t.strictSame(await after('/write'), ['onLoad', 'preSave', 'onSave'])
    t.match(seen[1]![1], { id, isNew: false, data: { visits: 2 } })
    t.match(seen[2]![1], { id, isNew: false, keys: ['visits'] })

    t.strictSame(await after('/rotate'), ['onLoad', 'preRotate', 'onRotate'])
    const [, [, before], [, rotated]] = seen as [typeof seen[0], typeof seen[0], typeof seen[0]]
    const next = (await client.get('/id')).body
    for (const event of [before, rotated]) {
      t.strictSame(Object.keys(event).sort(), ['data', 'id', 'previousId', 'reason', 'request'])
      t.match(event, { id: next, previousId: id, reason: 'requested', data: { visits: 2 } })
    }

    t.strictSame(await after('/login'), ['onLoad', 'preSave', 'preRotate', 'onRotate', 'onSave'])
    t.match(seen[3]![1], { previousId: next, reason: 'privilege', data: { userId: 'u1' } })

    const last = (await client.get('/id')).body
    t.strictSame(await after('/destroy'), ['onLoad', 'onDestroy'])
    t.strictSame(Object.keys(seen[1]![1]).sort(), ['data', 'id', 'request'])
    t.match(seen[1]![1], { id: last, data: { userId: 'u1', visits: 2 } })
    t.strictSame(await after('/id'), [])
  })
})

t.test('a periodic rotation says so', async t => {
  await eachBackend(t, async (t, backend) => {
    stopTime(t)
    const reasons: string[] = []
    const { client } = await hookApp(t, { backend, rotateEvery: 60, hooks: { onRotate: ({ reason }) => { reasons.push(reason) } } })
    await client.get('/write')
    await timed(new Promise((resolve) => setTimeout(resolve, 61_000)), 61_000)
    await client.get('/id')
    t.strictSame(reasons, ['periodic'])
  })
})

t.test('onConflict names the keys that both changed, with the merged data', async t => {
  const seen: object[] = []
  const { client, app } = await hookApp(t, { backend: 'memory', hooks: { onConflict: (event) => { seen.push(event) } } })
  app.get('/slow', async ({ session }) => {
    session.note = 'slow'
    session.theme = 'dark'
    await client.get('/note', { cookie: client.header })
  })
  await client.get('/write')
  await client.get('/slow')
  await settled()
  t.equal(seen.length, 1)
  t.strictSame(Object.keys(seen[0]!).sort(), ['data', 'id', 'keys', 'request'])
  t.match(seen[0], { keys: ['note'], data: { note: 'slow', theme: 'dark', visits: 2 } })
})

t.test('onReject says why, and carries neither a value nor a token nor an id (I15)', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, newClient, rejected } = await hookApp(t, { backend })
    await client.get('/write')
    const { token } = client
    const forged = `${token!.slice(0, -1)}${token!.endsWith('A') ? 'B' : 'A'}`
    await newClient().get('/id', { cookie: `__Host-Http-session=${forged}` })
    t.equal(rejected().length, 1)
    const { request, ...rest } = rejected()[0]!
    t.strictSame(Object.keys(rest).sort(), ['id', 'paths', 'reason'])
    t.equal(rest.reason, 'forged')
    t.strictSame(rest.paths, [])
    const text = JSON.stringify(rest)
    for (const part of [token!.slice(8, 24), forged.slice(8, 24)]) t.notMatch(text, part)
  })
})

t.test('hooks can be added by other plugins, before and after the session is registered, and run in the order they were added', async t => {
  const seen: string[] = []
  const { client, app, sessions } = await hookApp(t, { backend: 'memory', hooks: { preSave: () => { seen.push('option') } } })
  sessions.addHook('preSave', () => { seen.push('added') })
  app.register(async (child) => {
    (child as typeof app).sessions.addHook('preSave', (async () => { seen.push('by a plugin') }) as never)
  })
  await client.get('/write')
  t.strictSame(seen, ['option', 'added', 'by a plugin'])
})

t.test('a hook that does not exist, or is no function, is refused', async t => {
  const { sessions } = await hookApp(t, { backend: 'memory' })
  for (const name of ['onsave', 'preLoad', 'constructor', '__proto__', '']) {
    t.throws(() => sessions.addHook(name as never, (() => {}) as never), { code: 'FST_TYPED_SESSION_INVALID_OPTION' }, name)
  }
  t.throws(() => sessions.addHook('onSave', 'a text' as never), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /hooks\.onSave/ })
  await t.rejects(hookApp(t, { backend: 'memory', hooks: { onSaved: () => {} } as object }), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /onSaved.*onSave/ })
  await t.rejects(hookApp(t, { backend: 'memory', hooks: { onSave: 7 } as object }), { code: 'FST_TYPED_SESSION_INVALID_OPTION' })
})

t.test('what an on… hook is given is a copy', async t => {
  await eachBackend(t, async (t, backend) => {
    const spoil = ({ data }: { data: { visits: number, note?: string | undefined } }) => { data.visits = 1e6; data.note = 'spoilt' }
    const { client } = await hookApp(t, { backend, hooks: { onLoad: spoil, onCreate: spoil, onSave: spoil, onRotate: spoil, onDestroy: spoil } })
    for (const url of ['/write', '/write', '/rotate']) await client.get(url)
    t.equal((await client.get('/visits')).body, '2')
  })
})

t.test('an on… hook that fails is in the log, and changes nothing (R-22, K-12, I18)', async t => {
  await eachBackend(t, async (t, backend) => {
    const { uncaught } = watchProcess(t)
    const fails = { throws: () => { throw new Error('hook thrown') }, rejects: async () => { throw new Error('hook rejected') }, hangs: async () => await new Promise<never>(() => {}) }
    for (const [how, hook] of Object.entries(fails)) {
      const hooks = Object.fromEntries(NAMES.filter((name) => name.startsWith('on')).map((name) => [name, hook]))
      const { client, newClient, logs } = await hookApp(t, { backend, hooks })
      for (const url of ['/write', '/write', '/rotate', '/login']) t.equal((await client.get(url)).statusCode, 200, `${how} ${url}`)
      t.equal((await client.get('/visits')).body, '2')
      t.equal((await newClient().get('/visits', { cookie: '__Host-Http-session=x' })).body, '0')
      const { header } = client
      t.equal((await client.get('/destroy')).statusCode, 200)
      t.equal(client.token, undefined)
      if (backend !== 'cookie') t.equal((await newClient().get('/visits', { cookie: header })).body, '0')
      await settled()
      const errors = logs.filter(({ level, msg }) => level === 50 && /session hook/.test(String(msg)))
      t.ok(how === 'hangs' ? errors.length === 0 : errors.length > 5, `${how}: ${errors.length} in the log`)
      t.strictSame(new Set(errors.map(({ msg }) => /hook (\w+) failed/.exec(String(msg))?.[1])).has('onDestroy'), how !== 'hangs')
    }
    t.strictSame(uncaught, [])
  })
})

t.test('destroying an old id comes before its hook is told', async t => {
  const order: string[] = []
  const { client, newClient } = await hookApp(t, {
    backend: 'memory',
    hooks: {
      async onDestroy () { order.push((await newClient().get('/visits', { cookie: before })).body) },
      async onRotate () { order.push((await newClient().get('/visits', { cookie: before })).body) }
    }
  })
  await client.get('/write')
  let before = client.header
  await client.get('/login')
  await settled()
  before = client.header
  await client.get('/destroy')
  await settled()
  t.strictSame(order, ['0', '0'], 'the old id reads nothing any more')
})

t.test('onDestroy is not told of a session that could not be ended', async t => {
  const { client, store, events } = await hookApp(t, { backend: 'memory' })
  await client.get('/write')
  store!.replace = async () => { throw new Error('down') }
  t.equal((await client.get('/destroy')).statusCode, 503)
  await settled()
  t.strictSame(events.filter(({ name }) => name === 'onDestroy'), [])
  t.strictSame(setCookies((await client.get('/id')).headers), [])
})
