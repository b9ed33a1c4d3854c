import csrf from '@fastify/csrf-protection'
import flash from '@fastify/flash'
import { Authenticator } from '@fastify/passport'
import session, { requireSession } from 'fastify-typed-session'
import { expectTypeOf } from 'expect-type'
import fastify from 'fastify'
import { z } from 'zod'

const schema = z.object({ cart: z.array(z.string()).default([]), userId: z.string().optional() })

declare module 'fastify-typed-session' {
  interface Register { session: typeof schema }
}

const passport = new Authenticator()
const app = fastify()
app.register(session, { schema, secret: Buffer.alloc(32), undeclaredKeys: ['flash', 'passport', '_csrf'] })
app.register(csrf, { sessionPlugin: '@fastify/session' })
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

app.post('/', { ...requireSession(schema, 'userId'), preHandler: app.csrfProtection }, async (request) => {
  expectTypeOf(request.session.userId).toEqualTypeOf<string>()
})
