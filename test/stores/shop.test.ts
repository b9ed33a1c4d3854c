import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { mariadbMissing, mariadbUrl, startMariadb } from '../support/mariadb.js'
import { javaServerMissing, mongoUrl, startJavaServer } from '../support/mongodb.js'
import { postgresMissing, postgresUrl, startPostgres } from '../support/postgres.js'
import { memcachedMissing, redisMissing, startMemcached, startRedis, type RunningServer } from '../support/servers.js'
import { startShop } from '../support/shop.js'
import { skipOrFail } from '../support/skip.js'

interface Place { readonly missing?: () => string | undefined, readonly start?: () => Promise<RunningServer>, readonly address: (at: { port: number, directory: string }) => string }

const places: Record<string, Place> = {
  file: { address: ({ directory }) => `file:${join(directory, 'sessions')}` },
  SQLite: { address: ({ directory }) => `sqlite:${join(directory, 'sessions.db')}` },
  Redis: { missing: redisMissing, start: () => startRedis(), address: ({ port }) => `redis://127.0.0.1:${port}` },
  Memcached: { missing: memcachedMissing, start: () => startMemcached(), address: ({ port }) => `memcached://127.0.0.1:${port}` },
  PostgreSQL: { missing: postgresMissing, start: startPostgres, address: ({ port }) => postgresUrl(port) },
  MariaDB: { missing: mariadbMissing, start: () => startMariadb(), address: ({ port }) => mariadbUrl(port) },
  MongoDB: { missing: javaServerMissing, start: startJavaServer, address: ({ port }) => mongoUrl(port) }
}

for (const [name, { missing, start, address }] of Object.entries(places)) {
  t.test(`two processes of the shop behind one address share its sessions in ${name}`, { timeout: 90_000 }, async (t) => {
    const reason = missing?.()
    if (reason !== undefined) return skipOrFail(t, reason)
    const directory = mkdtempSync(join(tmpdir(), 'shop-'))
    const server = await start?.()
    t.teardown(async () => {
      await server?.stop()
      rmSync(directory, { recursive: true })
    })
    const environment = { SESSION_SECRET: randomBytes(32).toString('base64url'), STORE: address({ port: server?.port ?? 0, directory }) }
    const shops = await Promise.all([startShop(t, environment), startShop(t, environment)])
    const balancer = await startBalancer(t, shops.map((shop) => Number(new URL(shop.address).port)))
    const browser = new Browser(balancer.port)

    for (let visit = 1; visit <= 4; visit++) t.equal(await browser.read('visits', '/'), String(visit))
    for (const sku of ['tea', 'tea', 'pot']) await browser.post('/cart', { sku })
    t.equal(await browser.read('cart-count'), '3')
    const before = browser.copy()
    await browser.post('/login', { name: 'ada', password: 'lovelace' })
    const signedIn = browser.copy()
    for (let i = 0; i < 2; i++) {
      t.equal(await browser.read('who'), 'ada')
      t.equal(await browser.read('cart-count'), '3', 'the cart stays')
      t.equal(await before.read('who'), null, 'the cookie from before the login is nobody')
    }
    await Promise.all(shops.map(() => browser.post('/cart', { sku: 'tin' })))
    t.equal(await browser.read('who'), 'ada', 'parallel requests log nobody out')
    await browser.post('/logout', {})
    for (let i = 0; i < 2; i++) {
      t.equal(await browser.read('who'), null)
      t.equal(await signedIn.read('who'), null, 'an ended session has ended in both')
    }
    t.ok(balancer.served.every((connections) => connections > 5), `${balancer.served.join(' and ')} requests`)
    for (const shop of shops) await shop.stop()
  })
}

/** Hands each connection to the next of the ports. */
async function startBalancer (t: Test, ports: number[]): Promise<{ port: number, served: number[] }> {
  const served = ports.map(() => 0)
  let next = 0
  const server = createServer((socket) => {
    const index = next++ % ports.length
    served[index]!++
    const upstream = connect({ port: ports[index]!, host: 'localhost' })
    for (const end of [socket, upstream]) end.on('error', () => { socket.destroy(); upstream.destroy() })
    socket.pipe(upstream).pipe(socket)
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.close() })
  return { port: (server.address() as AddressInfo).port, served }
}

/** One connection per request. Sends Secure cookies over plain http, as browsers do to localhost. */
class Browser {
  readonly #port: number
  readonly #cookies = new Map<string, string>()

  constructor (port: number) {
    this.#port = port
  }

  copy (): Browser {
    const other = new Browser(this.#port)
    for (const [name, value] of this.#cookies) other.#cookies.set(name, value)
    return other
  }

  /** The text of the element with this id. `/cart` changes no session, `/` counts. */
  async read (id: string, path = '/cart'): Promise<string | null> {
    return new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(await this.#send('GET', path))?.[1] ?? null
  }

  async post (path: string, form: Record<string, string>): Promise<void> {
    await this.#send('POST', path, new URLSearchParams(form).toString())
  }

  #send (method: string, path: string, body = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; '), 'content-type': 'application/x-www-form-urlencoded' }
      request({ port: this.#port, host: '127.0.0.1', path, method, headers, agent: false }, (response) => {
        for (const line of response.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
          if (/Max-Age=0/i.test(line)) this.#cookies.delete(name)
          else this.#cookies.set(name, value)
        }
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => { text += chunk })
        response.on('end', () => (response.statusCode ?? 500) < 400 ? resolve(text) : reject(new Error(`${response.statusCode}: ${text}`)))
      }).on('error', reject).end(body)
    })
  }
}
