import { setCookies } from './app.js'
import { forgetsNothing, httpApp, httpScene, type Rows, stopClock } from './http-scene.js'

const HOUR = 3_600_000
const maxAge = (headers: Record<string, unknown>) => /Max-Age=(\d+)/i.exec(setCookies(headers).join())?.[1]

/** Beginning, lasting, ending by time. */
export const lifeRows: Rows = {
  'a session that nobody wrote to is not kept: no call, no cookie': async (t, place) => {
    const { run, spy, client } = await httpScene(t, place)
    await run((session) => [session.visits, session.note])
    t.strictSame(spy.calls, [])
    t.equal(client.token, undefined)
  },
  'the first change is one record, under a hash of the id, as JSON that an operator can read (K-6)': async (t, place) => {
    const { run, spy, keys, client } = await httpScene(t, place)
    await run((session) => { session.note = 'first' })
    t.strictSame(spy.calls, ['create'])
    const [key = ''] = keys()
    t.match(key, /^[0-9a-f]{8}:[0-9a-f]{64}$/)
    const id = Buffer.from(client.token?.slice(7) ?? '', 'base64url')
    t.notMatch(id.toString('hex'), key.slice(9))
    t.match(JSON.parse(await place.other.load(key) ?? 'null'), { version: 1, data: { note: 'first' } })
  },
  'reading is one load, an equal value no write': async (t, place) => {
    const { run, spy, forget } = await httpScene(t, place)
    await run((session) => { session.replace({ visits: 1, theme: 'dark', cart: [{ sku: 'tea', qty: 1 }] }) })
    forget()
    await run((session) => { session.theme = 'dark'; session.cart = [{ qty: 1, sku: 'tea' }] })
    t.strictSame(spy.calls, ['load'])
  },
  'a change is a load and a compare-and-set, with no new cookie': async (t, place) => {
    const { run, spy, forget } = await httpScene(t, place)
    await run((session) => { session.visits = 1 })
    forget()
    const response = await run((session) => { session.visits = 2 })
    t.strictSame(spy.calls, ['load', 'replace'])
    t.strictSame(setCookies(response.headers), [])
  },
  'the idle deadline moves at most once per touchAfter (S-7.3.1)': async (t, place) => {
    const tick = stopClock(t)
    const { run, spy, forget, elsewhere } = await httpScene(t, place, { idleTimeout: 100, touchAfter: 10 })
    await run((session) => { session.visits = 1 })
    forget()
    tick(9_999)
    t.strictSame(setCookies((await run((session) => session.visits)).headers), [])
    t.strictSame(spy.calls, ['load'])
    tick(1)
    t.equal(setCookies((await run((session) => session.visits)).headers).length, 1)
    t.strictSame(spy.calls, ['load', 'load', 'replace'])
    tick(99_999)
    t.match(await elsewhere(), { visits: 1 }, 'counted from the touch')
  },
  'it ends at the idle timeout, by our own check, whatever the engine keeps (S-7.3.1)': async (t, place) => {
    const tick = stopClock(t)
    const { run, client, keys } = await httpApp(t, forgetsNothing(place.store), { idleTimeout: 100, touchAfter: 50 })
    await run((session) => { session.visits = 1 })
    const [key = ''] = keys()
    tick(99_999)
    t.match((await run((session) => session.isNew)).value, false, 'a millisecond before')
    tick(100_000)
    t.type(await place.other.load(key), 'string', 'the engine still has it')
    t.equal((await run((session) => session.isNew)).value, true)
    t.strictSame((await run((session) => session.data(), client)).value, { visits: 0, theme: 'light', cart: [] })
  },
  'it ends at the absolute timeout, by our own check, however much it is used (S-7.3.2)': async (t, place) => {
    const tick = stopClock(t)
    const { run, keys, client } = await httpApp(t, forgetsNothing(place.store), { idleTimeout: 50, absoluteTimeout: 100, touchAfter: 0 })
    await run((session) => { session.visits = 1 })
    for (const [step, name] of ['touch', 'rotate', 'write'].entries()) {
      tick(33_000)
      const { value } = await run(async (session) => {
        if (name === 'touch') session.touch()
        if (name === 'rotate') await session.rotate()
        if (name === 'write') session.visits++
        return session.isNew
      })
      t.equal(value, false, `step ${step}`)
    }
    tick(999)
    t.equal((await run((session) => session.isNew)).value, false, 'a millisecond before')
    const token = client.token
    tick(1)
    t.equal((await run((session) => session.isNew)).value, true)
    t.type(await place.other.load(keys().at(-1) ?? ''), 'string', 'the engine still has it')
    t.equal(client.token, token, 'and nothing is sent for it')
  },
  'persist() is kept with the session, and every later cookie outlives the browser, as long as the session can last': async (t, place) => {
    const tick = stopClock(t)
    const { run, there, client } = await httpScene(t, place, { idleTimeout: 2 * 3600, touchAfter: 60 })
    t.equal(maxAge((await run((session) => { session.visits = 1 })).headers), undefined)
    t.equal(maxAge((await run((session) => session.persist())).headers), String(30 * 86_400))
    tick(HOUR / 2)
    const touched = await there.run((session) => session.visits, client)
    t.equal(maxAge(touched.headers), String(30 * 86_400 - 1_800))
    t.equal(maxAge((await run((session) => session.persist(false))).headers), undefined)
  },
  'rotateEvery moves it in time, and the old token reads for the grace only': async (t, place) => {
    const tick = stopClock(t)
    const { run, client, read, there } = await httpScene(t, place, { rotateEvery: 60, rotationGrace: 5 })
    await run((session) => { session.note = 'kept' })
    const before = client.token
    tick(60_000)
    await run((session) => session.note)
    t.not(client.token, before)
    tick(4_999)
    t.match(await there.read(before), { note: 'kept' })
    tick(1)
    t.equal(await there.read(before), null)
    t.match(await read(client.token), { note: 'kept' })
  },
  'a sweep removes what is over and nothing else': async (t, place) => {
    const tick = stopClock(t)
    const { run, elsewhere, newClient } = await httpScene(t, place, { idleTimeout: 100 })
    const gone = newClient()
    await run((session) => { session.note = 'gone' }, gone)
    tick(50_000)
    await run((session) => { session.note = 'kept' })
    tick(60_000)
    const removed = await place.store.sweep?.() ?? 0
    t.equal(removed > 0, place.store.sweep !== undefined, `${removed} removed`)
    t.match(await elsewhere(), { note: 'kept' })
  }
}
