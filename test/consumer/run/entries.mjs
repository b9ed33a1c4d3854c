// What one entry makes, another one knows: there is no class and no state twice.
import assert from 'node:assert/strict'
import Fastify from 'fastify'
import { createSession, requireSession, SessionError } from 'fastify-typed-session'
import { fromExpressSession } from 'fastify-typed-session/adopt'
import deviceBound from 'fastify-typed-session/device-bound'
import inspector from 'fastify-typed-session/inspector'
import { connectStore } from 'fastify-typed-session/stores/connect'
import { fileStore } from 'fastify-typed-session/stores/file'
import { memoryStore } from 'fastify-typed-session/stores/memory'
import { redisStore } from 'fastify-typed-session/stores/redis'
import { tieredStore } from 'fastify-typed-session/stores/tiered'
import { visitor } from 'fastify-typed-session/testing'
import { z } from 'zod'

for (const make of [memoryStore, fileStore, redisStore, tieredStore, connectStore, fromExpressSession]) {
  assert.throws(() => make({ nonsense: true }), (error) => error instanceof SessionError && error.code === 'FST_TYPED_SESSION_INVALID_OPTION')
}

const handle = createSession(z.object({ userId: z.string().optional() }), { secret: process.argv[2], store: memoryStore(), rotateOn: ['userId'], subject: 'userId' })
const app = Fastify()
app.register(handle)
app.register(deviceBound)
app.register(inspector, { allow: () => true })
app.get('/me', requireSession(handle, 'userId'), async (request) => {
  const session = handle.get(request)
  return { userId: session.userId, name: session.constructor.name }
})

const ada = visitor(app, handle)
assert.equal((await ada.get('/me')).statusCode, 401)
await ada.signIn({ userId: 'ada' })
assert.deepEqual((await ada.get('/me')).json(), { userId: 'ada', name: 'Session' })
assert.equal(handle.sessions(app).policy().deviceBound, true)
assert.match((await ada.get('/.session')).body, /<html/)
assert.equal((await ada.get('/.session/style.css')).statusCode, 200)
assert.deepEqual((await handle.open([...ada.cookies].map((pair) => pair.join('=')).join('; ')))?.data, { userId: 'ada' })
console.log('one of each')
