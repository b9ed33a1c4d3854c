import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { deviceOf } from '../../examples/shop/account.js'
import { readText } from '../support/documents.js'
import { freePort } from '../support/ports.js'
import { openShop, visit } from '../support/shop-visitor.js'
import { runShop, shopData } from '../support/shop.js'

const ada = { name: 'ada', password: 'lovelace' }
/** What the panel says happened, one line each. */
const happened = (html: string) => [.../<ol>(.*)<\/ol>/.exec(html)?.[1]?.matchAll(/<li>([^<]*)/g) ?? []].map((match) => match[1])
const idOf = (html: string) => /id="session-id">([^<]+)</.exec(html)?.[1]

for (const url of ['/login', '/cart', '/cart/remove', '/account/end', '/admin/end', '/admin/confirm']) {
  t.test(`A form without its fields is refused with a page: POST ${url}`, async (t) => {
    const { post } = visit(await openShop(t))
    await post('/login', { name: 'grace', password: 'hopper' })
    t.match(await post(url), { status: 400, text: /Something is missing in this form/ })
  })
}

t.test('What the shop does not have is a 404 with a page', async (t) => {
  const { get, post } = visit(await openShop(t))
  t.match(await get('/nowhere'), { status: 404, text: /<h1>Sorry<\/h1>\s*<p>There is no such page/ })
  t.match(await post('/cart', { sku: 'coffee' }), { status: 404, text: /There is no such product/ })
})

t.test('A wrong password keeps the name, as text', async (t) => {
  const { post } = visit(await openShop(t))
  const { status, text } = await post('/login', { name: 'ada"><b>', password: 'x' })
  t.equal(status, 401)
  t.match(text, /do not go together/)
  t.match(text, 'value="ada&#34;&gt;&lt;b&gt;"')
})

t.test('Who is sent away to sign in is told why, and comes back once', async (t) => {
  const { get, post } = visit(await openShop(t))
  t.match(await get('/account?x=1'), { status: 303, to: '/login' })
  t.match((await get('/login')).text, /Sign in to see that page/)
  t.match(await post('/login', ada), { status: 303, to: '/account' })
  await post('/logout')
  t.match(await post('/account/end-others'), { status: 303, to: '/login' })
  t.match(await post('/login', ada), { status: 303, to: '/' }, 'a form is not sent again')
})

t.test('The theme changes where one is, and leads to pages of the shop only', async (t) => {
  const { get, post } = visit(await openShop(t))
  t.match((await get('/cart')).text, /id="theme" name="from" value="\/cart">Dark</)
  t.match(await post('/theme', { from: '/cart' }), { status: 303, to: '/cart' })
  for (const from of ['//evil.example', 'https://evil.example/', '/\\evil.example', '/cart/remove']) t.match(await post('/theme', { from }), { status: 303, to: '/' }, from)
})

t.test('Every page has one heading, a title of its own, an icon and no empty header cell', async (t) => {
  const { get, post } = visit(await openShop(t))
  await post('/login', { name: 'grace', password: 'hopper' })
  await post('/cart', { sku: 'tea' })
  const titles = new Set<string | undefined>()
  for (const url of ['/', '/cart', '/login', '/account', '/admin', '/admin/confirm', '/nowhere']) {
    const { text } = await get(url)
    t.equal(text.split('<h1>').length, 2, url)
    t.match(text, '<link rel="icon" href="data:')
    t.notMatch(text, /<th[^>]*><\/th>/)
    titles.add(/<title>(.*)<\/title>/.exec(text)?.[1])
  }
  t.equal(titles.size, 7)
})

t.test('The buttons of a list are told apart by their names', async (t) => {
  const { get, post } = visit(await openShop(t))
  await post('/login', { name: 'grace', password: 'hopper' })
  for (const sku of ['tea', 'pot']) await post('/cart', { sku })
  for (const [url, sign, count] of [['/', 'Add to cart: ', 4], ['/cart', 'Remove: ', 2], ['/admin', 'End all of them: ', 2]] as const) {
    const names = [...(await get(url)).text.matchAll(/aria-label="([^"]*)"/g)].map((match) => match[1] ?? '')
    t.equal(new Set(names).size, count, url)
    t.ok(names.every((name) => name.startsWith(sign) && name.length > sign.length), url)
  }
})

