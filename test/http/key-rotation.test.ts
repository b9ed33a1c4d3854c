import { randomBytes } from 'node:crypto'
import t from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import type { Secrets } from '../../types/index.js'
import { type AppOptions, buildApp, COOKIE, eachBackend, SECRET, setCookies } from '../support/app.js'
import { watchProcess } from '../support/process-events.js'

const [k1, k2, k3] = [randomBytes(32), randomBytes(32), randomBytes(32)] as [Buffer, Buffer, Buffer]
type Teardown = Parameters<typeof buildApp>[0]

async function keyApp (t: Teardown, options: AppOptions) {
  const scene = await buildApp(t, options)
  const { app } = scene
  app.get('/write', async ({ session }) => { session.visits++ })
  app.get('/read', async ({ session }) => ({ visits: session.visits, isNew: session.isNew }))
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/destroy', async ({ session }) => await session.destroy())
  const visits = async (client = scene.client) => (await client.get('/read')).json().visits as number
  const kid = () => scene.client.token?.slice(1, 7)
  return { ...scene, visits, kid }
}

/** The same sessions for each set of secrets. */
const place = (backend: AppOptions['backend']) => ({
  backend, ...(backend === 'memory' && { store: memoryStore() }), ...(backend === 'revocable' && { revocations: memoryStore() })
})

t.test('I17, R-30, K-27: the newest secret writes, older ones read, a use issues anew, and one that is gone reads nothing', async t => {
  await eachBackend(t, async (t, backend) => {
    const options = place(backend)
    const old = await keyApp(t, { ...options, secret: k1 })
    await old.client.get('/write')
    const oldKid = old.kid()
    const old2 = old.newClient()
    await old2.get('/write')

    const both = await keyApp(t, { ...options, secret: [k2, k1] })
    both.client.jar.set(COOKIE, old.client.token as string)
    t.equal(await both.visits(), 1, 'read with the older one')
    t.not(both.kid(), oldKid, 'and issued anew by that read')
    t.equal(both.kid(), both.sessions.policy().keyIds[0])
    const { token } = both.client
    t.equal(await both.visits(), 1)
    t.equal(both.client.token, token, 'once')

    const alone = await keyApp(t, { ...options, secret: [k2] })
    alone.client.jar.set(COOKIE, token as string)
    t.equal(await alone.visits(), 1, 'the older one can go')
    alone.client.jar.set(COOKIE, old2.token as string)
    t.equal(await alone.visits(), 0, 'what it wrote has ended')
    t.strictSame(alone.rejected().map(({ reason }) => reason), ['unknown-key'])
  })
})

for (const url of ['/write', '/rotate']) {
  t.test(`a token of an older secret is issued anew by ${url} too, and after /destroy it is gone`, async t => {
    await eachBackend(t, async (t, backend) => {
      const options = place(backend)
      const old = await keyApp(t, { ...options, secret: k1 })
      await old.client.get('/write')
      const both = await keyApp(t, { ...options, secret: [k3, k2, k1] })
      both.client.jar.set(COOKIE, old.client.token as string)
      const response = await both.client.get(url)
      t.equal(setCookies(response.headers).length, 1)
      t.equal(both.kid(), both.sessions.policy().keyIds[0])
      t.ok(await both.visits() > 0)
      await both.client.get('/destroy')
      t.equal(both.client.token, undefined)
    })
  })
}

t.test('what was read with an older secret is not issued anew in an error, nor where the response is public', async t => {
  await eachBackend(t, async (t, backend) => {
    const options = place(backend)
    const old = await keyApp(t, { ...options, secret: k1 })
    await old.client.get('/write')
    const both = await keyApp(t, { ...options, secret: [k2, k1] })
    both.app.get('/public', async ({ session }, reply) => { reply.header('cache-control', 'public, max-age=60'); return session.visits })
    both.app.get('/fail', async ({ session }) => { throw new Error(String(session.visits)) })
    both.client.jar.set(COOKIE, old.client.token as string)
    for (const url of ['/public', '/fail']) t.strictSame(setCookies((await both.client.get(url)).headers), [], url)
    t.equal(await both.visits(), 1)
  })
})

t.test('P4.6: two instances that share secrets serve the same sessions', async t => {
  await eachBackend(t, async (t, backend) => {
    const options = { ...place(backend), secret: [k2, k1] }
    const one = await keyApp(t, options)
    const two = await keyApp(t, options)
    for (let turn = 0; turn < 5; turn++) {
      await one.client.get('/write')
      two.client.jar.set(COOKIE, one.client.token as string)
      await two.client.get('/write')
      one.client.jar.set(COOKIE, two.client.token as string)
    }
    t.equal(await one.visits(), 10)
  })
})

t.test('R-31: reloadSecrets() asks the function again, whether it answers at once or later', async t => {
  await eachBackend(t, async (t, backend) => {
    for (const later of [false, true]) {
      let secrets: Secrets = k1
      const { client, sessions, visits, kid } = await keyApp(t, { ...place(backend), secret: later ? async () => await Promise.resolve(secrets) : () => secrets })
      const [first] = sessions.policy().keyIds
      await client.get('/write')
      t.equal(kid(), first)
      secrets = [k2, k1]
      t.equal(await visits(), 1)
      t.equal(kid(), first, 'nothing happens by itself')
      await sessions.reloadSecrets()
      t.equal(await visits(), 1)
      t.not(kid(), first)
      t.equal(kid(), sessions.policy().keyIds[0])
      secrets = [k3]
      await sessions.reloadSecrets()
      t.equal(await visits(), 0)
    }
  })
})

