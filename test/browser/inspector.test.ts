import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { createSession } from '../../lib/index.js'
import inspector from '../../lib/inspector.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { CookieOptions } from '../../types/index.js'
import { startBrowser } from '../support/browser.js'
import { setEnvironment } from '../support/environment.js'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const HOST = 'laptop.example.test'
const EVIL = '<img src=x onerror="document.title=1"><script>document.title=2</script>'

const schema = z.object({
  user: z.string().optional(),
  visits: z.int().default(0),
  text: z.string().default('short'),
  tree: z.record(z.string(), z.unknown()).optional(),
  list: z.array(z.int()).default([])
})

/** An application with two sessions and the inspector, in this process. */
async function serve (t: Test) {
  setEnvironment(t, 'development')
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  const session = createSession(schema, { secret: randomBytes(32), store: memoryStore(), subject: 'user', rotateOn: ['user'], describe: ({ headers }) => ({ browser: headers['x-device'] as string ?? EVIL }) })
  const second = createSession(z.object({ n: z.int().default(0) }), { secret: randomBytes(32), name: 'secondSession' })
  await app.register(session)
  await app.register(second)
  await app.register(inspector)
  app.get('/write', async (request) => { session.get(request).visits++ })
  app.get('/second', async (request) => { second.get(request).n++ })
  app.get('/login', async (request) => { session.get(request).user = 'ada' })
  app.get('/logout', async (request) => await session.get(request).destroy())
  app.get('/evil', async (request) => { Object.assign(session.get(request), { text: EVIL.repeat(4), tree: { [EVIL]: EVIL, deep: { deeper: { deepest: [1, null, true] } } } }) })
  app.get('/spoil', async (_request, reply) => reply.header('set-cookie', '__Host-Http-secondSession=nonsense; Secure; HttpOnly; Path=/').send('spoilt'))
  app.get('/many', async (request) => { session.get(request).list = Array.from({ length: 5_000 }, (_, index) => index) })
  await app.listen({ port: 0, host: 'localhost' })
  return `http://localhost:${(app.server.address() as AddressInfo).port}`
}

/** Another application, whose cookie does not come to the page. */
async function serveElsewhere (t: Test, cookie: CookieOptions, host: string) {
  setEnvironment(t, 'development')
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(createSession(schema, { secret: randomBytes(32), cookie }))
  await app.register(inspector)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return `http://${host}:${(app.server.address() as AddressInfo).port}/.session`
}

/** The page, and everything that goes wrong on it. */
async function look (context: BrowserContext, address: string) {
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) wrong.push(message.text()) })
  page.on('pageerror', (error) => wrong.push(String(error)))
  await page.goto(`${address}/.session`)
  await page.locator('.live.good').waitFor()
  const panel = page.locator('#session-session')
  const event = async (name: string) => await panel.locator('.event .what', { hasText: name }).first().waitFor()
  return { page, panel, wrong, event, visit: async (path: string) => await context.request.get(`${address}${path}`, { headers: { 'x-device': 'Laptop' } }) }
}

const text = async (page: Page, selector: string) => await page.locator(selector).first().innerText()

