import { randomBytes } from 'node:crypto'
import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { startBrowser } from '../support/browser.js'
import { shopData, startShop } from '../support/shop.js'

const backends = { cookie: {}, memory: { STORE: 'memory' } } as const

const cookieOf = async (window: BrowserContext) => (await window.cookies()).find(({ name }) => name === '__Host-Http-session')
const text = (page: Page, id: string) => page.locator(`#${id}`).innerText()
const press = async (page: Page, id: string) => {
  await page.locator(`#${id}`).click()
  await page.waitForLoadState('load')
}

async function signIn (page: Page, address: string, name: string, password: string): Promise<void> {
  await page.goto(`${address}/login`)
  await page.fill('[name=name]', name)
  await page.fill('[name=password]', password)
  await press(page, 'sign-in')
}

for (const [backend, store] of Object.entries(backends)) {
  t.test(`a person shops, signs in and signs out: ${backend} (P1.2, P1.9, P1.15, P1.16, P4.17)`, { timeout: 120_000 }, async (t) => {
    const browser = await startBrowser(t)
    if (browser === null) return
    const environment = { SESSION_SECRET: randomBytes(32).toString('base64url'), DATA: shopData(t), ...store }
    let shop = await startShop(t, environment)
    const window = await browser.open()
    const page = await window.newPage()

    await page.goto(shop.address)
    t.equal(await text(page, 'visits'), '1')
    await press(page, 'add-tea')
    await press(page, 'add-tea')
    await press(page, 'add-pot')
    t.equal(await text(page, 'cart-count'), '3', 'the cart is kept from page to page')
    t.match(await page.locator('.notice').innerText(), /Cast iron pot is in your cart/, 'a message after the redirect')
    await page.reload()
    t.equal(await page.locator('.notice').count(), 0, 'is shown once')
    await press(page, 'theme')
    t.equal(await page.locator('html').getAttribute('data-theme'), 'dark')

    const before = { id: await text(page, 'session-id'), cookie: await cookieOf(window) }
    await signIn(page, shop.address, 'ada', 'wrong')
    t.match(await page.locator('.notice').innerText(), /do not go together/)
    t.equal(await page.inputValue('[name=name]'), 'ada', 'the name is kept')
    await signIn(page, shop.address, 'ada', 'lovelace')
    t.equal(await text(page, 'who'), 'ada')
    t.equal(await text(page, 'cart-count'), '3', 'the cart stays')
    t.not(await text(page, 'session-id'), before.id, 'the id changes at sign-in')
    const signedIn = await cookieOf(window)
    t.not(signedIn?.value, before.cookie?.value)
    t.match(signedIn, { httpOnly: true, secure: true, sameSite: 'Lax', path: '/', expires: -1 })

    const other = await browser.open()
    const otherPage = await other.newPage()
    await otherPage.goto(shop.address)
    t.equal(await text(otherPage, 'cart-count'), '0', 'a private window is another session')
    t.equal(await otherPage.locator('#who').count(), 0)

    if (backend === 'cookie') {
      await shop.stop()
      shop = await startShop(t, { ...environment, PORT: new URL(shop.address).port })
      await page.goto(shop.address)
      t.equal(await text(page, 'who'), 'ada', 'a restart of the server logs nobody out (P0.5)')
    }

    await press(page, 'logout')
    t.match(await page.locator('.notice').innerText(), /signed out/)
    t.equal(await page.locator('#who').count(), 0)
    t.equal(await text(page, 'cart-count'), '0')
    await page.reload()
    t.equal(await page.locator('#who').count(), 0, 'still out')

    if (signedIn) {
      const thief = await browser.open()
      await thief.addCookies([signedIn])
      const thiefPage = await thief.newPage()
      await thiefPage.goto(shop.address)
      t.equal(await thiefPage.locator('#who').count(), 0, 'the cookie of an ended session is worth nothing (P4.9, S-7.4.1)')
    }
  })
}

t.test('every page of the shop fits on a phone', { timeout: 120_000 }, async (t) => {
  const browser = await startBrowser(t)
  if (browser === null) return
  const shop = await startShop(t, { SESSION_SECRET: randomBytes(32).toString('base64url') })
  for (let device = 0; device < 2; device++) {
    const page = await (await browser.open()).newPage()
    await signIn(page, shop.address, 'grace', 'hopper')
    if (device === 0) continue
    await press(page, 'add-tea')
    await press(page, 'add-pot')
    for (const width of [320, 375]) {
      await page.setViewportSize({ width, height: 700 })
      for (const path of ['/', '/cart', '/account', '/login', '/admin', '/admin/confirm', '/nowhere']) {
        await page.goto(`${shop.address}${path}`)
        t.equal(await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth), width, `${path} in ${width} px`)
      }
    }
  }
})
