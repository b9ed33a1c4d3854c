import websocket from '@fastify/websocket'
import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { type App, sessionOf } from './app.js'

export type Wire = 'inject' | 'http' | 'http2' | 'socket' | 'hang up'

/** One way to answer a request whose handler writes to the session. */
export interface Way {
  readonly name: string
  readonly method?: 'GET' | 'HEAD' | 'OPTIONS' | 'POST'
  readonly wire?: Wire
  /** The route `/answer`. `write` is what the handler does to the session of the request it is given. */
  routes (app: App, write: (request: object) => void): void | Promise<void>
}

const chunks = async function * () {
  yield 'one'
  await new Promise((resolve) => setImmediate(resolve))
  yield 'two'
}

const failing = async function * (): AsyncGenerator<string> {
  throw new Error('no data')
}

const raw = (reply: FastifyReply) => {
  reply.raw.writeHead(200, { 'content-type': 'text/plain' })
  reply.raw.end('raw')
}

const failed = (statusCode: number) => Object.assign(new Error('thrown'), { statusCode })

export const WAYS: readonly Way[] = [
  { name: 'return a value', routes: (app, write) => { app.get('/answer', async (request) => { write(request); return { ok: true } }) } },
  { name: '`reply.send(value)`', routes: (app, write) => { app.get('/answer', (request, reply) => { write(request); reply.send({ ok: true }) }) } },
  { name: 'an async generator', wire: 'http', routes: (app, write) => { app.get('/answer', async (request) => { write(request); return chunks() }) } },
  { name: '204, no body', routes: (app, write) => { app.get('/answer', async (request, reply) => { write(request); return await reply.code(204).send() }) } },
  { name: 'a `Readable`', wire: 'http', routes: (app, write) => { app.get('/answer', (request, reply) => { write(request); return reply.send(Readable.from(chunks())) }) } },
  { name: 'a `Readable` that fails before its first byte', wire: 'http', routes: (app, write) => { app.get('/answer', (request, reply) => { write(request); return reply.send(Readable.from(failing())) }) } },
  { name: 'a web `ReadableStream`', wire: 'http', routes: (app, write) => { app.get('/answer', (request, reply) => { write(request); return reply.send(ReadableStream.from(['one', 'two'])) }) } },
  { name: 'a `Response`', wire: 'http', routes: (app, write) => { app.get('/answer', async (request) => { write(request); return new Response('text', { status: 201 }) }) } },
  {
    name: 'a `Response` that is public and varies by itself',
    wire: 'http',
    routes: (app, write) => {
      app.get('/answer', async (request) => { write(request); return new Response('text', { headers: { 'cache-control': 'public, max-age=60', vary: 'Accept' } }) })
    }
  },
  { name: 'a `Response` with status 500', wire: 'http', routes: (app, write) => { app.get('/answer', async (request) => { write(request); return new Response('text', { status: 500 }) }) } },
  { name: 'server-sent events in a `Readable`', wire: 'http', routes: (app, write) => { app.get('/answer', (request, reply) => { write(request); return reply.type('text/event-stream').send(Readable.from(['data: 1\n\n'])) }) } },
  { name: '103 Early Hints first', wire: 'http', routes: (app, write) => { app.get('/answer', async (request, reply) => { reply.writeEarlyHints({ link: '</a.css>; rel=preload' }); write(request); return 'ok' }) } },
  { name: 'redirect', routes: (app, write) => { app.get('/answer', async (request, reply) => { write(request); return reply.redirect('/note') }) } },
  { name: '304', routes: (app, write) => { app.get('/answer', async (request, reply) => { write(request); return await reply.code(304).send() }) } },
  { name: '`HEAD`', method: 'HEAD', routes: (app, write) => { app.get('/answer', async (request) => { write(request); return 'ok' }) } },
  { name: '`OPTIONS`', method: 'OPTIONS', routes: (app, write) => { app.options('/answer', async (request, reply) => { write(request); return await reply.code(204).send() }) } },
  { name: 'the 404 handler', routes: (app, write) => { app.setNotFoundHandler(async (request, reply) => { write(request); return await reply.code(404).send('none') }) } },
  { name: '`reply.callNotFound()`', routes: (app, write) => { app.get('/answer', (request, reply) => { write(request); reply.callNotFound() }) } },
  { name: 'a thrown 4xx', routes: (app, write) => { app.get('/answer', async (request) => { write(request); throw failed(403) }) } },
  { name: 'a thrown 5xx', routes: (app, write) => { app.get('/answer', async (request) => { write(request); throw failed(500) }) } },
  {
    name: 'a validation error, written in `preValidation`',
    method: 'POST',
    routes: (app, write) => {
      app.post('/answer', { schema: { body: { type: 'object', required: ['a'] } }, preValidation: async (request) => write(request) }, async () => 'ok')
    }
  },
  {
    name: '`setErrorHandler` that answers 4xx and writes itself',
    routes: (app, write) => {
      app.setErrorHandler(async (_error, request, reply) => { write(request); return await reply.code(409).send('conflict') })
      app.get('/answer', async () => { throw failed(500) })
    }
  },
  {
    name: "another plugin's `onSend` throws",
    routes: (app, write) => {
      app.addHook('onSend', async (_request, reply) => { if (reply.statusCode === 200 && reply.request.url === '/answer') throw failed(500) })
      app.get('/answer', async (request) => { write(request); return 'ok' })
    }
  },
  { name: 'a body that Fastify cannot send', routes: (app, write) => { app.get('/answer', async (request, reply) => { write(request); return await reply.type('text/html').send({ not: 'text' }) }) } },
  { name: 'over HTTP/2', wire: 'http2', routes: (app, write) => { app.get('/answer', async (request) => { write(request); return 'ok' }) } },
  { name: 'the client hangs up, the handler finishes', wire: 'hang up', routes: () => {} },
  {
    name: '`handlerTimeout` passes, the handler goes on',
    routes: (app, write) => {
      app.get('/answer', { handlerTimeout: 1 }, async (request, reply) => {
        const { session } = request
        await new Promise<void>((resolve) => reply.raw.once('finish', () => { write({ session }); resolve() }))
        return 'nobody reads this'
      })
    }
  },
  { name: '`reply.raw`', wire: 'http', routes: (app, write) => { app.get('/answer', (request, reply) => { write(request); raw(reply) }) } },
  { name: '`reply.raw` after `save()`', wire: 'http', routes: (app, write) => { app.get('/answer', async (request, reply) => { write(request); await request.session.save(); raw(reply); return reply }) } },
  { name: '`reply.hijack()`', wire: 'http', routes: (app, write) => { app.get('/answer', (request, reply) => { write(request); reply.hijack(); raw(reply) }) } },
  { name: '`reply.hijack()`, then `save()`', wire: 'http', routes: (app, write) => { app.get('/answer', async (request, reply) => { reply.hijack(); write(request); await request.session.save(); raw(reply) }) } },
  {
    name: '`reply.hijack()`, `save()` after the head',
    wire: 'http',
    routes: (app, write) => {
      app.get('/answer', async (request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200)
        write(request)
        reply.raw.end(await sessionOf(request).save().then(() => 'ok', (error) => error.code))
      })
    }
  },
  {
    name: 'a WebSocket',
    wire: 'socket',
    routes: async (app, write) => {
      await app.register(websocket)
      app.get('/answer', { websocket: true }, (socket, request) => {
        socket.on('message', () => { write(request); socket.send('ok') })
      })
    }
  },
  {
    name: 'a WebSocket, `save()`',
    wire: 'socket',
    routes: async (app, write) => {
      await app.register(websocket)
      app.get('/answer', { websocket: true }, (socket, request) => {
        socket.on('message', async () => {
          write(request)
          socket.send(await sessionOf(request).save().then(() => 'ok', (error) => error.code))
        })
      })
    }
  }
]
