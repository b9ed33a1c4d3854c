import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import type { DeviceBoundOptions } from '../../lib/device-bound.js'
import { type AppOptions, COOKIE } from '../support/app.js'
import { startBrowser } from '../support/browser.js'
import { certificate } from '../support/certificate.js'
import { BOUND, deviceApp, GRACE } from '../support/device-app.js'
import { stopClock } from '../support/http-scene.js'
import { root } from '../support/root.js'

/** The last Chromium of Debian that does it on Linux, with keys in software: 153 and later do not. */
const executablePath = process.env.CHROMIUM_150 ?? join(root, '.ci/chromium-150/usr/lib/chromium/chromium')
const HOST = 'shop.example.test'
const SWITCHES = [
  '--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting', `--host-resolver-rules=MAP ${HOST} 127.0.0.1`, '--ignore-certificate-errors'
]

const boundCookie = async (context: BrowserContext) => (await context.cookies()).find(({ name }) => name === BOUND)?.value
const drop = async (context: BrowserContext) => await context.clearCookies({ name: BOUND })
const shown = async (page: Page) => JSON.parse(await page.locator('body').innerText()) as { readonly user: string | null, readonly device: object | null }
const user = async (page: Page) => (await shown(page)).user

/** The cookie comes a moment after the response that offered it. */
async function registered (context: BrowserContext, page: Page): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const value = await boundCookie(context)
    if (value !== undefined) return value
    await page.waitForTimeout(50)
  }
  throw new Error('the browser has not registered')
}

/** A proxy that ends TLS, and says nothing of it to what is behind it. */
async function proxyTo (t: Test, port: number): Promise<string> {
  const proxy = createServer(certificate(HOST), (incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    incoming.pipe(request({ port, method, path, headers }, (answer) => answer.pipe(outgoing.writeHead(answer.statusCode ?? 0, answer.headers))))
  })
  t.teardown(() => { proxy.close(); proxy.closeAllConnections() })
  await new Promise<void>((resolve) => { proxy.listen(0, '127.0.0.1', resolve) })
  return `https://${HOST}:${(proxy.address() as AddressInfo).port}`
}

/** An application, a window in which it is open, and a page of another site that has a link to it. `null`: there is no such browser here. */
async function scene (t: Test, options: AppOptions, device: DeviceBoundOptions = {}) {
  if (!existsSync(executablePath)) {
    t.plan(0, `Chromium 150 is not at ${executablePath}, and no later one binds sessions on Linux (CHROMIUM_150)`)
    return null
  }
  const browser = await startBrowser(t, SWITCHES, executablePath)
  if (browser === null) return null
  const tick = stopClock(t)
  const { app } = await deviceApp(t, options, device)
  app.get('/form', async (_request, reply) => await reply.type('text/html').send('<form method="post"><button>sign in</button></form>'))
  app.post('/form', async (request, reply) => {
    (request as never as { session: { userId?: string } }).session.userId = 'ann'
    return await reply.redirect('/me', 303)
  })
  app.addContentTypeParser('application/x-www-form-urlencoded', (_request, _payload, done) => done(null))
  await app.listen({ port: 0, host: 'localhost' })
  const { port } = app.server.address() as AddressInfo
  const address = `http://localhost:${port}`
  const elsewhere = Fastify()
  t.teardown(() => elsewhere.close())
  elsewhere.get('/', async (_request, reply) => reply.type('text/html').send(`<a href="${address}/me">a link</a>`))
  const context = await browser.open()
  return { browser, tick, port, address, elsewhere: await elsewhere.listen({ port: 0, host: '127.0.0.1' }), context, page: await context.newPage() }
}

t.test('a real Chromium binds a session, refreshes it, and gives it up', { timeout: 180_000 }, async t => {
  const there = await scene(t, { backend: 'memory' })
  if (there === null) return
  const { browser, tick, address, elsewhere, context, page } = there
  await page.goto(`${address}/login`)
  const first = await registered(context, page)
  await page.goto(`${address}/me`)
  t.match(await shown(page), { user: 'ann', device: { algorithm: 'ES256' } })
  tick(GRACE)

  const thief = await browser.open()
  await thief.addCookies((await context.cookies()).filter(({ name }) => name === COOKIE))
  const theirs = await thief.newPage()
  await theirs.goto(`${address}/me`)
  t.equal(await user(theirs), null, 'another browser with a copy of the session\'s cookie')

  await drop(context)
  await page.goto(`${address}/me`)
  t.equal(await user(page), 'ann', 'it has refreshed')
  t.not(await boundCookie(context), first)

  await page.goto(elsewhere)
  await drop(context)
  await page.click('a')
  await page.waitForFunction('document.body.innerText.includes("user")')
  t.equal(await user(page), 'ann', 'by a link on another site')

  await page.goto(`${address}/logout`)
  await page.goto(`${address}/me`)
  t.equal(await user(page), null)
  t.equal(await boundCookie(context), undefined)
})

t.test('so it does after a form and a redirect, with SameSite=Strict, a session in the cookie, and onUnbound: refuse', { timeout: 180_000 }, async t => {
  const there = await scene(t, { backend: 'revocable', cookie: { sameSite: 'strict' } }, { onUnbound: 'refuse' })
  if (there === null) return
  const { tick, address, context, page } = there
  await page.goto(`${address}/form`)
  await page.click('button')
  await page.waitForURL(`${address}/me`)
  t.match(await shown(page), { user: 'ann' })
  const first = await registered(context, page)
  tick(GRACE)
  await drop(context)
  const answers = await page.evaluate("Promise.all(Array.from({ length: 8 }, async () => (await (await fetch('/me')).json()).user))")
  t.strictSame(answers, Array(8).fill('ann'), 'eight requests of a page wait for one refresh')
  t.not(await boundCookie(context), first)
  await page.goto(`${address}/rotate`)
  await drop(context)
  await page.goto(`${address}/bound`)
  t.equal(await page.locator('body').innerText(), 'bound', 'the binding goes along with a rotation')
})

t.test('so it does behind a proxy that ends TLS, which the application does not know of', { timeout: 180_000 }, async t => {
  const there = await scene(t, { backend: 'memory' })
  if (there === null) return
  const { tick, port, context, page } = there
  const address = await proxyTo(t, port)
  await page.goto(`${address}/login`)
  const first = await registered(context, page)
  tick(GRACE)
  await drop(context)
  await page.goto(`${address}/me`)
  t.equal(await user(page), 'ann')
  t.not(await boundCookie(context), first)
})
