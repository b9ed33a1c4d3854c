import t from 'tap'
import { buildApp, eachBackend } from './support/app.js'

t.test('update() that is given no function is refused, says what to call instead, and saves nothing', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/update', async ({ session }) => {
    session.visits = 1
    const codes: unknown[] = []
    for (const change of [undefined, null, { visits: 2 }, 'visits']) {
      codes.push(await session.update(change as never).then(() => 'saved', ({ code, message }: { code: string, message: string }) => /must be a function.*save\(\)/.test(message) && code))
    }
    return { codes, isNew: session.isNew }
  })
  t.strictSame((await client.get('/update')).json(), { codes: Array(4).fill('FST_TYPED_SESSION_INVALID_OPTION'), isNew: true })
}))
