import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import { setCookies } from './app.js'
import { httpScene, type Place, type Rows } from './http-scene.js'
import type { Test } from 'tap'

const failed = () => Object.assign(new Error('thrown'), { statusCode: 500 })

/** What somebody or something left in place of a record. */
const CORRUPT: Record<string, string> = {
  'half a record': '{"version":1,"createdAt":17000000',
  'no JSON': '\u0001\u0002not a record',
  'other JSON': '["a","b"]',
  'an empty text': '',
  'times that are none': '{"version":1,"createdAt":"now","usedAt":-1,"data":{"note":"x"}}',
  'data that is none': '{"version":1,"createdAt":0,"usedAt":0,"data":null}'
}

function stream (reply: FastifyReply, work: () => Promise<unknown>) {
  return reply.send(Readable.from((async function * () {
    yield 'one'
    while (!reply.raw.headersSent) await new Promise((resolve) => setImmediate(resolve))
    await work()
    yield 'two'
  })()))
}

async function corrupted (t: Test, place: Place, garbage: string) {
  const scene = await httpScene(t, place)
  await scene.run((session) => { session.note = 'kept' })
  const [key = ''] = scene.keys()
  const payload = await place.other.load(key) as string
  t.equal(await place.other.replace(key, payload, garbage, Date.now() + 60_000), 'replaced')
  return { ...scene, key }
}

const corruptRows: Rows = Object.fromEntries(Object.entries(CORRUPT).map(([name, garbage]) => [
  `a record that became ${name} is no session, said by an event, and never served (R-14)`,
  async (t, place) => {
    const { run, rejected, client, key } = await corrupted(t, place, garbage)
    const before = client.token
    t.equal((await run((session) => session.isNew)).value, true)
    t.match(rejected(), [{ reason: /^(corrupt|expired|invalid)$/ }])
    t.equal((await run((session) => { session.note = 'new' })).statusCode, 200)
    t.not(client.token, before, 'a new session has a new id')
    t.equal(await place.other.load(key), garbage, 'what is there stays for the operator')
  }
]))

/** Rotation, regeneration, destruction, errors. */
export const endRows: Rows = {
  ...corruptRows,
  'a change of privilege moves the session, and the old token is dead at once, everywhere (R-4, K-2)': async (t, place) => {
    const { run, client, read, elsewhere, there } = await httpScene(t, place)
    await run((session) => { session.note = 'before' })
    const before = client.token
    const { value } = await run((session) => { session.userId = 'ann'; return session.authenticatedAt })
    t.equal(value, null)
    t.not(client.token, before)
    t.strictSame([await read(before), await there.read(before)], [null, null])
    t.match(await elsewhere(), { note: 'before', userId: 'ann' })
    t.type((await run((session) => session.authenticatedAt)).value, Date)
  },
  'rotate() gives a new id to the same data': async (t, place) => {
    const { run, client, elsewhere, there } = await httpScene(t, place)
    await run((session) => { session.visits = 5 })
    const before = client.token
    const first = (await run((session) => session.id)).value
    await run((session) => session.rotate())
    t.match(await elsewhere(), { visits: 5 })
    t.equal(await there.read(before), null)
    t.not((await run((session) => session.id)).value, first)
  },
  'who comes with the old token after a change of privilege saves nothing over the new session': async (t, place) => {
    const { run, client, there, elsewhere } = await httpScene(t, place)
    await run((session) => { session.note = 'before' })
    const late = there.newClient()
    late.take([`__Host-Http-session=${client.token}`])
    await run((session) => { session.userId = 'ann' })
    const response = await there.run((session) => { session.note = 'late' }, late)
    t.match(response.json(), { statusCode: 409, code: 'FST_TYPED_SESSION_MOVED' })
    t.match(await elsewhere(), { note: 'before', userId: 'ann' })
  },
  'destroy() ends it: the cookie is cleared, the record gone, the token good for nothing (R-3, K-9)': async (t, place) => {
    const { run, client, keys, there, rejected } = await httpScene(t, place)
    await run((session) => { session.note = 'secret' })
    const { token } = client
    const [key = ''] = keys()
    const response = await run((session) => session.destroy())
    t.match(setCookies(response.headers), [/^__Host-Http-session=;.*Max-Age=0/])
    t.equal(await place.other.load(key), null)
    t.equal(await there.read(token), null, 'a replay')
    const replaying = there.newClient()
    replaying.take([`__Host-Http-session=${token}`])
    await there.run((session) => { session.note = 'new' }, replaying)
    t.not(replaying.token, token, 'a write after it begins a new session')
    t.equal(await place.other.load(key), null)
    t.strictSame(rejected(), [])
  },
  'destroying twice, here and there, is no error': async (t, place) => {
    const { run, client, there } = await httpScene(t, place)
    await run((session) => { session.visits = 1 })
    const same = there.newClient()
    same.take([`__Host-Http-session=${client.token}`])
    await run((session) => session.destroy())
    t.equal((await there.run((session) => session.destroy(), same)).statusCode, 200)
  },
  'a request that loaded the session before it was destroyed writes nothing': async (t, place) => {
    const { run, client, there, keys, elsewhere, rejected } = await httpScene(t, place)
    await run((session) => { session.visits = 1 })
    const same = there.newClient()
    same.take([`__Host-Http-session=${client.token}`])
    const slow = await run(async (session) => {
      await there.run((session) => session.destroy(), same)
      session.visits = 2
    })
    t.strictSame(setCookies(slow.headers), [])
    t.equal(await elsewhere(), null)
    t.equal(await place.other.load(keys()[0] ?? ''), null)
    t.match(rejected(), [{ reason: 'ended-elsewhere' }])
  },
  'an error leaves the session as it was found, and what ends still ends': async (t, place) => {
    const { run, elsewhere } = await httpScene(t, place)
    await run((session) => { session.visits = 1 })
    const { statusCode } = await run((session) => { session.visits = 2; throw failed() })
    t.equal(statusCode, 500)
    t.match(await elsewhere(), { visits: 1 })
    await run(async (session) => { await session.destroy(); throw failed() })
    t.equal(await elsewhere(), null)
  },
  'save() in a stream keeps what is written after the headers have left (R-23)': async (t, place) => {
    const { run, elsewhere } = await httpScene(t, place)
    await run((session) => { session.visits = 1 })
    const { body } = await run((session, reply) => stream(reply, async () => { session.visits = 2; await session.save() }))
    t.equal(body, 'onetwo')
    t.match(await elsewhere(), { visits: 2 })
  },
  'reload() reads what another request has kept meanwhile': async (t, place) => {
    const { run, client, there } = await httpScene(t, place)
    await run((session) => { session.visits = 1 })
    const { value } = await run(async (session) => {
      await there.run((session) => { session.visits = 7 }, client)
      session.note = 'forgotten'
      await session.reload()
      return session.data()
    })
    t.strictSame(value, { visits: 7, theme: 'light', cart: [] })
  },
  'a forged, a shortened or a foreign token never reaches the store (K-5)': async (t, place) => {
    const { run, client, spy, forget, read } = await httpScene(t, place)
    await run((session) => { session.visits = 1 })
    const token = client.token as string
    forget()
    const flipped = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
    for (const bad of [flipped, token.slice(0, -1), `${token}A`, '', "' OR 1=1 --", 'a'.repeat(4000)]) t.equal(await read(bad), null)
    t.strictSame(spy.calls, [])
  }
}
