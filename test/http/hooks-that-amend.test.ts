import t from 'tap'
import { eachBackend, setCookies, settled } from '../support/app.js'
import { stopTime, timed } from '../support/clock.js'
import { hookApp } from '../support/hook-app.js'
import { watchProcess } from '../support/process-events.js'

const failing = (statusCode?: number) => Object.assign(new Error('refused by a hook'), statusCode === undefined ? {} : { statusCode })

t.test('preSave may amend the data, in place and in depth, and what it leaves is saved and seen by the handler', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client, app } = await hookApp(t, {
      backend,
      hooks: { preSave: ({ data }) => { data.note = `${data.visits} visits`; data.cart.push({ sku: 'gift', qty: 1 }); delete data.profile } }
    })
    app.get('/see', async ({ session }) => {
      session.visits++
      session.profile = { name: 'x' }
      await session.save()
      return session.data()
    })
    await client.get('/write')
    t.match((await client.get('/data')).json(), { visits: 1, note: '1 visits', cart: [{ sku: 'gift', qty: 1 }] })
    const seen = (await client.get('/see')).json()
    t.match(seen, { visits: 2, note: '2 visits', cart: [{ qty: 1 }, { qty: 1 }] })
    t.notOk(seen.profile)
    if (backend === 'memory') t.strictSame((await client.get('/data')).json(), seen)
  })
})

t.test('a hook may return anything: an arrow function often does', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client } = await hookApp(t, {
      backend,
      hooks: {
        preSave: ({ data }) => (data.note = 'amended') as unknown as undefined,
        preRotate: ({ data }) => (data.theme = 'dark') as unknown as undefined,
        onSave: () => 7 as unknown as undefined
      }
    })
    t.equal((await client.get('/write')).statusCode, 200)
    t.equal((await client.get('/login')).statusCode, 200)
    t.match((await client.get('/data')).json(), { note: 'amended', theme: 'dark', visits: 1, userId: 'u1' })
  })
})

t.test('preRotate may amend what goes along', async t => {
  await eachBackend(t, async (t, backend) => {
    const { client } = await hookApp(t, { backend, hooks: { preRotate: async ({ data, reason }) => { data.note = reason } } })
    await client.get('/write')
    await client.get('/rotate')
    t.match((await client.get('/data')).json(), { visits: 1, note: 'requested' })
    await client.get('/login')
    t.match((await client.get('/data')).json(), { visits: 1, note: 'privilege', userId: 'u1' })
  })
})

for (const [what, amend, code] of [
  ['data that break the schema', (data: Record<string, unknown>) => { data.visits = 'many' }, 'FST_TYPED_SESSION_INVALID_DATA'],
  ['a key the schema does not know', (data: Record<string, unknown>) => { data.admin = true }, 'FST_TYPED_SESSION_UNKNOWN_KEY'],
  ['a key that is reserved', (data: Record<string, unknown>) => { data.destroy = 1 }, 'FST_TYPED_SESSION_RESERVED_KEY']
] as const) {
  t.test(`a hook that leaves ${what}: an error, and nothing is kept`, async t => {
    await eachBackend(t, async (t, backend) => {
      for (const name of ['preSave', 'preRotate'] as const) {
        let on = false
        const hook = ({ data }: { data: object }) => { if (on) amend(data as Record<string, unknown>) }
        const { client, newClient } = await hookApp(t, { backend, hooks: { [name]: hook } })
        await client.get('/write')
        const { header } = client
        on = true
        for (const url of name === 'preSave' ? ['/write', '/save', '/login', '/update'] : ['/login']) {
          const response = await client.get(url)
          t.match(response.json(), { statusCode: 500, code }, `${name} ${url}`)
          t.strictSame(setCookies(response.headers), [])
        }
        t.equal(client.header, header)
        t.equal((await client.get('/visits')).body, '1')
        if (name === 'preSave') t.strictSame(setCookies((await newClient().get('/write')).headers), [])
      }
    })
  })
}

