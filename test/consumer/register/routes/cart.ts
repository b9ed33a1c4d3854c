import { expectTypeOf } from 'expect-type'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'

const routes: FastifyPluginAsyncZod = async (app) => {
  app.post('/cart', { schema: { body: z.object({ sku: z.string(), qty: z.int() }) } }, async (request) => {
    expectTypeOf(request.session.cart).toEqualTypeOf<{ sku: string, qty: number }[]>()
    request.session.cart.push(request.body)
    request.session.lastSeen = new Date()
    await request.session.save()
    return { items: request.session.cart.length, isNew: request.session.isNew, user: request.session.userId ?? null }
  })
}

export default routes
