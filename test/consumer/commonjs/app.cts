import session = require('fastify-typed-session')
import zod = require('zod')
import fastify = require('fastify')

const schema = zod.z.object({ cart: zod.z.array(zod.z.string()).default([]) })

declare module 'fastify-typed-session' {
  interface Register { session: typeof schema }
}

const app = fastify()
app.register(session.default, { schema, secret: Buffer.alloc(32) })
app.get('/', async (request) => {
  request.session.cart satisfies string[]
  // @ts-expect-error no such key
  return request.session.crat
})
