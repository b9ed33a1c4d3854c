import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { kindOf, openStore, pathOf } from '../../examples/shop/store.js'
import { startDynalite } from '../stores/dynamodb/engine.js'
import { memcachedMissing, startMemcached } from '../stores/memcached/engine.js'
import { mariadbMissing, mariadbUrl, startMariadb } from '../stores/mysql/engine.js'
import { javaServerMissing, mongoUrl, startJavaServer } from '../stores/mongodb/engine.js'
import { postgresMissing, postgresUrl, startPostgres } from '../stores/postgres/engine.js'
import { freePort } from '../support/ports.js'
import { hasBinary } from '../support/server-process.js'
import { redisMissing, startRedis, startRedisCluster, startValkey, valkeyMissing, type RunningServer } from '../support/redis-servers.js'
import { Browser } from '../support/shop-browser.js'
import { runShop, startShop } from '../support/shop.js'
import { skipOrFail } from '../support/skip.js'

type Server = Pick<RunningServer, 'port' | 'stop'> & { readonly environment?: Readonly<Record<string, string>> }

interface Place { readonly missing?: () => string | undefined, readonly start?: () => Promise<Server>, readonly addresses: (at: { port: number, directory: string }) => readonly string[] }

/** Of two processes; where one has more than one name, each is told another. */
const places: Record<string, Place> = {
  file: { addresses: ({ directory }) => [`file:${join(directory, 'sessions')}`, `file://${join(directory, 'sessions')}`] },
  SQLite: { addresses: ({ directory }) => [`sqlite:${join(directory, 'sessions.db')}`, `sqlite://${join(directory, 'sessions.db')}`] },
  Redis: { missing: redisMissing, start: () => startRedis(), addresses: ({ port }) => [`redis://127.0.0.1:${port}`, `redis://127.0.0.1:${port}/0`] },
  'Redis over TLS': { missing: tlsMissing, start: startTlsRedis, addresses: ({ port }) => [`rediss://127.0.0.1:${port}`] },
  'Redis Cluster': { missing: redisMissing, start: startCluster, addresses: ({ port }) => [`redis+cluster://127.0.0.1:${port}`] },
  Valkey: { missing: valkeyMissing, start: () => startValkey(), addresses: ({ port }) => [`redis://127.0.0.1:${port}`, `valkey://127.0.0.1:${port}`] },
  Memcached: { missing: memcachedMissing, start: () => startMemcached(), addresses: ({ port }) => [`memcached://127.0.0.1:${port}`] },
  PostgreSQL: { missing: postgresMissing, start: startPostgres, addresses: ({ port }) => [postgresUrl(port), postgresUrl(port).replace('postgres:', 'postgresql:')] },
  MariaDB: { missing: mariadbMissing, start: () => startMariadb(), addresses: ({ port }) => [mariadbUrl(port), mariadbUrl(port).replace('mysql:', 'mariadb:')] },
  MongoDB: { missing: javaServerMissing, start: startJavaServer, addresses: ({ port }) => [mongoUrl(port)] },
  DynamoDB: { start: startLocalDynamodb, addresses: () => ['dynamodb:'] }
}

for (const [name, { missing, start, addresses }] of Object.entries(places)) {
  t.test(`two processes of the shop behind one address share its sessions in ${name}`, { timeout: 90_000 }, async (t) => {
    const reason = missing?.()
    if (reason !== undefined) return skipOrFail(t, reason)
    const directory = mkdtempSync(join(tmpdir(), 'shop-'))
    const server = await start?.()
    t.teardown(async () => {
      await server?.stop()
      rmSync(directory, { recursive: true })
    })
    const environment = { SESSION_SECRET: randomBytes(32).toString('base64url'), ...server?.environment }
    const [first = '', second = first] = addresses({ port: server?.port ?? 0, directory })
    const shops = await Promise.all([first, second].map(async (STORE) => await startShop(t, { ...environment, STORE })))
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
    const [phone, grace] = [new Browser(balancer.port), new Browser(balancer.port)]
    await phone.post('/login', { name: 'ada', password: 'lovelace' })
    if (name === 'Memcached') await t.rejects(browser.read('who', '/account'), /501.*cannot find the sessions of a user/s)
    else {
      for (let i = 0; i < 2; i++) t.equal(await browser.count('device', '/account'), 2, 'both see both (S-7.5.2)')
      await browser.post('/account/end-others', {})
      for (let i = 0; i < 2; i++) t.equal(await phone.read('who'), null, 'signed out from elsewhere, in both (S-7.4.3)')
      t.equal(await browser.read('who'), 'ada')
    }
    await browser.post('/logout', {})
    for (let i = 0; i < 2; i++) {
      t.equal(await browser.read('who'), null)
      t.equal(await signedIn.read('who'), null, 'an ended session has ended in both')
    }
    await phone.post('/login', { name: 'ada', password: 'lovelace' })
    await grace.post('/login', { name: 'grace', password: 'hopper' })
    await grace.post('/admin/end-everything', {})
    for (let i = 0; i < 2; i++) for (const ended of [phone, grace]) t.equal(await ended.read('who'), null, 'everybody is signed out, in both (S-7.4.5)')
    t.ok(balancer.served.every((connections) => connections > 5), `${balancer.served.join(' and ')} requests`)
    for (const shop of shops) await shop.stop()
  })
}

