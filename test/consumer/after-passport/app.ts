import flash from '@fastify/flash'
import { Authenticator } from '@fastify/passport'
import session from 'fastify-typed-session'
import { expectTypeOf } from 'expect-type'
import fastify from 'fastify'
import { z } from 'zod'

const schema = z.object({ cart: z.array(z.string()).default([]) })

declare module 'fastify-typed-session' {
  interface Register { session: typeof schema }
}

const passport = new Authenticator()
const app = fastify()
app.register(session, { schema, secret: Buffer.alloc(32), undeclaredKeys: ['flash', 'passport'] })
app.register(flash)
app.register(passport.initialize())
app.register(passport.secureSession())
app.get('/', async (request, reply) => {
  expectTypeOf(request.session).not.toBeAny()
  expectTypeOf(request.session.cart).toEqualTypeOf<string[]>()
  request.flash('info', 'hello')
  reply.flash('info')
  await request.logOut()
  // @ts-expect-error no such key
  return request.session.crat
})