t.test('the inspector in a real browser', { timeout: 180_000 }, async (t) => {
  const browser = await startBrowser(t, [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`])
  if (browser === null) return
  const address = await serve(t)

  await t.test('what another tab does is seen at once, without a reload', async (t) => {
    const context = await browser.open()
    const { page, panel, wrong, event, visit } = await look(context, address)
    t.match(await panel.locator('.states').innerText(), /no session/)
    await visit('/write')
    await event('created')
    t.match(await panel.locator('.of-data').innerText(), /visits\s+1\s+1 B/)
    t.match(await panel.locator('.of-time').innerText(), /Idle, unless it is used\s+(?:1 d|23 h 59 min \d+ s)[^]*Absolute, in any case\s+(?:30 d|29 d 23 h)/)
    await visit('/login')
    await panel.getByText('a key of rotateOn has changed').waitFor()
    t.match(await panel.locator('.of-devices').innerText(), /Laptop\s*this browser/)
    await visit('/second')
    await page.locator('#session-secondSession .event.created').waitFor()
    await visit('/logout')
    await panel.getByText('no session').waitFor()
    t.equal(await panel.locator('.of-data').isVisible(), false)
    t.match(await panel.locator('.timeline').innerText(), /rotated[^]*created/, 'what was seen stays on the page')
    t.strictSame(wrong, [], 'nothing was refused, nothing failed')
  })

  await t.test('it says why a browser may bring no cookie', async (t) => {
    for (const [cookie, host, why] of [
      [{ path: '/app' }, 'localhost', /cookie\.path is \/app, and the option prefix/],
      [{}, HOST, /browsers keep no secure cookie of a host that is served over plain http/],
      [{ secure: false }, HOST, /nothing has been written to it yet/]
    ] as const) {
      const page = await (await browser.open()).newPage()
      await page.goto(await serveElsewhere(t, cookie, host))
      await page.locator('.why').waitFor()
      t.match(await page.locator('.why').innerText(), why)
    }
  })

  await t.test('the countdown runs, and the bar with it', async (t) => {
    const context = await browser.open()
    const { panel, wrong, visit } = await look(context, address)
    await visit('/write')
    const left = panel.locator('.of-time .left').first()
    await left.filter({ hasText: '23 h 59 min' }).waitFor()
    const before = await left.innerText()
    await left.filter({ hasNotText: before }).waitFor()
    t.not(await left.innerText(), before)
    t.strictSame(wrong, [], 'nothing was refused, nothing failed')
  })

  await t.test('data are text, whatever they are', async (t) => {
    const context = await browser.open()
    const { page, panel, wrong, event, visit } = await look(context, address)
    await visit('/evil')
    await visit('/login')
    await event('rotated')
    for (const summary of await panel.locator('.of-data summary').all()) await summary.click()
    t.ok((await panel.locator('.of-data').innerText()).includes('<img src=x'))
    t.equal(await panel.locator('img, script, iframe').count(), 0)
    t.equal(await page.title(), 'Session inspector')
    t.strictSame(wrong, [], 'nothing was refused, nothing failed')
  })

  await t.test('keys and buttons by keyboard: unfolded parts and the focus stay while the page changes', async (t) => {
    const context = await browser.open()
    const { page, panel, wrong, visit } = await look(context, address)
    await visit('/evil')
    const summary = panel.locator('summary[data-key="/tree"]')
    await summary.focus()
    await page.keyboard.press('Enter')
    await panel.getByText('deep', { exact: true }).waitFor()
    await visit('/write')
    await panel.locator('.of-data').getByText('visits').waitFor()
    await panel.locator('.of-data li', { hasText: 'visits' }).getByText('1', { exact: true }).waitFor()
    t.equal(await panel.getByText('deep', { exact: true }).isVisible(), true)
    t.equal(await page.evaluate('document.activeElement.dataset.key'), '/tree')

    await visit('/login')
    const other = await browser.open()
    await other.request.get(`${address}/login`, { headers: { 'x-device': 'Phone' } })
    const button = panel.getByRole('button', { name: /Sign out: Phone/ })
    await button.focus()
    await page.keyboard.press('Enter')
    await panel.getByText('Signed out: Phone').waitFor()
    await button.waitFor({ state: 'detached' })
    t.equal(await page.evaluate('document.activeElement.className'), 'body', 'the focus is still in the list')
    t.strictSame(wrong, [], 'nothing was refused, nothing failed')
  })

  await t.test('a long list unfolds in a moment, and in part', async (t) => {
    const context = await browser.open()
    const { panel, wrong, visit } = await look(context, address)
    await visit('/many')
    await panel.locator('summary[data-key="/list"]').click()
    await panel.getByText('and 4,900 more').waitFor()
    t.equal(await panel.locator('.tree .tree > li').count(), 101)
    t.strictSame(wrong, [], 'nothing was refused, nothing failed')
  })

  await t.test('it says that the server is away, and goes on when it is back', async (t) => {
    const context = await browser.open()
    const page = await context.newPage()
    await page.goto(`${address}/.session`)
    await page.locator('.live.good').waitFor()
    await page.route('**/state', async (route) => await route.abort())
    await page.getByText('The server does not answer').waitFor()
    await page.unroute('**/state')
    await page.locator('.live.good').waitFor()
    t.pass()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    await t.test(`axe finds nothing: ${colorScheme}`, async (t) => {
      const context = await browser.open()
      const { page, panel, wrong, visit } = await look(context, address)
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      for (const path of ['/evil', '/login', '/many', '/second']) await visit(path)
      await visit('/spoil')
      await page.getByText('not accepted').waitFor()
      for (const summary of await panel.locator('summary').all()) await summary.click()
      await page.evaluate(axe)
      const { violations, passes } = await page.evaluate<{ violations: object[], passes: object[] }>('axe.run()')
      t.strictSame(violations, [])
      t.ok(passes.length > 20)
      t.strictSame(wrong, [], 'nothing was refused, nothing failed')
    })
  }

  await t.test('it fits on a phone', async (t) => {
    const context = await browser.open()
    const { page, panel, wrong, event, visit } = await look(context, address)
    for (const path of ['/evil', '/login']) await visit(path)
    await event('rotated')
    for (const summary of await panel.locator('summary').all()) await summary.click()
    for (const width of [320, 375, 768, 1024]) {
      await page.setViewportSize({ width, height: 700 })
      t.equal(await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth), width, `${width} px`)
    }
    t.match(await text(page, 'h1'), 'Session inspector')
    t.strictSame(wrong, [], 'nothing was refused, nothing failed')
  })
})
