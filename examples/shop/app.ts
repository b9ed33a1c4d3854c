import formbody from '@fastify/formbody'
import view from '@fastify/view'
import websocket from '@fastify/websocket'
import ejs from 'ejs'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import session, { type SessionStore } from 'fastify-typed-session'
import deviceBound from 'fastify-typed-session/device-bound'
import inspector from 'fastify-typed-session/inspector'
import { account, describe } from './account.js'
import { admin } from './admin.js'
import { cart } from './cart.js'
import { products } from './catalogue.js'
import { openTab } from './open-tab.js'
import { here, moment, money } from './page.js'
import { refusal, refuse } from './refusals.js'
import { schema } from './session.js'
import { signIn } from './sign-in.js'
import { whatHappened } from './what-happened.js'

export interface ShopOptions {
  readonly secret: string
  /** `null`: the cookie carries the session. */
  readonly store: SessionStore | null
  /** What ends sessions from outside. A store can be its own. */
  readonly revocations: SessionStore
  readonly server?: FastifyServerOptions
  /** Closes what the stores need. */
  readonly close?: () => unknown
}

export async function buildShop ({ secret, store, revocations, server = {}, close = () => {} }: ShopOptions): Promise<FastifyInstance> {
  const developing = process.env.NODE_ENV === 'development'
  const app = Fastify(server)
  app.setValidatorCompiler(validatorCompiler)
  app.setErrorHandler(refusal)
  app.setNotFoundHandler((request, reply) => refuse(request, reply, 404, 'There is no such page.'))
  // Before the session is registered: these hooks run last to first, and requests that end are saved before.
  app.addHook('onClose', async () => { await close() })
  await app.register(formbody)
  await app.register(websocket)
  await app.register(view, { engine: { ejs }, root: `${here}views`, layout: 'layout.ejs', defaultContext: { moment, money, products, developing } })
  await app.register(session, {
    schema,
    secret,
    revocations,
    rotateOn: ['user'],
    ...(store && { store }),
    ...(revocations.findBySubject && { subject: 'user', describe }) // Memcached cannot
  })
  await app.register(deviceBound) // for browsers that can: a stolen cookie is worth nothing after ten minutes
  whatHappened(app)

  // The cookie is SameSite=Lax, which keeps other sites out. Other origins of the same site are kept out here.
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers
    if (origin !== undefined && !origin.endsWith(`://${request.host}`)) return reply.code(403).send('This form is on another site')
  })

  if (developing) await app.register(inspector) // at /.session
  for (const part of [cart, signIn, account, admin, openTab]) await app.register(part)
  return app
}
