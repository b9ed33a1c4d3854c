import t, { type Test } from 'tap'
import { pass, stopTime } from '../support/clock.js'
import { deviceApp, LIFE, signedIn } from '../support/device-app.js'
import { challengeIn, makeKey, makeProof, parameter } from '../support/fake-browser.js'

const OFFER = 'secure-session-registration'

async function asked (t: Test) {
  stopTime(t)
  const scene = await deviceApp(t, { backend: 'memory' })
  const browser = await signedIn(scene)
  return { scene, browser, challenge: challengeIn((await browser.ask()).headers) }
}

for (const algorithm of ['ES256', 'RS256'] as const) {
  for (const quoted of [false, true]) {
    t.test(`${algorithm}, ${quoted ? 'quoted' : 'bare'}: registered, and refreshed with a 403, a challenge and a proof`, async t => {
      stopTime(t)
      const scene = await deviceApp(t, { backend: 'memory' })
      const browser = await signedIn(scene, { algorithm, quoted })
      pass(LIFE)
      t.match((await browser.get('/me')).json(), { user: 'ann', device: { algorithm } })
      t.strictSame(browser.answers.map(({ statusCode }) => statusCode), [200, 403, 200])
    })
  }
}

t.test('whoever asks again gets the same challenge, so that nobody makes more than one write of it in two minutes and a half', async t => {
  const { browser, challenge, scene: { spy } } = await asked(t)
  const writes = () => spy.calls.filter((call) => call === 'replace').length
  const before = writes()
  for (let ask = 0; ask < 20; ask++) t.equal(challengeIn((await browser.ask()).headers), challenge)
  t.equal(writes(), before)
  pass(150_000)
  t.not(challengeIn((await browser.ask()).headers), challenge)
  t.equal(writes(), before + 1)
  t.equal((await browser.prove(challenge)).statusCode, 200, 'the one before is still good: two refreshes may cross')
})

t.test('two refreshes with one challenge are both answered, as they cross where a browser has two windows', async t => {
  const { browser, challenge } = await asked(t)
  const answers = await Promise.all([browser.prove(challenge), browser.prove(challenge)])
  t.strictSame(answers.map(({ statusCode }) => statusCode), [200, 200])
  const third = await browser.prove(challenge)
  t.equal(third.statusCode, 403)
  t.not(challengeIn(third.headers), challenge, 'it gets another challenge')
})

t.test('a registration without a session, or with several, is refused', async t => {
  const { browser } = await deviceApp(t, { backend: 'memory' })
  const one = browser()
  const offer = String((await one.bare({ url: '/login' })).headers[OFFER])
  t.equal((await browser().register(offer)).statusCode, 403)
  const proof = makeProof(makeKey(), parameter(offer, 'challenge'), { bring: true })
  const twice = `${one.header}; ${one.header}`
  t.equal((await one.bare({ method: 'POST', url: parameter(offer, 'path'), headers: { cookie: twice, 'secure-session-response': proof } })).statusCode, 403)
  await one.bare({ url: '/logout', headers: { cookie: one.header } })
  t.equal((await one.register(offer)).statusCode, 403, 'it has ended')
})
