import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startBrowser } from '../support/browser.js'
import { shopData, startShop } from '../support/shop.js'

const backends = { 'cookie and revocations': () => ({}), file: (directory: string) => ({ STORE: `file:${join(directory, 'store')}` }) }

interface Device { readonly window: BrowserContext, readonly page: Page }

for (const [backend, environmentIn] of Object.entries(backends)) {
  t.test(`Sessions are seen and ended from other devices: ${backend}`, { timeout: 180_000 }, async (t) => {
    const browser = await startBrowser(t)
    if (browser === null) return
    const directory = shopData(t)
    const { address } = await startShop(t, { DATA: directory, SESSION_SECRET: randomBytes(32).toString('base64url'), ...environmentIn(directory) })

    /** A browser of its own that has signed in. */
    const device = async (name: string, password: string): Promise<Device> => {
      const window = await browser.open()
      const page = await window.newPage()
      await signIn(page, address, name, password)
      return { window, page }
    }
    const [laptop, phone, tablet] = [await device('ada', 'lovelace'), await device('ada', 'lovelace'), await device('ada', 'lovelace')]
    const grace = await device('grace', 'hopper')

    await t.test('a person sees all her devices and nobody else\'s, this one marked (S-7.5.2)', async (t) => {
      for (const { page } of [laptop, phone, tablet]) {
        await page.goto(`${address}/account`)
        t.equal(await page.locator('.device').count(), 3)
        t.equal(await page.locator('.this-one').count(), 1)
        t.match(await page.locator('.device').first().innerText(), /^Chrome on Linux, (::1|127\.0\.0\.1)/, 'as describe() says')
      }
    })

    await t.test('she signs one out: its open tab knows at once, its cookie is nothing (S-7.4.1, S-7.5.2)', async (t) => {
      const cookies = await phone.window.cookies()
      await laptop.page.goto(`${address}/account`)
      await endDevice(laptop.page, await sessionOf(phone.page))
      t.match(await notice(laptop.page), /That device is signed out/)
      t.equal(await laptop.page.locator('.device').count(), 2)
      await signedOutMessage(phone.page)
      t.equal(await tabSaysSignedOut(laptop.page), false, 'the others stay')
      t.equal(await tabSaysSignedOut(tablet.page), false)
      await isSignedOut(t, phone, address)
      await replayIsNothing(t, await browser.open(), cookies, address)
    })

    await t.test('she signs out all others, and stays herself (S-7.4.3)', async (t) => {
      await laptop.page.goto(`${address}/account`)
      await press(laptop.page, '#end-others')
      t.match(await notice(laptop.page), /Signed out elsewhere: 1/)
      await signedOutMessage(tablet.page)
      t.equal(await who(laptop.page), 'ada')
      t.equal(await laptop.page.locator('#end-others').count(), 0, 'there is none to sign out')
      await isSignedOut(t, tablet, address)
      await grace.page.reload()
      t.equal(await who(grace.page), 'grace', 'another person is not concerned')
    })

    await t.test('signing out ends the other tab of the same browser, and a copied cookie with it (S-7.4.1)', async (t) => {
      const cookies = await laptop.window.cookies()
      const second = await laptop.window.newPage()
      await second.goto(`${address}/cart`)
      await press(laptop.page, '#logout')
      await signedOutMessage(second)
      await isSignedOut(t, laptop, address)
      await replayIsNothing(t, await browser.open(), cookies, address)
    })

    await t.test('an administrator ends all sessions of a user (S-7.4.5), and nobody else can', async (t) => {
      const [one, two] = [await device('ada', 'lovelace'), await device('ada', 'lovelace')]
      const answer = await one.page.goto(`${address}/admin`)
      t.equal(answer?.status(), 403)
      t.equal(await one.page.locator('#end-everything').count(), 0)
      const posted = await one.window.request.post(`${address}/admin/end`, { form: { name: 'grace' } })
      t.equal(posted.status(), 403)
      const stranger = await browser.open()
      t.match((await stranger.request.post(`${address}/admin/end-everything`)).url(), /\/login$/)

      await press(grace.page, '#admin-link')
      t.equal(await grace.page.locator('#sessions-of-ada').innerText(), '2')
      await press(grace.page, '#end-ada')
      t.match(await notice(grace.page), /Sessions ended: 2/)
      t.equal(await grace.page.locator('#sessions-of-ada').innerText(), '0')
      for (const { page } of [one, two]) await signedOutMessage(page)
      for (const ended of [one, two]) await isSignedOut(t, ended, address)
      t.equal(await grace.page.locator('#sessions-of-grace').innerText(), '1')
    })

    await t.test('she ends everybody\'s, her own and a visitor\'s cart, too (S-7.4.5)', async (t) => {
      const ada = await device('ada', 'lovelace')
      const visitor = await browser.open()
      const shopping = await visitor.newPage()
      await shopping.goto(address)
      await press(shopping, '#add-tea')
      t.equal(await shopping.locator('#cart-count').innerText(), '1')
      const second = await grace.window.newPage()
      await second.goto(address)

      await press(grace.page, '#end-everything')
      t.match(grace.page.url(), /\/login$/)
      t.equal(await who(grace.page), null)
      for (const page of [ada.page, second]) await signedOutMessage(page)
      for (const ended of [ada, grace]) await isSignedOut(t, ended, address)
      await shopping.reload()
      t.equal(await shopping.locator('#cart-count').innerText(), '0')

      await signIn(grace.page, address, 'grace', 'hopper')
      t.equal(await who(grace.page), 'grace', 'who signs in again is in')
    })
  })
}

const who = async (page: Page) => await page.locator('#who').count() === 0 ? null : await page.locator('#who').innerText()
const notice = (page: Page) => page.locator('#notice').innerText()
const sessionOf = (page: Page) => page.locator('#session-id').innerText()
const tabSaysSignedOut = (page: Page) => page.locator('#open-tab').isVisible()
// Within less than revalidateEvery: the process that ends a session closes its sockets at once.
const signedOutMessage = (page: Page) => page.locator('#open-tab').waitFor({ state: 'visible', timeout: 6_000 })

async function press (page: Page, selector: string): Promise<void> {
  await page.locator(selector).click()
  await page.waitForLoadState('load')
}

async function endDevice (page: Page, id: string): Promise<void> {
  await press(page, `button[name=id][value="${id}"]`)
}

async function signIn (page: Page, address: string, name: string, password: string): Promise<void> {
  await page.goto(`${address}/login`)
  await page.fill('[name=name]', name)
  await page.fill('[name=password]', password)
  await press(page, '#sign-in')
}

async function isSignedOut (t: Test, { page }: Device, address: string): Promise<void> {
  await page.goto(`${address}/account`)
  t.match(page.url(), /\/login$/)
  t.equal(await who(page), null)
}

async function replayIsNothing (t: Test, thief: BrowserContext, cookies: Awaited<ReturnType<BrowserContext['cookies']>>, address: string): Promise<void> {
  t.ok(cookies.some(({ name }) => name === '__Host-Http-session'), 'there is a cookie to copy')
  await thief.addCookies(cookies)
  const page = await thief.newPage()
  await page.goto(address)
  t.equal(await who(page), null)
  t.equal(await page.locator('#cart-count').innerText(), '0')
}
