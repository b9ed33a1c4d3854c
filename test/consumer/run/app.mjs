import assert from 'node:assert/strict'
import Fastify from 'fastify'
import session from 'fastify-typed-session'
import { date } from 'fastify-typed-session/codecs'
import { z } from 'zod'

const schema = z.object({ cart: z.array(z.string()).default([]), at: date().optional() })
const app = Fastify()
await app.register(session, { schema, secret: process.argv[2] })
app.get('/cart/:sku', async (request) => {
  request.session.cart.push(request.params.sku)
  request.session.at = new Date(0)
  return request.session
})

const first = await app.inject('/cart/tea')
const cookie = first.headers['set-cookie'].split(';')[0]
const second = await app.inject({ url: '/cart/cup', headers: { cookie } })
assert.deepEqual(second.json(), { cart: ['tea', 'cup'], at: '1970-01-01T00:00:00.000Z' })
console.log(second.body)
