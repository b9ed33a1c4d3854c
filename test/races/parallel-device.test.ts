import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { COOKIE } from '../support/app.js'
import { pass, stopTime } from '../support/clock.js'
import { deviceApp, GRACE, LIFE, signedIn } from '../support/device-app.js'
import { challengeIn, type FakeBrowser } from '../support/fake-browser.js'
import { everyOrder, Interleaver } from '../support/interleave.js'

/** What somebody does meanwhile, and who it is afterwards. */
const MEANWHILE = { '/me': 'ann', '/visit': 'ann', '/rotate': 'ann', '/again': 'ann', '/login?user=bob': 'bob', '/leave': null, '/logout': null } as const
type Url = keyof typeof MEANWHILE
/** In cookies there are twenty times as many orders, as each request asks the store twice. */
const WHERE: Readonly<Record<string, { readonly kept: 'store' | 'revocations', readonly urls: readonly Url[] }>> = {
  'in a store': { kept: 'store', urls: Object.keys(MEANWHILE) as Url[] },
  'in cookies': { kept: 'revocations', urls: ['/visit', '/login?user=bob', '/logout'] }
}

async function scene (t: Test, kept: 'store' | 'revocations') {
  stopTime(t)
  const orders = new Interleaver()
  return { ...await deviceApp(t, { backend: 'cookie', fastify: { logger: false }, [kept]: orders.wrap(memoryStore()), subject: 'userId' }), orders }
}

/** Of thousands of orders only those are reported that are not as they should be. */
function checks () {
  const wrong: string[] = []
  const equal = (got: unknown, expected: unknown, what: string) => { if (!isDeepStrictEqual(got, expected)) wrong.push(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(expected)}`) }
  return { wrong, equal }
}

/** Nobody has the session who only has its cookie, whichever of them. */
async function areClosed ({ thief, user }: Pick<Awaited<ReturnType<typeof deviceApp>>, 'thief' | 'user'>, copies: readonly FakeBrowser[]): Promise<boolean> {
  for (const copy of copies) if (await user(thief(copy, [COOKIE])) !== null) return false
  return true
}

/** Who it is, how often it came, and what signs for its device. */
async function known (browser: FakeBrowser): Promise<unknown[]> {
  const { user, visits, device } = (await browser.get('/me')).json() as { user: string | null, visits: number, device: { algorithm: string } | null }
  return [user, visits, device && device.algorithm]
}

for (const [where, { kept, urls }] of Object.entries(WHERE)) {
  t.test(`S-d3: a registration beside another request, in every order of their store calls, binds the session that is left (${where})`, async t => {
    const { orders, browser, ...app } = await scene(t, kept)
    const { wrong, equal } = checks()
    let count = 0
    for (const url of urls) {
      count += await everyOrder(async (choose) => {
        const one = browser()
        const offer = String((await one.bare({ url: '/login' })).headers['secure-session-registration'])
        const copy = app.thief(one)
        const [registered, other] = await orders.run([() => one.register(offer), () => one.bare({ url })], choose)
        const what = `${url}, ${registered?.statusCode}`
        equal(other?.statusCode, 200, what)
        pass(GRACE)
        const isBound = registered?.statusCode === 200
        // An offer is for one sign-in, so it may come too late for that.
        if (!isBound) equal(['/again', '/login?user=bob', '/leave', '/logout'].includes(url), true, what)
        if (isBound || url === '/logout') equal(await areClosed(app, [copy, one]), true, what)
        equal(await known(one), [MEANWHILE[url], url === '/visit' ? 1 : 0, isBound && url !== '/logout' ? 'ES256' : null], what)
      })
    }
    t.strictSame(wrong, [])
    t.ok(count > 100, `${count} orders`)
  })

  t.test(`a refresh beside another request, in every order of their store calls, loses nothing and brings nothing back (${where})`, async t => {
    const { orders, ...app } = await scene(t, kept)
    const { wrong, equal } = checks()
    let count = 0
    for (const url of urls) {
      count += await everyOrder(async (choose) => {
        const browser = await signedIn(app)
        const copy = app.thief(browser)
        const challenge = challengeIn((await browser.ask()).headers)
        const [refreshed, other] = await orders.run([() => browser.prove(challenge), () => browser.bare({ url })], choose)
        const what = `${url}, ${refreshed?.statusCode}`
        equal(other?.statusCode, 200, what)
        // 503: with a cookie that has data of before the sign-in it cannot tell, and the browser comes again.
        equal([200, 503].includes(refreshed?.statusCode ?? 0), true, what)
        pass(LIFE)
        equal(await areClosed(app, [copy, browser]), true, what)
        if (url !== '/logout') equal(browser.sessions.size, 1, what)
        equal(await known(browser), [MEANWHILE[url], url === '/visit' ? 1 : 0, url === '/logout' ? null : 'ES256'], what)
        equal(browser.sessions.size, url === '/logout' ? 0 : 1, what)
      })
    }
    t.strictSame(wrong, [])
    t.ok(count > 100, `${count} orders`)
  })
}
