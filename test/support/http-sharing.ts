import Fastify from 'fastify'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import { type Client, schema, SECRET } from './app.js'
import { httpApp, httpScene, type Place, type Rows } from './http-scene.js'

const OTHER_SECRET = 'Jq2mW8x1cV5bN9zLk4hGf7dSa0pOiUyTrEe3w6Q-_Ms'
const subjectOf = (name: string) => `${name}'; DROP TABLE sessions; -- "\u{1f600}\n*`

/** Two sessions of one application in one store. */
async function twoNames ({ store }: Place) {
  const app = Fastify({ forceCloseConnections: true })
  const user = createSession(schema, { secret: SECRET, store })
  const admin = createSession(z.object({ level: z.int().default(0) }), { secret: SECRET, store, name: 'adminSession' })
  app.register(user.plugin).register(admin.plugin)
  app.get('/write', async (request) => { user.get(request).note = 'user'; admin.get(request).level = 3 })
  app.get('/read', async (request) => ({ user: user.get(request).data(), admin: admin.get(request).data() }))
  app.get('/leave', async (request) => await admin.get(request).destroy())
  return app
}

/** What several requests, sessions, applications, versions and secrets in one store have to do with each other. */
export const sharingRows: Rows = {
  'requests side by side that change different keys lose nothing (R-1, R-2)': async (t, place) => {
    const { run, client, there, elsewhere } = await httpScene(t, place)
    await run((session) => { session.visits = 1 })
    const { statusCode } = await run(async (session) => {
      session.note = 'ours'
      await there.run((session) => { session.theme = 'dark' }, client)
    })
    t.equal(statusCode, 200)
    t.match(await elsewhere(), { visits: 1, note: 'ours', theme: 'dark' })
  },
  'update() counts what another request has counted meanwhile (P1.2)': async (t, place) => {
    const { run, client, there, elsewhere } = await httpScene(t, place)
    await run((session) => { session.visits = 1 })
    let runs = 0
    await run((session) => session.update(async (data) => {
      if (runs++ === 0) await there.run((session) => session.update((data) => { data.visits += 10 }), client)
      data.visits += 100
    }))
    t.match(await elsewhere(), { visits: 111 })
    t.equal(runs, 2)
  },
  'two named sessions in one store have nothing to do with each other (K-57)': async (t, place) => {
    const app = await twoNames(place)
    t.teardown(() => app.close())
    const cookies = new Map((await app.inject('/write')).cookies.map(({ name, value }) => [name, value]))
    t.equal(cookies.size, 2)
    const [user = '', admin = ''] = cookies.values()
    const send = async (url: string, first: string, second: string) => {
      const [one, two] = [...cookies.keys()]
      return await app.inject({ url, headers: { cookie: `${one}=${first}; ${two}=${second}` } })
    }
    t.match((await send('/read', user, admin)).json(), { user: { note: 'user' }, admin: { level: 3 } })
    const swapped = (await send('/read', admin, user)).json()
    t.strictSame(swapped, { user: { visits: 0, theme: 'light', cart: [] }, admin: { level: 0 } }, 'swapped')
    await send('/leave', user, admin)
    t.match((await send('/read', user, admin)).json(), { user: { note: 'user' }, admin: { level: 0 } })
  },
  'applications that share secrets and store are strangers to each other (K-57)': async (t, place) => {
    const one = await httpApp(t, place.store, { application: 'one' })
    const two = await httpApp(t, place.other, { application: 'two' })
    await one.run((session) => { session.note = 'one' })
    t.equal(await two.read(one.client.token), null)
    t.match(await one.read(one.client.token), { note: 'one' })
  },
  'tokens outlive a change of secrets, and are issued anew (R-30)': async (t, place) => {
    const before = await httpApp(t, place.store)
    const after = await httpApp(t, place.other, { secret: [OTHER_SECRET, SECRET] })
    const last = await httpApp(t, place.store, { secret: OTHER_SECRET })
    await before.run((session) => { session.note = 'kept' })
    t.equal(await last.read(before.client.token), null)
    await after.run((session) => session.note, before.client)
    t.match(await last.read(before.client.token), { note: 'kept' })
  },
  'a record of an older version is lifted, one of a newer version is read and never overwritten': async (t, place) => {
    const old = await httpApp(t, place.store)
    const next = await httpApp(t, place.other, { version: 2, migrate: { 1: (data) => ({ ...data, note: `${String(data.note)}, lifted` }) } })
    const { client } = old
    await old.run((session) => { session.note = 'old' })
    t.match(await next.read(client.token), { note: 'old, lifted' })
    await next.run((session) => { session.visits = 2 }, client)
    t.match(await old.read(client.token), { visits: 2, note: 'old, lifted' })
    const refused = await old.run((session) => { session.visits = 3 })
    t.match(refused.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_NEWER_VERSION' })
    t.match(await next.read(client.token), { visits: 2 })
  },
  'sessions.open() reads for sockets and jobs, without a request': async (t, place) => {
    const { run, client, there } = await httpScene(t, place)
    await run((session) => { session.note = 'for a socket' })
    const opened = await there.sessions.open(client.header)
    t.match(opened, { data: { note: 'for a socket' }, authenticatedAt: null })
    t.equal(await there.sessions.open('__Host-Http-session=x'), null)
  },
  'a subject finds its live sessions, through login, rotation, change of user and logout': async (t, place) => {
    const [ann, bob] = [subjectOf(`ann-${place.name}`), subjectOf(`bob-${place.name}`)]
    const { run, client, there, newClient } = await httpScene(t, place, { subject: 'userId' })
    if (!place.findsBySubject) return t.equal(place.store.findBySubject, undefined)
    const phone = newClient()
    const idOf = async (by: Client) => (await run((session) => session.id, by)).value
    const owns = async (subject: string, ...clients: Client[]) => {
      const found = (await there.sessions.list(subject)).map(({ id }) => id)
      t.strictSame(found.sort(), (await Promise.all(clients.map(idOf))).sort())
    }
    await run((session) => { session.userId = ann })
    await run((session) => { session.note = 'phone' }, phone)
    await owns(ann, client)
    await run((session) => { session.userId = ann }, phone)
    await owns(ann, client, phone)
    await run((session) => session.rotate())
    await owns(ann, client, phone)
    await run((session) => { session.userId = bob }, phone)
    await owns(ann, client)
    await owns(bob, phone)
    await run((session) => { delete session.userId }, phone)
    await run((session) => session.destroy())
    await owns(ann)
    await owns(bob)
  },
  'nobody gets another\'s session, whatever goes on at once': async (t, place) => {
    const { run, there, newClient } = await httpScene(t, place)
    await Promise.all(Array.from({ length: 10 }, async (_, owner) => {
      const client = newClient()
      await run((session) => { session.note = `owner ${owner}` }, client)
      for (let round = 0; round < 3; round++) {
        const { value } = await there.run((session) => { session.visits++; return session.note }, client)
        t.equal(value, `owner ${owner}`)
      }
      t.match((await run((session) => session.data(), client)).value, { note: `owner ${owner}`, visits: 3 })
    }))
  }
}
