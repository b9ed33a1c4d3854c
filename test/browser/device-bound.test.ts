import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { startBrowser } from '../support/browser.js'
import { COOKIE } from '../support/app.js'
import { BOUND, deviceApp, GRACE } from '../support/device-app.js'
import { stopClock } from '../support/http-scene.js'
import { root } from '../support/root.js'

/** The last Chromium of Debian that does it on Linux, with keys in software: 153 and later do not. */
const executablePath = process.env.CHROMIUM_150 ?? join(root, '.ci/chromium-150/usr/lib/chromium/chromium')
const SWITCHES = ['--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting']

const boundCookie = async (context: BrowserContext) => (await context.cookies()).find(({ name }) => name === BOUND)?.value

/** The cookie comes a moment after the response that offered it. */
async function registered (context: BrowserContext, page: Page): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const value = await boundCookie(context)
    if (value !== undefined) return value
    await page.waitForTimeout(50)
  }
  throw new Error('the browser has not registered')
}

const user = async (page: Page) => JSON.parse(await page.locator('body').innerText()).user as string | null

t.test('a real Chromium binds a session, refreshes it, and gives it up', { timeout: 180_000 }, async t => {
  if (!existsSync(executablePath)) return t.plan(0, `Chromium 150 is not at ${executablePath}, and no later one binds sessions on Linux (CHROMIUM_150)`)
  const browser = await startBrowser(t, SWITCHES, executablePath)
  if (browser === null) return
  const tick = stopClock(t)
  const { app } = await deviceApp(t, { backend: 'memory' })
  await app.listen({ port: 0, host: 'localhost' })
  const { port } = app.server.address() as AddressInfo
  const address = `http://localhost:${port}`
  const elsewhere = Fastify()
  t.teardown(() => elsewhere.close())
  elsewhere.get('/', async (_request, reply) => reply.type('text/html').send(`<a href="${address}/me">a link</a>`))
  const context = await browser.open()
  const page = await context.newPage()
  const drop = async () => await context.clearCookies({ name: BOUND })

  await page.goto(`${address}/login`)
  const first = await registered(context, page)
  await page.goto(`${address}/me`)
  t.match(JSON.parse(await page.locator('body').innerText()), { user: 'ann', device: { algorithm: 'ES256' } })
  tick(GRACE)

  const thief = await browser.open()
  const stolen = (await context.cookies()).filter(({ name }) => name === COOKIE)
  await thief.addCookies(stolen)
  const theirs = await thief.newPage()
  await theirs.goto(`${address}/me`)
  t.equal(await user(theirs), null, 'another browser with a copy of the session\'s cookie')

  await drop()
  await page.goto(`${address}/me`)
  t.equal(await user(page), 'ann', 'it has refreshed')
  t.not(await boundCookie(context), first)

  await page.goto(await elsewhere.listen({ port: 0, host: '127.0.0.1' }))
  await drop()
  await page.click('a')
  await page.waitForFunction('document.body.innerText.includes("user")')
  t.equal(await user(page), 'ann', 'by a link on another site')

  await page.goto(`${address}/logout`)
  await page.goto(`${address}/me`)
  t.equal(await user(page), null)
  t.equal(await boundCookie(context), undefined)
})
