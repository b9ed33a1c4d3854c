import t from 'tap'
import { pass, stopTime } from '../support/clock.js'
import { COOKIE } from '../support/app.js'
import { deviceApp, GRACE, LIFE, signedIn } from '../support/device-app.js'

const OFFER = 'secure-session-registration'

for (const backend of ['memory', 'revocable'] as const) {
  t.test(`S-d3: a registration between the load and the save of a request is kept by what it saves (${backend})`, async t => {
    for (const [what, work] of Object.entries({
      'a change': (session) => { session.visits++ },
      'another id': (session) => { session.rotate() },
      'only some keys': (session) => { session.regenerate(['userId']) },
      'a touch': (session) => { session.touch() },
      'a new proof of who it is': (session) => { session.reauthenticated() }
    } satisfies Record<string, (session: import('../support/app.js').AppSession) => void>)) {
      await t.test(what, async t => {
        stopTime(t)
        const { does, browser, thief, user } = await deviceApp(t, { backend, subject: 'userId' })
        const one = browser()
        const offer = String((await one.bare({ url: '/login' })).headers[OFFER])
        does.slow = async ({ session }) => {
          t.equal(session.device, null)
          t.equal((await one.register(offer)).statusCode, 200)
          work(session)
        }
        t.equal((await one.bare({ url: '/do/slow' })).statusCode, 200)
        pass(GRACE)
        t.match((await one.get('/me')).json(), { user: 'ann', device: { algorithm: 'ES256' } })
        t.equal(await user(thief(one, [COOKIE])), null)
      })
    }
  })

  t.test(`a refresh between the load and the rotation of a request is kept by the new id (${backend})`, async t => {
    stopTime(t)
    const { does, ...scene } = await deviceApp(t, { backend, subject: 'userId' })
    const browser = await signedIn(scene)
    does.slow = async ({ session }) => {
      pass(60_000)
      await browser.refresh()
      session.rotate()
    }
    await browser.bare({ url: '/do/slow' })
    t.match((await browser.get('/me')).json().device, { refreshedAt: new Date().toISOString() })
    pass(LIFE)
    t.equal((await browser.get('/me')).json().user, 'ann')
    t.equal((await scene.sessions.list('ann')).length, 1)
  })

  t.test(`two registrations for one sign-in: one binds, the other is refused (${backend})`, async t => {
    const { browser, thief } = await deviceApp(t, { backend, subject: 'userId' })
    const one = browser()
    const offer = String((await one.bare({ url: '/login' })).headers[OFFER])
    const other = thief(one)
    const answers = await Promise.all([one.register(offer), other.register(offer)])
    t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [200, 403])
  })
}