t.test('R-31: a reload that fails keeps the secrets there are, and rejects', async t => {
  await eachBackend(t, async (t, backend) => {
    const { uncaught } = watchProcess(t)
    let answer: () => Secrets | Promise<Secrets> = () => k1
    const { client, sessions, visits } = await keyApp(t, { ...place(backend), secret: () => answer() })
    await client.get('/write')
    const policy = sessions.policy()
    const { token } = client
    for (const [failure, expected] of [
      [() => { throw new Error('vault is sealed') }, { code: 'FST_TYPED_SESSION_INVALID_SECRET', cause: { message: 'vault is sealed' } }],
      [async () => { throw new Error('vault is away') }, { code: 'FST_TYPED_SESSION_INVALID_SECRET', cause: { message: 'vault is away' } }],
      [() => [], { code: 'FST_TYPED_SESSION_INVALID_SECRET' }],
      [() => undefined as unknown as Secrets, { code: 'FST_TYPED_SESSION_INVALID_SECRET' }],
      [() => [k2, 'changeme'], { code: 'FST_TYPED_SESSION_INVALID_SECRET' }],
      [() => [k2, k2], { code: 'FST_TYPED_SESSION_INVALID_SECRET' }]
    ] as const) {
      answer = failure as () => Secrets
      await t.rejects(sessions.reloadSecrets(), expected)
      t.strictSame(sessions.policy(), policy)
      t.equal(await visits(), 1)
      t.equal(client.token, token)
    }
    t.strictSame(uncaught, [])
  })
})

t.test('R-31: of two reloads at once the later one counts, whichever answers first', async t => {
  const answers: Array<(secrets: Secrets) => void> = []
  let started = false
  const { sessions } = await keyApp(t, { backend: 'cookie', secret: () => started ? new Promise<Secrets>((resolve) => answers.push(resolve)) : k1 })
  started = true
  const reloads = [sessions.reloadSecrets(), sessions.reloadSecrets()]
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    answers[1]?.(k3)
  }
  answers[0]?.(k2)
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    answers[1]?.(k3)
  }
  await Promise.all(reloads)
  const { sessions: other } = await keyApp(t, { backend: 'cookie', secret: k3 })
  t.strictSame(sessions.policy().keyIds, other.policy().keyIds)
})

t.test('R-30: requests under way while the secrets change see no error, and their sessions go on', async t => {
  await eachBackend(t, async (t, backend) => {
    let secrets: Secrets = k1
    const { app, client, sessions, visits, newClient } = await keyApp(t, { ...place(backend), secret: () => secrets })
    let go = () => {}
    app.get('/slow', async ({ session }) => {
      session.visits++
      await new Promise<void>((resolve) => { go = resolve })
      session.note = 'slow'
    })
    await client.get('/write')
    const slow = client.get('/slow')
    await new Promise((resolve) => setImmediate(resolve))
    secrets = [k2, k1]
    await sessions.reloadSecrets()
    go()
    t.equal((await slow).statusCode, 200)
    t.equal(await visits(), 2)

    const clients = await Promise.all(Array.from({ length: 20 }, async () => { const one = newClient(); await one.get('/write'); return one }))
    const all = [k2, k1, k3]
    const statuses: number[] = []
    for (let round = 0; round < 10; round++) {
      const requests = clients.map(async (one) => { statuses.push((await one.get('/write')).statusCode) })
      secrets = [...all.slice(round % 3), ...all.slice(0, round % 3)]
      await Promise.all([sessions.reloadSecrets(), ...requests])
    }
    t.strictSame(new Set(statuses), new Set([200]))
    for (const one of clients) t.equal(await visits(one), 11)
  })
})

const BAD: ReadonlyArray<readonly [string, unknown]> = [
  ['none', undefined], ['null', null], ['an empty text', ''], ['an empty list', []], ['a well-known example', 'a secret with minimum length of 32 characters'],
  ['too short', randomBytes(31)], ['too short as base64url', randomBytes(16).toString('base64url')], ['too short as hex', randomBytes(16).toString('hex')],
  ['zeros', Buffer.alloc(32)], ['one byte over and over', Buffer.alloc(32, 'a')], ['a sequence', Buffer.from(Array.from({ length: 32 }, (_, index) => index))],
  ['a passphrase', 'correct horse battery staple, and then some more'], ['a number', 1e40], ['an object', {}], ['a good one and a bad one', [k1, 'changeme']],
  ['the same twice', [k1, k1]], ['nothing in the list', [undefined]], ['a function that answers nothing', () => undefined], ['a promise', Promise.resolve(k1)]
]

for (const [what, secret] of BAD) {
  t.test(`P1.11: refused at register, without being shown: ${what}`, async t => {
    const error = await buildApp(t, { backend: 'cookie', secret: secret as Secrets }).then(() => null, (error) => error)
    t.match(error, { code: 'FST_TYPED_SESSION_INVALID_SECRET', message: /keygen/ })
    if (typeof secret === 'string' && secret !== '') t.notMatch(error.message, secret)
  })
}

t.test('P1.11: a secret function that fails fails register, with its own error', async t => {
  await t.rejects(buildApp(t, { backend: 'cookie', secret: async () => { throw new Error('vault is away') } }), { code: 'FST_TYPED_SESSION_INVALID_SECRET', cause: { message: 'vault is away' } })
})

t.test('the same secret as bytes, base64url, base64 and hex makes the same keys', async t => {
  const bytes = Buffer.from(SECRET, 'base64url')
  const ids = await Promise.all([bytes, new Uint8Array(bytes), SECRET, bytes.toString('base64'), bytes.toString('hex')].map(async (secret) =>
    (await buildApp(t, { backend: 'cookie', secret })).sessions.policy().keyIds[0]))
  t.equal(new Set(ids).size, 1)
})