for (const [how, hook, expected] of [
  ['throws', () => { throw failing() }, 500],
  ['throws a 403', () => { throw failing(403) }, 403],
  ['throws a 503', () => { throw failing(503) }, 503],
  ['rejects', async () => { throw failing() }, 500],
  ['rejects with a 422', async () => { throw failing(422) }, 422]
] as const) {
  t.test(`a preSave that ${how} fails the request with nothing kept`, async t => {
    await eachBackend(t, async (t, backend) => {
      let on = false
      const { client, newClient } = await hookApp(t, { backend, hooks: { preSave: () => on ? hook() : undefined } })
      const stranger = newClient()
      await client.get('/write')
      const { header } = client
      on = true
      for (const url of ['/write', '/login', '/update', '/save']) {
        const response = await client.get(url)
        t.equal(response.statusCode, expected, url)
        t.equal(response.json().message, 'refused by a hook')
        t.strictSame(setCookies(response.headers), [])
      }
      t.equal((await stranger.get('/write')).statusCode, expected)
      t.equal(stranger.token, undefined)
      t.equal(client.header, header)
      t.equal((await client.get('/visits')).body, '1', 'reading is no save')
      t.equal((await client.get('/rotate')).statusCode, 200, 'nor is a rotation')
      t.equal((await client.get('/destroy')).statusCode, 200, 'nor is an end')
      t.equal(client.token, undefined)
    })
  })

  t.test(`a preRotate that ${how} cannot keep the old id alive (K-12, I18)`, async t => {
    await eachBackend(t, async (t, backend) => {
      let on = false
      const { client, newClient } = await hookApp(t, { backend, hooks: { preRotate: () => on ? hook() : undefined } })
      await client.get('/write')
      const { header } = client
      on = true
      const response = await client.get('/rotate')
      t.equal(response.statusCode, expected)
      t.not(client.header, header, 'there is a new id')
      t.equal((await client.get('/visits')).body, '1')
      if (backend !== 'cookie') t.equal((await newClient().get('/visits', { cookie: header })).body, '0', 'the old one is dead')
      const before = client.header
      t.equal((await client.get('/login')).statusCode, expected)
      t.equal(client.header, before, 'a login that was refused is none, and nothing of it is kept')
      t.notOk((await client.get('/data')).json().userId)
    })
  })
}

t.test('a session is destroyed even if the one that follows is refused by a hook (K-12, I18)', async t => {
  await eachBackend(t, async (t, backend) => {
    let on = false
    const { warnings } = watchProcess(t)
    const { client, app, newClient } = await hookApp(t, { backend, hooks: { preSave: () => { if (on) throw failing(403) } } })
    app.get('/again', async ({ session }) => { await session.destroy(); session.visits = 5 })
    app.get('/again-save', async ({ session }) => { await session.destroy(); session.visits = 5; await session.save() })
    for (const url of ['/again', '/again-save']) {
      on = false
      await client.get('/write')
      const { header } = client
      on = true
      t.equal((await client.get(url)).statusCode, 403)
      t.equal(client.token, undefined, 'the cookie is removed')
      if (backend !== 'cookie') t.equal((await newClient().get('/visits', { cookie: header })).body, '0')
    }
    await settled()
    t.strictSame(warnings, [], 'the answer says that it was not saved, that is enough')
  })
})

for (const name of ['preSave', 'preRotate'] as const) {
  t.test(`a ${name} that hangs is given up after storeTimeout, and what it does then is nothing (R-22)`, async t => {
    await eachBackend(t, async (t, backend) => {
      stopTime(t)
      const { uncaught } = watchProcess(t)
      let on = false
      const { client } = await hookApp(t, {
        backend,
        storeTimeout: 1.5,
        hooks: {
          [name]: async ({ data }: { data: { note?: string } }) => {
            if (!on) return
            await new Promise((resolve) => setTimeout(resolve, 4_000))
            data.note = 'too late'
            throw failing()
          }
        }
      })
      await client.get('/write')
      on = true
      for (const url of name === 'preSave' ? ['/write', '/update', '/save'] : ['/login']) {
        const { value: response, took } = await timed(client.get(url))
        t.match(response.json(), { statusCode: 503, code: 'FST_TYPED_SESSION_HOOK_TIMEOUT' })
        t.match(response.json().message, name)
        t.equal(took, 1_500)
      }
      const rotated = await timed(client.get('/rotate'))
      if (name === 'preRotate') t.equal(rotated.value.statusCode, 503, 'rotated, though the answer is an error')
      await timed(new Promise((resolve) => setTimeout(resolve, 10_000)), 1_000)
      t.match((await client.get('/data')).json(), { visits: 1, note: undefined, userId: undefined })
      await timed(client.get('/destroy'))
      t.equal(client.token, undefined)
      t.strictSame(uncaught, [])
    })
  })
}

t.test('a slow hook is waited for, each with a deadline of its own', async t => {
  stopTime(t)
  const slow = async () => await new Promise<void>((resolve) => setTimeout(resolve, 1_900))
  const { client, sessions } = await hookApp(t, { backend: 'memory', hooks: { preSave: slow, preRotate: slow } })
  sessions.addHook('preSave', slow)
  const { value: response, took } = await timed(client.get('/write'))
  t.equal(response.statusCode, 200)
  t.equal(took, 3_800)
  t.equal((await timed(client.get('/login'))).value.statusCode, 200)
  t.equal((await client.get('/visits')).body, '1')
})