t.test('STORE may be any usual address', async (t) => {
  const kinds = {
    cookie: [undefined, '', 'cookie'],
    memory: ['memory', 'memory:'],
    file: ['file:./data', 'file:data', 'file:///var/data'],
    sqlite: ['sqlite:./sessions.db', 'sqlite::memory:', 'sqlite:///var/sessions.db', 'SQLITE:a'],
    redis: ['redis://localhost', 'rediss://user:secret@redis.example:6380/1', 'valkey://localhost', 'valkeys://localhost:1'],
    redisCluster: ['redis+cluster://one,two:7001'],
    memcached: ['memcached://localhost:11211'],
    postgres: ['postgres://localhost/shop', 'postgresql://user:secret@localhost:5432/shop?sslmode=require'],
    mysql: ['mysql://localhost/shop', 'mariadb://root@localhost/shop'],
    dynamodb: ['dynamodb:'],
    mongodb: ['mongodb://localhost/shop', 'mongodb://one:1,two:2/shop?replicaSet=rs', 'mongodb+srv://cluster.example/shop']
  }
  for (const [kind, addresses] of Object.entries(kinds)) for (const address of addresses) t.equal(kindOf(address), kind, String(address))
  t.equal(pathOf('file:./data'), './data')
  t.equal(pathOf('file:///var/my%20data'), '/var/my data')
  t.equal(pathOf('sqlite:///var/a.db'), '/var/a.db')
})

t.test('Another STORE ends the shop at once, with a message that says what it may be and no secret', async (t) => {
  for (const address of ['constructor:', '__proto__', 'toString:x', 'http://localhost', './data', ' redis://localhost', 'user:secret@localhost']) {
    await t.rejects(openStore(address), { message: /^STORE=[^:]*: is none of cookie, memory, file, sqlite, redis, .*mongodb\+srv$/ }, address)
    await t.rejects(openStore(address), { message: /^(?!.*secret)/ }, address)
  }
  for (const address of ['file:', 'sqlite:', 'sqlite://']) await t.rejects(openStore(address), { message: /^STORE=\w+: names no path$/ }, address)
  const { code, stderr } = await runShop({ STORE: 'constructor:' })
  t.equal(code, 1)
  t.match(stderr, /^The shop cannot open: STORE=constructor: is none of cookie, memory, file[^\n]*\n$/)
})

async function startLocalDynamodb (): Promise<Server> {
  const { port, stop } = await startDynalite()
  const environment = { AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${port}`, AWS_REGION: 'local', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  return { port, stop, environment }
}

async function startCluster (): Promise<Server> {
  const { addresses: [node], stop } = await startRedisCluster()
  return { port: node?.port ?? 0, stop }
}

function tlsMissing (): string | undefined {
  return redisMissing() ?? (hasBinary('openssl') ? undefined : 'openssl is not installed')
}

/** On a port of its own beside the plain one, with a certificate that the shop trusts because it is told to. */
async function startTlsRedis (): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'shop-tls-'))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const command = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = spawnSync('openssl', [...command, '-keyout', key, '-out', certificate], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(made.stderr)
  const port = await freePort()
  const args = ['--tls-port', port, '--tls-cert-file', certificate, '--tls-key-file', key, '--tls-auth-clients', 'no'].map(String)
  const server = await startRedis({ args })
  return {
    port,
    environment: { NODE_EXTRA_CA_CERTS: certificate },
    async stop () {
      await server.stop()
      rmSync(folder, { recursive: true })
    }
  }
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
