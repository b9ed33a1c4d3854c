import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import t from 'tap'
import { FakeBrowser } from '../support/fake-browser.js'
import { startShop } from '../support/shop.js'

const SIGN_IN = { method: 'POST', url: '/login', payload: 'name=ada&password=lovelace', headers: { 'content-type': 'application/x-www-form-urlencoded' } } as const

/** Over the wire, as far as the browser needs it. */
const over = (address: string) => async ({ method = 'GET', url, headers, payload }: InjectOptions): Promise<LightMyRequestResponse> => {
  const response = await fetch(`${address}${String(url)}`, {
    method, headers: headers as Record<string, string>, redirect: 'manual', ...payload !== undefined && { body: payload as string }
  })
  const body = await response.text()
  const known = { ...Object.fromEntries(response.headers), 'set-cookie': response.headers.getSetCookie() }
  return { statusCode: response.status, headers: known, body, json: () => JSON.parse(body) } as unknown as LightMyRequestResponse
}

t.test('the shop offers to bind a session, and shows a lock beside a device that is bound', async t => {
  const { address } = await startShop(t, {})
  const [bound, plain] = [new FakeBrowser(over(address)), new FakeBrowser(over(address))]
  await plain.bare(SIGN_IN)
  await bound.send(SIGN_IN)
  t.equal(bound.bound.cookie, '__Secure-session-bound')
  for (const browser of [bound, plain]) {
    const { body } = await browser.bare({ url: '/account' })
    t.equal(body.match(/class="device"/g)?.length, 2)
    t.equal(body.match(/🔒/g)?.length, 1)
  }
  t.equal((await bound.refresh()).statusCode, 200)
  await bound.send({ method: 'POST', url: '/logout', payload: '', headers: SIGN_IN.headers })
  t.equal((await bound.send({ url: '/account' })).statusCode === 200, false)
})
