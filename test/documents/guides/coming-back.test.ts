import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { CookieJar } from 'tough-cookie'
import { setCookies } from '../../support/app.js'
import { runGuide } from '../../support/guide.js'

const SHOP = 'https://shop.example.com'

interface Providers { isPaid (id: string): Promise<boolean>, userOf (code: string): Promise<string> }

/** A browser that leaves cookies out by their SameSite. `elsewhere`: the request comes from a page of another site. */
async function visit (t: Test) {
  const { buildApp } = await runGuide<{ buildApp (providers: Providers): FastifyInstance }>(t, 'coming-back')
  const app = buildApp({ isPaid: async (id) => id === 'p1', userOf: async (code) => `user of ${code}` })
  t.teardown(() => app.close())
  const jar = new CookieJar()
  return async (method: 'GET' | 'POST', url: string, form: Record<string, string> = {}, elsewhere = false) => {
    const context = elsewhere ? (method === 'GET' ? 'lax' : 'none') : 'strict'
    const cookie = await jar.getCookieString(SHOP + url, { sameSiteContext: context })
    const body = method === 'POST' && { payload: new URLSearchParams(form).toString(), headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' } }
    const response = await app.inject({ method, url, headers: { cookie }, ...body })
    for (const line of setCookies(response.headers)) await jar.setCookie(line, SHOP + url)
    return response
  }
}

t.test('the cart outlives the payment page, and is paid for after it', async (t) => {
  const go = await visit(t)
  await go('POST', '/cart/tea')
  const back = await go('POST', '/payment/return', { id: 'p1' }, true)
  t.equal(back.statusCode, 303)
  t.equal(back.headers['set-cookie'], undefined, 'no session has begun')
  t.strictSame((await go('POST', '/cart/milk')).json(), ['tea', 'milk'])
  t.strictSame((await go('GET', String(back.headers.location))).json(), { paid: ['p1'] })
  t.strictSame((await go('POST', '/cart/bread')).json(), ['bread'])
})

t.test('a payment that nobody made is refused, and the cart stays', async (t) => {
  const go = await visit(t)
  await go('POST', '/cart/tea')
  const { headers } = await go('POST', '/payment/return', { id: 'p2' }, true)
  t.equal((await go('GET', String(headers.location))).statusCode, 402)
  t.strictSame((await go('POST', '/cart/milk')).json(), ['tea', 'milk'])
  t.equal((await go('POST', '/payment/return', {}, true)).headers.location, '/')
})

t.test('an identity provider posts back, and the cart goes along', async (t) => {
  const go = await visit(t)
  await go('POST', '/cart/tea')
  const state = new URL(String((await go('GET', '/login')).headers.location)).searchParams.get('state') ?? ''
  const back = await go('POST', '/callback', { state, code: 'c1' }, true)
  t.equal(back.headers.location, '/signed-in')
  t.equal((await go('GET', '/signed-in')).headers.location, '/me')
  t.match((await go('GET', '/me')).json(), { userId: 'user of c1', cart: ['tea'] })
  t.equal((await go('GET', '/signed-in')).statusCode, 400, 'it counts once')
})

t.test('a callback with a foreign state, or none, signs nobody in', async (t) => {
  const go = await visit(t)
  t.equal((await go('POST', '/callback', { state: 's', code: 'c1' }, true)).statusCode, 400)
  await go('GET', '/login')
  t.equal((await go('POST', '/callback', { state: 's', code: 'c1' }, true)).statusCode, 400)
  t.equal((await go('POST', '/callback', {}, true)).statusCode, 400)
  t.equal((await go('GET', '/me')).statusCode, 401)
})
