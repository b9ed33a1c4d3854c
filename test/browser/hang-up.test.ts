import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import formbody from '@fastify/formbody'
import Fastify, { type FastifyReply } from 'fastify'
import t from 'tap'
import * as z from 'zod'
import { createSession } from '../../lib/plugin/handle.js'
import { memoryStore } from '../../lib/stores/memory.js'
import { startBrowser } from '../support/browser.js'

const schema = z.object({ user: z.string().optional(), n: z.int().default(0) })
const page = (reply: FastifyReply, text: string) =>
  reply.type('text/html').send(`<body><p>${text}</p><form method="post" action="/login"><button>Sign in</button></form></body>`)

t.test('R-23: a sign-in form that a real browser sends twice signs in once, and the cart stays: the browser cancels the first', { timeout: 120_000 }, async (t) => {
  const browser = await startBrowser(t)
  if (browser === null) return
  const session = createSession(schema, { secret: randomBytes(32), rotateOn: ['user'], store: memoryStore() })
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(formbody)
  await app.register(session.plugin)
  const hook = { arrived: () => {}, done: () => {} }
  const arrived = new Promise<void>((resolve) => { hook.arrived = resolve })
  const done = new Promise<void>((resolve) => { hook.done = resolve })
  let attempts = 0
  app.get('/', async (request, reply) => {
    const { user = 'nobody', n } = session.get(request)
    session.get(request).n++
    return page(reply, `${user} ${n}`)
  })
  app.get('/arrived', { config: { session: false } }, async () => { await arrived })
  app.post('/login', async (request, reply) => {
    const { n } = session.get(request)
    if (++attempts === 1) {
      hook.arrived()
      await new Promise((resolve) => reply.raw.once('close', resolve))
      setTimeout(hook.done, 50)
    } else {
      await done
    }
    Object.assign(session.get(request), { user: 'ada', n })
    return reply.redirect('/', 303)
  })
  await app.listen({ port: 0, host: 'localhost' })

  const tab = await (await browser.open()).newPage()
  await tab.goto(`http://localhost:${(app.server.address() as AddressInfo).port}/`)
  await tab.evaluate(`{
    const form = document.querySelector('form')
    form.requestSubmit()
    fetch('/arrived').then(() => form.requestSubmit())
  }`)
  await tab.getByText('ada').waitFor()
  t.equal(attempts, 2)
  t.equal(await tab.locator('p').innerText(), 'ada 1')
  await tab.reload()
  t.equal(await tab.locator('p').innerText(), 'ada 2', 'and stays signed in')
})
