import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { memoryStore } from '../../lib/stores/memory.js'
import { Client, COOKIE, SECRET } from '../support/app.js'
import { writePrograms } from '../support/block-files.js'
import { appModule, schemaModule } from '../support/block-program.js'
import { blocksOf } from '../support/documents.js'
import { runNodeTest } from '../support/node-test.js'

// What the README shows beside its first program, run as it stands.

const block = (text: string) => blocksOf('README.md').find(({ code }) => code.includes(text))?.code ?? ''

interface SignIn { signIn (app: FastifyInstance, yours: { findUser: (body: unknown) => Promise<string | null> }): Promise<void> }

async function signInApp (t: Test, options: object): Promise<() => Client> {
  const folder = writePrograms(t, { 'schema.js': schemaModule, 'sign-in.js': block('export async function signIn') })
  const { schema } = await import(pathToFileURL(join(folder, 'schema.js')).href) as { schema: object }
  const { signIn } = await import(pathToFileURL(join(folder, 'sign-in.js')).href) as SignIn
  const app = Fastify()
  // The build: the block's guards are of it.
  const { sessionPlugin } = await import('fastify-typed-session' as string) as { sessionPlugin: never }
  t.teardown(() => app.close())
  await app.register(sessionPlugin, { schema, secret: SECRET, rotateOn: ['userId'], ...options } as never)
  await app.register(signIn, { findUser: async (body) => (body as { password: string }).password === 'lovelace' ? 'ada' : null })
  return () => new Client(async (request) => await app.inject(request), COOKIE)
}

for (const where of ['store', 'revocations']) {
  t.test(`signing in and out, with ${where}`, async (t) => {
    const browser = await signInApp(t, { subject: 'userId', [where]: memoryStore() })
    const [here, there, nobody] = [browser(), browser(), browser()]
    t.equal((await nobody.post('/login', { password: 'wrong' })).statusCode, 401)
    t.equal((await nobody.get('/me')).statusCode, 401)
    for (const client of [here, there]) t.equal((await client.post('/login', { password: 'lovelace' })).statusCode, 200)
    t.equal((await here.get('/me')).body, 'ADA')
    t.strictSame((await here.post('/logout-everywhere')).json(), { ended: 2 })
    t.equal((await there.get('/me')).statusCode, 401)

    await here.post('/login', { password: 'lovelace' })
    await here.post('/logout')
    t.equal((await here.get('/me')).statusCode, 401)
  })
}

t.test('the test that it shows passes', async (t) => {
  const folder = writePrograms(t, { 'app.js': appModule('README.md'), 'app.test.js': block("from 'node:test'") })
  const output = runNodeTest(join(folder, 'app.test.js'))
  t.match(output, /^# pass 1$/m)
  t.match(output, /^# fail 0$/m)
})
