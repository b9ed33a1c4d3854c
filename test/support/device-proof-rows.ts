import type { Test } from 'tap'
import { BOUND, GRACE, LIFE, signedIn } from './device-app.js'
import { type DevicePlace, type DeviceRows, deviceScene } from './device-scene.js'
import { challengeIn, type FakeBrowser, makeKey, makeProof, parameter } from './fake-browser.js'
import { twinOf, wrongProofs, wrongRegistrations } from './wrong-proofs.js'

const OFFER = 'secure-session-registration'

/** Somebody whose session is bound, and who has asked for a challenge. */
async function asked (t: Test, place: DevicePlace) {
  const scene = await deviceScene(t, place)
  const browser = await signedIn(scene)
  return { ...scene, open: scene.browser, browser, challenge: challengeIn((await browser.ask()).headers) }
}

/** Refused with another challenge, and the browser goes on trying. */
function refused (t: Test, browser: FakeBrowser, answer: { statusCode: number, headers: Record<string, unknown> }, what: string): void {
  t.equal(answer.statusCode, 403, what)
  t.not(challengeIn(answer.headers), '', `${what}: there is a challenge`)
  t.notOk('set-cookie' in answer.headers, what)
  t.equal(browser.sessions.size, 1, what)
}

/** What a device has to prove, wherever sessions are kept. */
export const deviceProofRows: DeviceRows = {
  'S-d2: a refresh with the wrong key, algorithm or challenge, or with a key in it, is refused; an honest one is not': async (t, place) => {
    const { browser, challenge } = await asked(t, place)
    for (const [what, proof] of Object.entries(wrongProofs(browser.bound.key, challenge))) refused(t, browser, await browser.prove(challenge, browser.bound, proof), what)
    t.equal((await browser.prove(challenge)).statusCode, 200)
  },
  'S-d2: a proof counts once: replayed, it is refused, also with the other signature that anybody can make of it': async (t, place) => {
    const { browser, challenge } = await asked(t, place)
    const proof = makeProof(browser.bound.key, challenge)
    t.equal((await browser.prove(challenge, browser.bound, proof)).statusCode, 200)
    for (const again of [proof, twinOf(proof), proof]) refused(t, browser, await browser.prove(challenge, browser.bound, again), 'a replay')
    const next = challengeIn((await browser.ask()).headers)
    const twin = twinOf(makeProof(browser.bound.key, next))
    t.equal((await browser.prove(next, browser.bound, twin)).statusCode, 200, 'it is a signature like the first')
  },
  'S-d2: a proof of another session is refused, and the id of another one has nothing to refresh': async (t, place) => {
    const { browser, challenge, open } = await asked(t, place)
    const other = await signedIn({ browser: open }, {}, '/login?user=bob')
    const theirs = challengeIn((await other.ask()).headers)
    refused(t, browser, await browser.prove(challenge, browser.bound, makeProof(other.bound.key, theirs)), 'their proof')
    refused(t, browser, await browser.prove(challenge, browser.bound, makeProof(browser.bound.key, theirs)), 'their challenge')
    const { id } = other.bound
    browser.sessions.set(id, other.bound)
    t.strictSame((await browser.ask(other.bound)).json(), { session_identifier: id, continue: false })
    t.equal(browser.sessions.size, 1)
  },
  'S-d2: a challenge is good for five minutes': async (t, place) => {
    const { browser, challenge, tick } = await asked(t, place)
    tick(300_000)
    refused(t, browser, await browser.prove(challenge), 'too late')
    const again = challengeIn((await browser.ask()).headers)
    tick(299_999)
    t.equal((await browser.prove(again)).statusCode, 200)
  },
  'S-d2: a registration with a weak or wrong key, or without one, is refused': async (t, place) => {
    const { browser: open } = await deviceScene(t, place)
    const key = makeKey()
    for (const [what, proofFor] of Object.entries(wrongRegistrations())) {
      const one = open()
      const offer = String((await one.bare({ url: '/login' })).headers[OFFER])
      const answer = await one.register(offer, key, proofFor(parameter(offer, 'challenge')))
      t.equal(answer.statusCode, 403, what)
      t.notOk('secure-session-challenge' in answer.headers, what)
      t.equal(one.cookies.has(BOUND), false, what)
      t.match((await one.bare({ url: '/me' })).json(), { user: 'ann', device: null }, `${what}: the session goes on as it was`)
    }
  },
  'S-d4: a browser that does not know of it is never locked out, beside one that does': async (t, place) => {
    const { browser: open, there, tick, user } = await deviceScene(t, place)
    const plain = open()
    await plain.bare({ url: '/login' })
    const browser = await signedIn({ browser: open }, { algorithm: 'RS256', quoted: true })
    tick(GRACE + LIFE)
    t.match((await plain.bare({ url: '/me' })).json(), { user: 'ann', device: null })
    t.equal(await there.user(there.thief(plain)), 'ann')
    t.equal(await user(plain), 'ann')
    t.match((await browser.get('/me')).json(), { user: 'ann', device: { algorithm: 'RS256' } })
  }
}