t.test('The confirmation names the user to password managers', async (t) => {
  const { get, post } = visit(await openShop(t))
  await post('/login', { name: 'grace', password: 'hopper' })
  t.match((await get('/admin/confirm')).text, /<input name="username" autocomplete="username" value="grace" hidden>/)
})

t.test('A device is named by its browser and its system', async (t) => {
  const cases = {
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0': 'Firefox on Windows',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36': 'Chrome on Linux',
    'Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36': 'Chrome on Android',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0': 'Edge on Windows',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1': 'Safari on iPhone',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15': 'Safari on macOS',
    '': 'A browser on an unknown system'
  }
  for (const [userAgent, name] of Object.entries(cases)) t.equal(deviceOf(userAgent), name)
})

t.test('The panel says what happened in this browser, and in no other', async (t) => {
  const app = await openShop(t)
  const [browser, other] = [visit(app), visit(app)]
  t.match((await browser.get('/cart')).text, /there is no cookie/)
  const first = (await browser.get('/')).text
  t.strictSame(happened(first), ['GET /: a session began', 'GET /: saved visits'])
  t.match(first, `id="cookie-bytes">${browser.cookie().length}<`)

  await browser.post('/login', ada)
  const signedIn = (await browser.get('/cart')).text
  t.strictSame(happened(signedIn).slice(2), ['POST /login: a new id, because somebody signed in', 'POST /login: saved user, notice', 'GET /cart: saved notice'])
  t.not(idOf(signedIn), idOf(first))
  t.match((await browser.get('/cart')).text, `id="cookie-bytes">${browser.cookie().length}<`, 'a page that sets no cookie has the one that came')

  await browser.post('/logout')
  t.strictSame(happened((await browser.get('/cart')).text).slice(-4), ['POST /logout: the session ended', 'POST /logout: a session began', 'POST /logout: saved notice', 'GET /cart: saved notice'])
  t.strictSame(happened((await other.get('/')).text), ['GET /: a session began', 'GET /: saved visits'])
})

t.test('A shop that cannot open says why in one sentence', async (t) => {
  const environment = { DATA: shopData(t), SESSION_SECRET: randomBytes(32).toString('base64url') }
  const taken = createServer()
  await new Promise<void>((resolve) => { taken.listen(0, 'localhost', resolve) })
  t.teardown(() => { taken.close() })
  const { port } = taken.address() as AddressInfo
  t.match(await runShop({ ...environment, PORT: String(port) }), { code: 1, stderr: new RegExp(`^The shop cannot open: port ${port} is in use\\. Choose another: [^\\n]*\\n$`) })
  const away = await freePort()
  const { code, stderr } = await runShop({ ...environment, STORE: `redis://:hidden@localhost:${away}` })
  t.equal(code, 1)
  t.match(stderr, /\nThe shop cannot open: STORE=redis: cannot be used \([^\n]*\)\. Is it running\?\n$/)
  t.notMatch(stderr, /hidden|\n {4}at /)
})

const css = readText('examples/shop/views/layout.ejs')
for (const [theme, start] of [['light', ':root {'], ['dark', '[data-theme=dark] {']] as const) {
  t.test(`Texts and the borders of fields stand out from what is behind them: ${theme} (WCAG 1.4.3, 1.4.11)`, async (t) => {
    const block = css.slice(css.indexOf(start), css.indexOf('}', css.indexOf(start)))
    const colours = Object.fromEntries([...block.matchAll(/--([\w-]+): #([\da-f]+)/g)].map(([, name = '', hex = '']) => [name, hex]))
    const least = (front: string, back: string, ratio: number) => t.ok(contrast(colours[front] ?? '', colours[back] ?? '') >= ratio, `${front} on ${back}`)
    for (const back of ['ground', 'card']) {
      for (const text of ['ink', 'soft', 'accent']) least(text, back, 4.5)
      least('edge', back, 3)
    }
    least('on-accent', 'accent', 4.5)
  })
}

function contrast (one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance (hex: string): number {
  const channels = hex.length === 3 ? [...hex].map((digit) => digit + digit) : hex.match(/../g) ?? []
  const [red = 0, green = 0, blue = 0] = channels.map((channel) => parseInt(channel, 16) / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
