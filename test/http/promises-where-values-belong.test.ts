import t from 'tap'
import type { AppOptions } from '../support/app.js'
import { buildApp, eachBackend, settled } from '../support/app.js'
import { watchProcess } from '../support/process-events.js'

const PROMISES: Readonly<Record<string, () => unknown>> = {
  'a promise': () => Promise.resolve('7'),
  'a promise that rejects': () => Promise.reject(new Error('later')),
  'what is like a promise': () => ({ then: (_: unknown, refuse: (error: Error) => void) => refuse(new Error('later')) })
}

for (const [what, give] of Object.entries(PROMISES)) {
  t.test(`a subject that gives ${what} fails the request, keeps nothing, and does not end the process`, t => eachBackend(t, async (t, backend) => {
    const { uncaught } = watchProcess(t)
    const { app, client } = await buildApp(t, { backend, subject: give as () => string })
    app.get('/login', async ({ session }) => { session.userId = 'u1' })
    const response = await client.get('/login')
    t.match(response.json(), { statusCode: 500, code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /option subject: .* not a promise/ })
    t.equal(client.token, undefined)
    await settled()
    t.strictSame(uncaught, [])
  }))

  t.test(`a merge resolver that gives ${what} fails the request, changes nothing, and does not end the process`, async t => {
    const { uncaught } = watchProcess(t)
    const { app, client } = await buildApp(t, { backend: 'memory', merge: { visits: give } as unknown as NonNullable<AppOptions['merge']> })
    app.get('/write/:visits', async ({ session, params }) => { session.visits = Number((params as { visits: string }).visits) })
    app.get('/overtaken', async ({ session }) => {
      session.visits = 2
      await client.get('/write/3')
    })
    app.get('/read', async ({ session }) => session.visits)
    await client.get('/write/1')
    const response = await client.get('/overtaken')
    t.match(response.json(), { statusCode: 500, code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /option merge\.visits: .* not give a promise/ })
    t.equal((await client.get('/read')).body, '3')
    await settled()
    t.strictSame(uncaught, [])
  })
}
