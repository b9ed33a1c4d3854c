import type { Test } from 'tap'
import { type AppOptions, buildApp, type Client, eachBackend, setCookies } from './app.js'
import type { OldApplication } from './old-applications.js'

/** What holds for the sessions of every old system, with its application running beside ours. */
export async function adoptionSuite (t: Test, start: (t: Test, options?: { readonly keys?: string[] }) => Promise<OldApplication>, olderKey: string): Promise<void> {
  await eachBackend(t, async (t, backend) => {
    const old = await start(t)

    await t.test('both applications know the visitor, and go on doing so', async (t) => {
      const { visitor, userOf } = await scene(t, { backend, adopt: [old.adopter() as never] })
      const cookie = await old.signIn('ann')
      const ann = visitor(cookie)
      t.match((await ann.get('/read')).json(), { userId: 'ann', visits: 7 })
      t.equal(await old.userOf(cookie[1]), 'ann')
      t.equal(await userOf(ann), 'ann')
      ann.jar.delete(cookie[0])
      t.equal(await userOf(ann), 'ann', 'without the old cookie, too')
    })

    await t.test('eight parallel first requests are served, and where something is kept, they are one session', async (t) => {
      const { visitor } = await scene(t, { backend, adopt: [old.adopter() as never] })
      const cookie = await old.signIn('ann')
      const browsers = Array.from({ length: 8 }, () => visitor(cookie))
      const answers = await Promise.all(browsers.map(async (browser) => (await browser.get('/visit')).statusCode))
      t.strictSame(answers, Array(8).fill(200))
      const sessions = await Promise.all(browsers.map(async (browser) => (await browser.get('/read')).json() as { id: string, userId: string, visits: number }))
      t.strictSame([...new Set(sessions.map(({ userId }) => userId))], ['ann'])
      t.equal(new Set(sessions.map(({ id }) => id)).size, backend === 'cookie' ? 8 : 1)
      if (backend === 'memory') t.equal(sessions[0]?.visits, 15)
    })

    await t.test('signing out here ends the session there, and no copy of the old cookie is one here', async (t) => {
      const { visitor, userOf } = await scene(t, { backend, adopt: [old.adopter() as never] })
      for (const before of [['/read'], []]) {
        const cookie = await old.signIn('ann')
        const ann = visitor(cookie)
        for (const url of before) await ann.get(url)
        const lines = setCookies((await ann.get('/logout')).headers)
        t.match(lines[0], new RegExp(`^${cookie[0].replace('.', '\\.')}=; Max-Age=0`))
        t.equal(ann.jar.size, 0)
        t.equal(await old.userOf(cookie[1]), old.keeps ? null : 'ann')
        const isDead = old.keeps || backend !== 'cookie'
        for (const value of waysToWrite(cookie[1])) t.equal(await userOf(visitor([cookie[0], value])), isDead ? undefined : 'ann', value.slice(0, 8))
      }
    })

    await t.test('with ending: forget the old session is gone when ours is there', async (t) => {
      const { visitor, userOf } = await scene(t, { backend, adopt: [old.adopter({ ending: 'forget' }) as never] })
      const cookie = await old.signIn('ann')
      const ann = visitor(cookie)
      t.equal(await userOf(ann), 'ann')
      t.equal(ann.jar.has(cookie[0]), false)
      t.equal(await old.userOf(cookie[1]), old.keeps ? null : 'ann')
      t.equal(await userOf(ann), 'ann')
    })

    await t.test('a value that the old system has not made is no session, wherever it is wrong', async (t) => {
      const { visitor, userOf } = await scene(t, { backend, adopt: [old.adopter() as never] })
      const [name, value] = await old.signIn('ann')
      const plain = decodeURIComponent(value)
      for (const wrong of wrongValues(plain)) {
        const stranger = visitor([name, encodeURIComponent(wrong)])
        const response = await stranger.get('/read')
        t.match([response.statusCode, response.json().userId], [200, undefined], wrong)
      }
      t.equal(await userOf(visitor([name, value])), 'ann')
    })

    await t.test('an older key of the old system verifies as well', async (t) => {
      const { visitor, userOf } = await scene(t, { backend, adopt: [old.adopter() as never] })
      const before = await start(t, { keys: [olderKey] })
      const { visitor: itsVisitor, userOf: itsUser } = await scene(t, { backend, adopt: [before.adopter() as never] })
      const cookie = await before.signIn('bob')
      t.equal(await itsUser(itsVisitor(cookie)), 'bob')
      if (!before.keeps) t.equal(await userOf(visitor(cookie)), 'bob')
    })
  })
}

async function scene (t: Test, options: AppOptions) {
  const { app, newClient } = await buildApp(t, options)
  app.get('/read', async ({ session }) => ({ ...session.data(), id: session.id }))
  app.get('/visit', async ({ session }) => { await session.update((data) => { data.visits++ }) })
  app.get('/logout', async ({ session }) => await session.destroy())
  const visitor = ([name, value]: readonly [string, string]): Client => {
    const client = newClient()
    client.jar.set(name, value)
    return client
  }
  return { visitor, userOf: async (client: Client) => (await client.get('/read')).json().userId as string | undefined }
}

/** The same value, as a thief may write it. */
function waysToWrite (value: string): string[] {
  const plain = decodeURIComponent(value)
  const all = [...Buffer.from(plain)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  return [value, encodeURIComponent(plain), all, all.toUpperCase()].filter((way) => way.length <= 4096)
}

/** Each part cut, doubled or changed, and each place changed in turn. */
function wrongValues (plain: string): string[] {
  const at = Array.from({ length: Math.min(plain.length, 40) }, (_, index) => Math.floor(index * plain.length / Math.min(plain.length, 40)))
  const changed = at.map((index) => plain.slice(0, index) + (plain[index] === 'A' ? 'B' : 'A') + plain.slice(index + 1))
  return [...changed, plain.slice(0, -1), plain.slice(1), `${plain}A`, `${plain}=`, `${plain}.`, `.${plain}`, plain.toUpperCase(), `${plain};`, '.', 's:', ';', 's:.x'].filter((value) => value !== plain)
}
