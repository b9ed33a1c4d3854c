import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import * as z from 'zod'
import { createSession } from '../../lib/plugin/handle.js'
import { memoryStore } from '../../lib/stores/memory.js'
import type { CookieOptions } from '../../types/index.js'
import { startBrowser } from '../support/browser.js'
import { certificate } from '../support/certificate.js'

const HOST = 'shop.example.test'
const secret = Buffer.from('8f4b1c6a2e9d7035c1a8e6f2b40d937a5e1c8b2f6d40a9e37b15c8d2f60e4a93', 'hex')
const schema = z.object({ user: z.string().optional(), n: z.int().default(0) })

interface Case { readonly title: string, readonly cookie: CookieOptions, readonly expected: object, readonly plain?: true }

const sixteen: readonly Case[] = [undefined, 'example.test'].flatMap((domain) => ['/', '/app'].flatMap((path) =>
  (['lax', 'none'] as const).flatMap((sameSite) => [false, true].map((persistent): Case => ({
    title: `${domain ?? 'host only'}, ${path}, ${sameSite}, ${persistent ? 'persistent' : 'ends with the browser'}`,
    cookie: { path, sameSite, persistent, ...(domain !== undefined && { domain }) },
    expected: {
      name: path === '/' && domain === undefined ? '__Host-Http-session' : '__Http-session',
      domain: domain === undefined ? HOST : `.${domain}`,
      path,
      secure: true,
      httpOnly: true,
      sameSite: sameSite === 'lax' ? 'Lax' : 'None'
    }
  })))))

const others: readonly Case[] = [
  { title: 'strict', cookie: { sameSite: 'strict' }, expected: { name: '__Host-Http-session', sameSite: 'Strict' } },
  { title: 'partitioned', cookie: { sameSite: 'none', partitioned: true }, expected: { name: '__Host-Http-session', secure: true, sameSite: 'None' } },
  { title: 'priority', cookie: { priority: 'high' }, expected: { name: '__Host-Http-session' } },
  { title: 'a name of your own', cookie: { name: 'sid' }, expected: { name: 'sid', secure: true } },
  { title: 'plain http', cookie: { secure: false }, expected: { name: 'session', secure: false, httpOnly: true }, plain: true },
  { title: 'secure on http://localhost', cookie: {}, expected: { name: '__Host-Http-session', secure: true }, plain: true }
]

async function serve (https: { key: Buffer, cert: Buffer } | null, backend: string, cookie: CookieOptions): Promise<FastifyInstance> {
  const app = (https === null ? Fastify() : Fastify({ https })) as unknown as FastifyInstance
  const session = createSession(schema, { secret, cookie, rotateOn: ['user'], ...(backend === 'store' && { store: memoryStore() }) })
  await app.register(session.plugin)
  app.get('/app/write', async (request) => ++session.get(request).n)
  app.get('/app/login', async (request) => { session.get(request).user = 'ada' })
  app.get('/app/whoami', async (request) => session.get(request).user ?? 'nobody')
  app.get('/app/logout', async (request) => { await session.get(request).destroy() })
  await app.listen({ port: 0, host: 'localhost' })
  return app
}

t.test('a real browser keeps, renews and drops the cookie with every set of attributes (K-55, P4.16, S-3.3.1 to S-3.3.4, S-ck3, S-ck7)', { timeout: 300_000 }, async (t) => {
  const browser = await startBrowser(t, [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`])
  if (browser === null) return
  const https = certificate(HOST)
  for (const backend of ['cookie', 'store']) {
    for (const { title, cookie, expected, plain } of [...sixteen, ...others]) {
      await t.test(`${backend}: ${title}`, async (t) => {
        const app = await serve(plain ? null : https, backend, cookie)
        const { port } = app.server.address() as AddressInfo
        const window = await browser.open()
        const page = await window.newPage()
        const visit = async (path: string) => {
          await page.goto(`${plain ? 'http://localhost' : `https://${HOST}`}:${port}/app/${path}`)
          return await page.locator('body').innerText()
        }
        await visit('whoami')
        t.strictSame(await window.cookies(), [], 'a session that holds nothing has no cookie')

        await visit('write')
        const [first, ...more] = await window.cookies()
        t.match(first, expected)
        t.strictSame(more, [])
        const lifetime = (first?.expires ?? 0) - Date.now() / 1000
        t.ok(cookie.persistent ? lifetime > 30 * 86_400 - 100 && lifetime <= 30 * 86_400 : first?.expires === -1, 'lives as long as it was told to')

        await visit('login')
        const [second, ...rest] = await window.cookies()
        t.not(second?.value, first?.value, 'the sign-in renews it')
        t.strictSame(rest, [], 'in place')
        t.equal(await visit('whoami'), 'ada')

        await visit('logout')
        t.strictSame(await window.cookies(), [], 'the jar is empty after logout')
        t.equal(await visit('whoami'), 'nobody')
        await window.close()
        await app.close()
      })
    }
  }
})
