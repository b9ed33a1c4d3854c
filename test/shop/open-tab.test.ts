import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { shopData, startShop } from '../support/shop.js'

async function signIn (address: string): Promise<string> {
  const body = new URLSearchParams({ name: 'ada', password: 'lovelace' })
  const response = await fetch(`${address}/login`, { method: 'POST', body, redirect: 'manual' })
  return response.headers.getSetCookie()[0]?.split(';', 1).join() as string
}

/** The socket of an open page. */
function openTab (t: Test, address: string, headers: Record<string, string>): WebSocket {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/open-tab`, { headers })
  t.teardown(() => socket.terminate())
  return socket
}

const backends = { 'cookie and revocations': () => ({}), file: (directory: string) => ({ STORE: `file:${join(directory, 'store')}` }) }

for (const [backend, environmentIn] of Object.entries(backends)) {
  t.test(`Signing out in one process of the shop closes the open tab of another: ${backend}`, { timeout: 90_000 }, async (t) => {
    const DATA = shopData(t)
    const environment = { DATA, SESSION_SECRET: randomBytes(32).toString('base64url'), ...environmentIn(DATA) }
    const [one, other] = await Promise.all([startShop(t, environment), startShop(t, environment)])
    const [cookie, phone] = [await signIn(one.address), await signIn(other.address)]
    const tabs = [openTab(t, one.address, { cookie }), openTab(t, other.address, { cookie }), openTab(t, other.address, { cookie: phone })] as const
    await Promise.all(tabs.map((tab) => once(tab, 'open')))
    const closed = tabs.slice(0, 2).map((tab) => once(tab, 'close'))
    await fetch(`${one.address}/logout`, { method: 'POST', headers: { cookie }, redirect: 'manual' })
    for (const [code] of await Promise.all(closed)) t.equal(code, 1008)
    t.equal(tabs[2].readyState, WebSocket.OPEN, 'her other session goes on')
    t.match(await (await fetch(`${one.address}/cart`, { headers: { cookie: phone } })).text(), /id="who">ada</)
  })
}

t.test('A socket is for a page of the shop, of somebody who has signed in', { timeout: 30_000 }, async (t) => {
  const { address } = await startShop(t, { SESSION_SECRET: randomBytes(32).toString('base64url') })
  const cookie = await signIn(address)
  const cases = [
    { headers: { cookie, origin: address }, status: 101 },
    { headers: { cookie, origin: 'https://elsewhere.example' }, status: 403 },
    { headers: { origin: address }, status: 303 },
    { headers: { cookie: `${cookie}x`, origin: address }, status: 303 }
  ]
  for (const { headers, status } of cases) {
    const tab = openTab(t, address, headers)
    const answered = await Promise.race([once(tab, 'open').then(() => 101), once(tab, 'unexpected-response').then(([, response]) => response.statusCode)])
    t.equal(answered, status, JSON.stringify(headers.origin))
    tab.on('error', () => {}).terminate()
  }
})
