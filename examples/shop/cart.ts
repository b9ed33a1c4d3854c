import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { products } from './catalogue.js'
import { page, pages } from './page.js'
import { refuse } from './refusals.js'

const choice = z.object({ sku: z.string() })
const origin = z.object({ from: z.enum(pages).catch('/') })

/** The catalogue, the cart and the theme: for everybody. */
export async function cart (plain: FastifyInstance): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>()

  app.get('/', async (request, reply) => {
    request.session.visits++
    return reply.viewAsync('catalogue.ejs', page(request, 'Tea, and all it takes'))
  })

  app.get('/cart', async (request, reply) => reply.viewAsync('cart.ejs', page(request, 'Your cart')))

  app.post('/cart', { schema: { body: choice } }, async (request, reply) => {
    const { cart } = request.session
    const product = products.find(({ sku }) => sku === request.body.sku)
    if (!product) return refuse(request, reply, 404, 'There is no such product.')
    const line = cart.find(({ sku }) => sku === product.sku)
    if (line) line.qty++
    else cart.push({ sku: product.sku, qty: 1 })
    request.session.notice = `${product.name} is in your cart.`
    return reply.redirect('/', 303)
  })

  app.post('/cart/remove', { schema: { body: choice } }, async (request, reply) => {
    request.session.cart = request.session.cart.filter(({ sku }) => sku !== request.body.sku)
    return reply.redirect('/cart', 303)
  })

  app.post('/theme', { schema: { body: origin } }, async (request, reply) => {
    request.session.theme = request.session.theme === 'light' ? 'dark' : 'light'
    return reply.redirect(request.body.from, 303)
  })
}
