import type { FastifyInstance } from 'fastify'
import { products } from './catalogue.js'
import { page } from './page.js'

/** The catalogue, the cart and the theme: for everybody. */
export async function cart (app: FastifyInstance): Promise<void> {
  app.get('/', async (request, reply) => {
    request.session.visits++
    return reply.viewAsync('catalogue.ejs', page(request))
  })

  app.get('/cart', async (request, reply) => reply.viewAsync('cart.ejs', page(request)))

  app.post<{ Body: { sku: string } }>('/cart', async (request, reply) => {
    const { cart } = request.session
    const product = products.find(({ sku }) => sku === request.body.sku)
    if (!product) return reply.code(404).send('There is no such product')
    const line = cart.find(({ sku }) => sku === product.sku)
    if (line) line.qty++
    else cart.push({ sku: product.sku, qty: 1 })
    request.session.notice = `${product.name} is in your cart.`
    return reply.redirect('/', 303)
  })

  app.post<{ Body: { sku: string } }>('/cart/remove', async (request, reply) => {
    request.session.cart = request.session.cart.filter(({ sku }) => sku !== request.body.sku)
    return reply.redirect('/cart', 303)
  })

  app.post('/theme', async (request, reply) => {
    request.session.theme = request.session.theme === 'light' ? 'dark' : 'light'
    return reply.redirect('/', 303)
  })
}
