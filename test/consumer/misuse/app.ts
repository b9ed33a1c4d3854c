import fastify from 'fastify'
import session, { createSession, requireSession, withSession } from 'fastify-typed-session'
import { z } from 'zod'

const secret = Buffer.alloc(32)
const handle = createSession(z.object({
  cart: z.array(z.object({ sku: z.string(), qty: z.int() })).default([]),
  userId: z.string().optional()
}), { secret })

withSession(fastify(), handle).get('/', async (request) => {
  // an unknown key
  request.session.crat.push({ sku: 'tea', qty: 1 })
  // a wrong value
  request.session.cart = 'tea'
  // a wrong value, further in
  request.session.cart.push({ sku: 'tea' })
  // a missing check for undefined
  request.session.userId.length.toFixed()
  // an unknown key by name
  request.session.get('crat')
  // a key to keep that does not exist
  request.session.regenerate(['cart', 'useriD'])
  // a key that cannot be absent
  delete request.session.cart
  // keys that the schema does not have, in the whole data
  request.session.replace({ cart: [], basket: 1 })
  request.session.update((data) => ({ ...data, basket: 1 }))
  // a change that returns no data
  request.session.update((data) => data.cart.length)
  // a requirement that says nothing
  requireSession(handle, 'cart')
})

// a session where none is declared
fastify().get('/', async (request) => request.session.cart)
// a reserved key
createSession(z.object({ save: z.string().optional() }), { secret })
// a schema that cannot be stored
createSession(z.object({ at: z.date().optional() }), { secret })
// several reasons why a schema cannot be stored
createSession(z.object({ cart: z.array(z.object({ added: z.date() })).default([]), seen: z.set(z.string()).optional() }), { secret })
// a schema that cannot be encoded
createSession(z.object({ age: z.string().transform(Number).optional() }), { secret })
// no valid empty session, and no initial
createSession(z.object({ userId: z.string() }), { secret })
// no secret
createSession(z.object({}), {})
// an option that names no key
createSession(z.object({ userId: z.string().optional() }), { secret, rotateOn: ['userid'] })
// the same at register
fastify().register(session, { schema: z.object({ at: z.date().optional() }), secret })
