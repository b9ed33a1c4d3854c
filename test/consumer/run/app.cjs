const assert = require('node:assert/strict')
const Fastify = require('fastify')
const { z } = require('zod')

const app = Fastify()
app.register(require('fastify-typed-session'), { schema: z.object({ visits: z.int().default(0) }), secret: process.argv[2] })
app.get('/', async (request) => ({ visits: ++request.session.visits }))

async function main () {
  const first = await app.inject('/')
  const cookie = first.headers['set-cookie'].split(';')[0]
  const second = await app.inject({ url: '/', headers: { cookie } })
  assert.deepEqual(second.json(), { visits: 2 })
  console.log(second.body)
}

main()
