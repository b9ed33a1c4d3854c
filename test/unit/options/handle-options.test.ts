import Fastify from 'fastify'
import t from 'tap'
import { createSession } from '../../../lib/index.js'
import { schema, SECRET } from '../../support/app.js'

const register = async (given: object) => {
  const app = Fastify()
  const handle = createSession(schema, { secret: SECRET })
  try {
    await app.register(handle.plugin, given)
    return null
  } catch (error) {
    return error
  } finally {
    await app.close()
  }
}

t.test('createSession() without options says what is missing', async t => {
  for (const options of [undefined, null, 'secret']) {
    t.throws(() => createSession(schema, options as never), { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: /option secret: is missing: createSession\(schema, \{ secret \}\)/ })
  }
})

t.test('options at register(handle.plugin) would be ignored, so they are refused with the place where they belong', async t => {
  for (const name of ['secret', 'store', 'schema', 'idleTimeout', 'typo']) {
    const error = await register({ [name]: SECRET })
    t.match(error, { code: 'FST_TYPED_SESSION_INVALID_OPTION', message: `option ${name}: is given to register(handle.plugin), give it to createSession(schema, options)` })
    t.notMatch((error as Error).message, SECRET)
  }
})

t.test("what is Fastify's own at register(handle.plugin) is not refused", async t => {
  t.equal(await register({}), null)
  t.equal(await register({ prefix: '/x', logLevel: 'warn', logSerializers: {} }), null)
})
