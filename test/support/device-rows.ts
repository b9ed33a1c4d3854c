import type { Test } from 'tap'
import { COOKIE } from './app.js'
import { GRACE, LIFE, signedIn } from './device-app.js'
import { deviceProofRows } from './device-proof-rows.js'
import { type DeviceRows, deviceScene as scene } from './device-scene.js'
import { challengeIn, makeKey, parameter } from './fake-browser.js'
import type { Place } from './http-scene.js'

/** The rows that run wherever sessions are kept. */
export const deviceRows: DeviceRows = {
  'S-d1: a copied pair of cookies works until the life of the bound cookie ends, wherever it is used, and no longer': async (t, place) => {
    const { tick, there, thief, user, ...app } = await scene(t, place)
    const browser = await signedIn(app)
    const pair = thief(browser)
    const session = thief(browser, [COOKIE])
    tick(GRACE)
    t.strictSame([await user(pair), await user(session), await there.user(there.thief(browser))], ['ann', null, 'ann'])
    tick(LIFE - GRACE - 1)
    t.equal(await user(pair), 'ann', 'a millisecond before')
    tick(1)
    t.strictSame([await user(pair), await there.user(there.thief(pair))], [null, null])
    t.equal((await browser.get('/me')).json().user, 'ann', 'the browser has refreshed')
    t.equal(await user(pair), null, 'which is of no use to the thief')
  },
  'S-d3: a registration that races eight saves is not lost, and neither are they': async (t, place) => {
    const { tick, there, user, thief, browser: open } = await scene(t, place)
    const browser = open()
    const offer = (await browser.bare({ url: '/login' })).headers['secure-session-registration']
    const visits = Array.from({ length: 8 }, async (_, at) => await (at % 2 === 0 ? browser : there.thief(browser)).bare({ url: '/visit' }))
    const [registered, ...saved] = await Promise.all([browser.register(String(offer)), ...visits])
    t.strictSame([registered.statusCode, ...saved.map(({ statusCode }) => statusCode)], Array(9).fill(200))
    tick(GRACE)
    t.match((await browser.get('/me')).json(), { user: 'ann', ...(place.kept === 'store' && { visits: 8 }), device: { algorithm: 'ES256' } })
    t.equal(await user(thief(browser, [COOKIE])), null, 'it is bound')
  },
  'a rotation carries the binding along, also one that crosses a refresh': async (t, place) => {
    const { tick, thief, user, there, ...app } = await scene(t, place)
    const browser = await signedIn(app)
    const { boundAt } = (await browser.get('/me')).json().device
    tick(LIFE)
    const asked = await browser.ask()
    const challenge = challengeIn(asked.headers)
    // The second half comes with the cookie of before, to another server.
    const old = there.thief(browser)
    old.sessions.set(browser.bound.id, browser.bound)
    await browser.get('/rotate')
    t.equal((await old.prove(challenge)).statusCode, 200, 'it follows the rotation, and two refreshes may have one challenge')
    t.equal((await old.prove(challenge)).statusCode, 403, 'but not three')
    tick(GRACE)
    t.match((await browser.get('/me')).json(), { user: 'ann', device: { boundAt } })
    t.equal(await user(thief(browser, [COOKIE])), null)
  },
  'a registration follows the session to the id that it has meanwhile': async (t, place) => {
    const { browser: open, tick, user, thief, there } = await scene(t, place)
    const browser = open()
    const offer = String((await browser.bare({ url: '/login' })).headers['secure-session-registration'])
    const old = there.thief(browser)
    await browser.bare({ url: '/rotate' })
    const key = makeKey()
    t.equal((await old.register(offer, key)).statusCode, 200)
    tick(GRACE)
    t.equal(await user(thief(browser, [COOKIE])), null)
    t.equal(parameter(offer, 'path'), '/.session/device/registration')
  },
  'a logout that crosses a refresh, or a registration, has the last word': async (t, place) => {
    const { thief, user, there, tick, browser: open } = await scene(t, place)
    const browser = await signedIn({ browser: open })
    const copy = thief(browser)
    const challenge = challengeIn((await browser.ask()).headers)
    const [refreshed] = await Promise.all([browser.prove(challenge), there.thief(copy).bare({ url: '/logout' })])
    t.ok(refreshed.statusCode === 200, 'a new cookie, or the end')
    t.strictSame([await user(copy), await user(browser), await there.user(there.thief(browser))], [null, null, null])
    const other = open()
    const offer = String((await other.bare({ url: '/login' })).headers['secure-session-registration'])
    await Promise.all([other.register(offer), there.thief(other).bare({ url: '/logout' })])
    t.equal(await user(other), null)
    tick(LIFE)
    await Promise.all([browser.get('/me'), other.get('/me')])
    t.strictSame([browser.sessions.size, other.sessions.size], [0, 0])
  },
  'a logout ends the binding: the browser is told to go on without it, and what was copied is dead at once': async (t, place) => {
    const { thief, user, sessions, ...app } = await scene(t, place)
    const browser = await signedIn(app)
    const copy = thief(browser)
    await browser.get('/logout')
    t.equal(await user(copy), null)
    t.equal((await browser.get('/me')).json().user, null)
    t.equal(browser.sessions.size, 0)
  }
}

/** What needs a store that finds by subject. */
export const deviceSubjectRows: DeviceRows = {
  'the list of devices says which are bound, and destroyAll() ends these like all others': async (t, place) => {
    const { sessions, browser: open, ...app } = await scene(t, place)
    const browser = await signedIn({ browser: open }, {}, `/login?user=bob-${place.kept}`)
    await open().bare({ url: `/login?user=bob-${place.kept}` })
    const listed = await sessions.list(`bob-${place.kept}`)
    t.strictSame(listed.map(({ device }) => device?.algorithm ?? null).sort(), ['ES256', null])
    t.equal(await sessions.destroyAll(`bob-${place.kept}`), 2)
    t.equal((await browser.get('/me')).json().user, null)
    t.strictSame(await app.there.sessions.list(`bob-${place.kept}`), [])
  },
  'a session that was refreshed still belongs to its subject': async (t, place) => {
    const { sessions, tick, ...app } = await scene(t, place)
    const browser = await signedIn(app, {}, `/login?user=eve-${place.kept}`)
    tick(LIFE)
    t.equal((await browser.get('/me')).json().user, `eve-${place.kept}`)
    t.match(await sessions.list(`eve-${place.kept}`), [{ device: { refreshedAt: new Date() } }])
  }
}

/** On a store, as sessions and as revocations. */
export async function runDeviceRows (t: Test, { store, other }: Pick<Place, 'store' | 'other'>): Promise<void> {
  for (const kept of ['store', 'revocations'] as const) {
    await t.test(`as ${kept}`, async (t) => {
      const rows = { ...deviceRows, ...deviceProofRows, ...(store.findBySubject && deviceSubjectRows) }
      for (const [name, check] of Object.entries(rows)) await t.test(name, async (t) => { await check(t, { store, other, kept }) })
    })
  }
}
