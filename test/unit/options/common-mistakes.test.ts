import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import t from 'tap'
import { z } from 'zod'
import * as z3 from 'zod/v3'
import { createSession, sessionPlugin } from '../../../lib/index.js'
import { assertZod } from '../../../lib/schema/zod-version.js'

const secret = randomBytes(32)
const schema = z.object({ user: z.object({ id: z.string() }).optional(), nick: z.string().optional() })

async function registered (options: object) {
  const logs: { msg: string, option?: string }[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write (line: string) { logs.push(JSON.parse(line)) } } } })
  try {
    await app.register(sessionPlugin, { schema, secret, ...options } as never)
    return { message: '', logs }
  } catch (error) {
    return { message: (error as Error).message, logs }
  } finally {
    await app.close()
  }
}

/** What a person wrote, and what the error tells them to write. */
const TOLD: Readonly<Record<string, [options: object, message: RegExp]>> = {
  'a slip': [{ idleTimeot: 60 }, /option idleTimeot: there is no such option, did you mean idleTimeout\?$/],
  'other capitals': [{ rotateon: ['nick'] }, /rotateon: there is no such option, did you mean rotateOn\?$/],
  'a slip in the cookie': [{ cookie: { samesite: 'lax' } }, /cookie\.samesite: there is no such option, did you mean sameSite\?$/],
  'a short name': [{ nae: 'x' }, /nae: there is no such option, did you mean name\?$/],
  'something else': [{ frobnicate: 1 }, /frobnicate: there is no such option$/],
  maxAge: [{ maxAge: 60 }, /maxAge: there is no such option, how long a session lives is for idleTimeout and absoluteTimeout to say \(in seconds\), and .* cookie\.persistent$/],
  'maxAge of the cookie': [{ cookie: { maxAge: 60 } }, /cookie\.maxAge: there is no such option, use persistent: true/],
  ttl: [{ ttl: 60 }, /idleTimeout/],
  password: [{ password: 'x' }, /there is no such option, use secret$/],
  sessionName: [{ sessionName: 'x' }, /use name, or use cookie\.name$/],
  'a value in capitals': [{ cookie: { sameSite: 'Lax' } }, /in small letters: lax, strict, none/],
  auto: [{ cookie: { secure: 'auto' } }, /There is no 'auto'.*For plain http in development: false/],
  milliseconds: [{ idleTimeout: 86_400_000 }, /in seconds, not in milliseconds/],
  'no schema': [{ schema: undefined }, /option schema: is missing/],
  'a plain object': [{ schema: { cart: z.string() } }, /wrap it: z\.object/],
  'Zod 3': [{ schema: z3.z.object({}) }, /was made by Zod 3: npm install zod@4/],
  'an object as subject': [{ subject: 'user' }, /option subject \(user\): holds no text and no number.* \(data\) => data\.user\?\.id/]
}

for (const [title, [options, message]] of Object.entries(TOLD)) {
  t.test(`${title}: the error says what to write`, async (t) => {
    t.match((await registered(options)).message, message)
  })
}

t.test('a text, a number, or what cannot be told may be the subject', async (t) => {
  const keys = { k: z.string().optional(), l: z.int().nullable().default(null), m: z.union([z.object({}), z.string()]).optional(), n: z.any().optional(), o: z.enum(['x']).optional() }
  for (const key of Object.keys(keys)) t.equal((await registered({ schema: z.object(keys), subject: key })).message, '')
  for (const [key, value] of Object.entries({ a: z.array(z.string()).default(() => []), b: z.record(z.string(), z.string()).optional(), c: z.boolean().nullable().default(null) })) {
    t.match((await registered({ schema: z.object({ [key]: value }), subject: key })).message, /holds no text and no number/, key)
  }
})

t.test('a timeout that looks like milliseconds is said in the log, and works', async (t) => {
  const { message, logs } = await registered({ idleTimeout: 30 * 60 * 1000, absoluteTimeout: 30 * 86_400, touchAfter: 60 })
  t.equal(message, '')
  t.match(logs, [{ option: 'idleTimeout', msg: 'the session option idleTimeout is in seconds: 1800000 are 20.8 days. Are they meant to be milliseconds?' }])
  t.equal(logs.length, 1)
})

t.test('a Zod that is too old is told with what to install', async (t) => {
  t.doesNotThrow(() => assertZod(z))
  t.throws(() => assertZod(z3), { code: 'FST_TYPED_SESSION_OLD_ZOD', message: /needs zod 4\.1\.7 or newer, and found zod 3: npm install zod@4/ })
  t.throws(() => assertZod({ core: {} }), { code: 'FST_TYPED_SESSION_OLD_ZOD', message: /an older zod 4/ })
})

t.test('the handle is a plugin by itself, with its name and members', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const handle = createSession(schema, { secret, name: 'visitor' })
  t.strictSame([handle.name, handle.plugin], ['visitor', handle])
  t.equal(handle.schema, schema)
  await app.register(handle)
  t.ok(app.hasRequestDecorator('visitor'))
})
