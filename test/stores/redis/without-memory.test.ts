import { httpApp } from '../../support/http-scene.js'
import { withEachClient } from '../../support/redis-scene.js'

withEachClient(async (t, { open, admin }) => {
  await t.test('R-20, S-7.4.1: without memory nothing is saved, and whoever signs out or is signed out is out', async t => {
    const { run, newClient, read, handle, app } = await httpApp(t, open(), { subject: 'userId' })
    const sessions = handle.sessions(app)
    const [anonymous, ...hers] = [newClient(), newClient(), newClient(), newClient()]
    await run((session) => { session.note = 'here' }, anonymous)
    for (const client of hers) await run((session) => { session.userId = 'ann' }, client)
    const tokens = [anonymous, ...hers].map(({ token }) => token)
    const signedIn = async () => (await Promise.all(tokens.map((token) => read(token)))).map((data) => data !== null)
    const newcomer = newClient()

    await admin.config('SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction')
    for (const client of [newcomer, anonymous, hers[0]]) t.equal((await run((session) => { session.visits++ }, client)).statusCode, 503)
    t.strictSame(await signedIn(), [true, true, true, true])
    for (const client of [anonymous, hers[0]]) t.equal((await run((session) => session.destroy(), client)).statusCode, 200)
    t.strictSame(await signedIn(), [false, false, true, true])
    const [first] = await sessions.list('ann')
    t.equal(await sessions.destroy(first!.id, 'ann'), true)
    t.equal(await sessions.destroyAll('ann'), 1)
    t.strictSame(await signedIn(), [false, false, false, false])
    await admin.config('SET', 'maxmemory', '0')
    t.strictSame(await signedIn(), [false, false, false, false])
    t.equal((await run((session) => { session.visits++ }, newcomer)).statusCode, 200)
  })
})
