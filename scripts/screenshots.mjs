// Makes the pictures of the inspector: the shop in a real Chromium, with two devices, a cart, a sign-in and whatever else makes events.
// npm run screenshots
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { fileStore } from '../dist/lib/stores/file.js'
import { visitor } from '../dist/lib/testing.js'

process.env.NODE_ENV = 'development'
const { buildShop } = await import('../examples/dist/shop/app.js')

const images = new URL('../docs/images/', import.meta.url)
const PICTURES = [
  { name: 'inspector-light', colorScheme: 'light', width: 1280, height: 860 },
  { name: 'inspector-dark', colorScheme: 'dark', width: 1280, height: 860 },
  { name: 'inspector-phone', colorScheme: 'dark', width: 390, height: 844 }
]
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'

const home = mkdtempSync(join(tmpdir(), 'screenshots-'))
useFonts(home)
const store = fileStore({ directory: join(home, 'sessions') })
const app = await buildShop({ secret: randomBytes(32).toString('base64url'), store, revocations: store })
const address = 'http://localhost:3000'
await app.listen({ port: 3000, host: 'localhost' })
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'], env: { ...process.env, HOME: home } })

try {
  mkdirSync(images, { recursive: true })
  await signIn(await (await browser.newContext({ userAgent: PHONE })).newPage())
  const context = await browser.newContext()
  await comeBack(context)
  await shop(await context.newPage())
  for (const picture of PICTURES) await take(await context.newPage(), picture)
} finally {
  await browser.close()
  await app.close()
  rmSync(home, { recursive: true, force: true })
}

async function signIn (page) {
  await page.goto(`${address}/login`)
  await page.fill('[name=name]', 'ada')
  await page.fill('[name=password]', 'lovelace')
  await page.click('#sign-in')
}

/** Somebody who has been here before: a session of eleven days is more to look at than one of a second. */
async function comeBack (context) {
  const guest = visitor(app)
  await guest.signIn({ visits: 3 }, { createdAt: new Date(Date.now() - 11 * 86_400_000) })
  await context.addCookies([...guest.cookies].map(([name, value]) => ({ name, value, domain: 'localhost', path: '/', secure: true, httpOnly: true })))
}

async function shop (page) {
  await page.goto(address)
  for (const product of ['tea', 'tea', 'pot']) await page.click(`#add-${product}`)
  await signIn(page)
  await page.click('#theme')
  // Two at the same time: the second one finds that the first has saved, and merges.
  await Promise.all(['tin', 'cup'].map((sku) => page.request.post(`${address}/cart`, { form: { sku }, headers: { origin: address }, maxRedirects: 0 })))
}

async function take (page, { name, colorScheme, width, height }) {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  await page.setViewportSize({ width, height })
  await page.goto(`${address}/.session`)
  await page.locator('summary').first().click()
  await page.locator('.live.good').waitFor()
  await page.locator('.left', { hasText: /59 min \d+ s$/ }).first().waitFor() // more to look at than a whole day
  await page.mouse.move(0, 0)
  await page.locator('body').click({ position: { x: 2, y: 2 } })
  await page.screenshot({ path: new URL(`${name}.png`, images).pathname, animations: 'disabled' })
}

/** Inter, where the machine has it, in the place of the one font that a server may have. */
function useFonts (folder) {
  const alias = (family, wanted) => `<match target="pattern"><test name="family"><string>${family}</string></test><edit name="family" mode="prepend" binding="strong"><string>${wanted}</string></edit></match>`
  const fonts = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${['system-ui', 'sans-serif', 'sans'].map((family) => alias(family, 'Inter')).join('')}${alias('ui-monospace', 'JetBrains Mono')}</fontconfig>`
  mkdirSync(join(folder, '.config/fontconfig'), { recursive: true })
  writeFileSync(join(folder, '.config/fontconfig/fonts.conf'), fonts)
}
