import { fileURLToPath } from 'node:url'
import formbody from '@fastify/formbody'
import view from '@fastify/view'
import ejs from 'ejs'
import Fastify, { type FastifyInstance, type FastifyRequest, type FastifyServerOptions } from 'fastify'
import session, { type SessionStore } from 'fastify-typed-session'
import { signIn } from './accounts.js'
import { linesOf, products, totalOf } from './catalogue.js'
import { schema } from './session.js'

export const here = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../shop/' : './', import.meta.url))

export interface ShopOptions { readonly secret: string, readonly store: SessionStore | null, readonly server?: FastifyServerOptions }

export async function buildShop ({ secret, store, server = {} }: ShopOptions): Promise<FastifyInstance> {
  const app = Fastify(server)
  await app.register(formbody)
  await app.register(view, { engine: { ejs }, root: `${here}views`, layout: 'layout.ejs', defaultContext: { money, products } })
  await app.register(session, { schema, secret, rotateOn: ['user'], ...(store && { store }) })

  const page = (request: FastifyRequest, more: object = {}) => {
    const notice = request.session.take('notice')
    const lines = linesOf(request.session.cart)
    return { session: request.session, notice, lines, total: totalOf(lines), ...more }
  }

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

  app.get('/login', async (request, reply) => reply.viewAsync('login.ejs', page(request)))

  app.post<{ Body: { name: string, password: string } }>('/login', async (request, reply) => {
    const user = signIn(request.body.name, request.body.password)
    if (user === null) {
      request.session.notice = 'That name and password do not go together.'
      return reply.redirect('/login', 303)
    }
    request.session.user = user // a new id by itself: rotateOn
    request.session.notice = `Welcome, ${user}.`
    return reply.redirect('/', 303)
  })

  app.post('/logout', async (request, reply) => {
    const { theme } = request.session
    await request.session.destroy()
    request.session.theme = theme
    request.session.notice = 'You have signed out.'
    return reply.redirect('/', 303)
  })

  return app
}

function money (cents: number): string {
  return new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' }).format(cents / 100)
}