t.test('hooks before the save cannot save, update or reload the session themselves (R-22)', async t => {
  await eachBackend(t, async (t, backend) => {
    for (const name of ['preSave', 'preRotate'] as const) {
      for (const call of ['save', 'update', 'reload'] as const) {
        const codes: string[] = []
        const { client, app, handle, newClient } = await hookApp(t, {
          backend,
          hooks: {
            [name]: async ({ request }: { request: Parameters<typeof handle.get>[0] }) => {
              const session = handle.get(request)
              await (call === 'update' ? session.update(() => {}) : session[call]()).catch(({ code, message }) => { codes.push(code, message) })
            }
          }
        })
        app.get('/after', async ({ session }) => { session.userId = 'u2'; await session.save(); session.visits++; await session.save() })
        await client.get('/write')
        codes.length = 0
        t.equal((await client.get('/login')).statusCode, 200)
        t.equal(codes[0], 'FST_TYPED_SESSION_REENTRANT', `${call} in ${name}`)
        t.match(codes[1], `${call}()`)
        t.match((await client.get('/data')).json(), { visits: 1, userId: 'u1' })
        const other = newClient()
        if (backend === 'memory') t.equal((await other.get('/after')).statusCode, 200, 'and afterwards the handler can')
      }
    }
  })
})

t.test('destroy() in a hook before the save ends the session before the response leaves (I4)', async t => {
  await eachBackend(t, async (t, backend) => {
    for (const name of ['preSave', 'preRotate'] as const) {
      let on = false
      const { client, handle, newClient, events } = await hookApp(t, {
        backend,
        hooks: { [name]: async ({ request }: { request: Parameters<typeof handle.get>[0] }) => { if (on) await handle.get(request).destroy() } }
      })
      await client.get('/write')
      const { header } = client
      on = true
      const response = await client.get('/login')
      t.equal(response.statusCode, 200)
      t.equal(client.token, undefined, `${name}: the cookie is removed`)
      if (backend !== 'cookie') t.equal((await newClient().get('/visits', { cookie: header })).body, '0')
      await settled()
      t.equal(events.filter(({ name }) => name === 'onDestroy').length, 1)
      t.equal(events.filter(({ name }) => name === 'onSave').length, 1, 'the first one only')
    }
  })
})

t.test('rotate() in preSave takes effect with the save', async t => {
  await eachBackend(t, async (t, backend) => {
    let on = false
    const { client, handle } = await hookApp(t, { backend, hooks: { preSave: async ({ request }) => { if (on) await handle.get(request as Parameters<typeof handle.get>[0]).rotate() } } })
    await client.get('/write')
    const id = (await client.get('/id')).body
    on = true
    await client.get('/write')
    t.not((await client.get('/id')).body, id)
    t.equal((await client.get('/visits')).body, '2')
  })
})

t.test('no hook before the save runs for what is no save: a read, a touch, a failed response, an expiry', async t => {
  await eachBackend(t, async (t, backend) => {
    const calls: string[] = []
    const { client, app } = await hookApp(t, { backend, touchAfter: 0, hooks: { preSave: () => { calls.push('preSave') }, preRotate: () => { calls.push('preRotate') } } })
    app.get('/fail', async ({ session }) => { session.visits = 9; await session.rotate(); throw failing() })
    await client.get('/write')
    calls.length = 0
    for (const url of ['/visits', '/fail', '/destroy']) await client.get(url)
    t.strictSame(calls, [])
  })
})

t.test('to assign to an event of a hook is an error, as it would be in vain', async t => {
  await eachBackend(t, async (t, backend) => {
    const assign = (event: object) => { Object.assign(event, { data: { visits: 9 } }) }
    for (const hooks of [{ preSave: assign }, { preRotate: assign }]) {
      const { client } = await hookApp(t, { backend, hooks })
      const response = await client.get('preSave' in hooks ? '/write' : '/rotate')
      if ('preRotate' in hooks) {
        await client.get('/write')
        t.match((await client.get('/rotate')).json(), { statusCode: 500, message: /read only property 'data'/ })
      } else t.match(response.json(), { statusCode: 500, message: /read only property 'data'/ })
      t.equal((await client.get('/visits')).payload, 'preSave' in hooks ? '0' : '1')
    }
    const { client, logs } = await hookApp(t, { backend, hooks: { onSave: assign } })
    t.equal((await client.get('/write')).statusCode, 200)
    await settled()
    t.match(logs.filter(({ msg }) => msg === 'session hook onSave failed'), [{ err: { message: /read only property 'data'/ } }])
  })
})
