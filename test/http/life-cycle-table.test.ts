import type { FastifyReply } from 'fastify'
import t, { type Test } from 'tap'
import { type App, type BackendName, buildApp, type Client, eachBackend, sessionOf, setCookies, settled } from '../support/app.js'
import { type Way, WAYS } from '../support/answers.js'
import { fetchHttp, fetchHttp2, hangUp, listen, talk } from '../support/wire.js'
import { readText } from '../support/documents.js'

const COLUMNS = ['cookie, new session', 'cookie, kept session', 'store, new session', 'store, kept session'] as const

// docs/life-cycle.md is what is expected. The documentation and the behaviour cannot part unnoticed.
const documented = new Map<string, string[]>()
for (const line of readText('docs/life-cycle.md').split('\n')) {
  const [, name, ...cells] = line.split('|').map((cell) => cell.trim())
  if (name !== undefined && cells.length === COLUMNS.length + 1) documented.set(name, cells.slice(0, -1))
}

for (const way of WAYS) {
  t.test(`R-23: what becomes of the session: ${way.name}`, async t => {
    const seen: string[] = []
    for (const backend of ['cookie', 'memory'] as const) {
      for (const kept of [false, true]) seen.push(await observe(t, way, backend, kept))
    }
    t.strictSame(seen, documented.get(way.name), `| ${way.name} | ${seen.join(' | ')} |`)
  })
}

t.test('R-23: the documentation has a row for every way to answer, and no other', async t => {
  const rows = [...documented.keys()].slice(2)
  t.strictSame(rows, WAYS.map(({ name }) => name))
})

async function observe (t: Test, way: Way, backend: BackendName, kept: boolean): Promise<string> {
  const http2 = way.wire === 'http2'
  const { app, client, rejected } = await buildApp(t, { backend, ...(http2 && { fastify: { http2: true } as object }) })
  app.get('/seed', async (request) => { request.session.visits = 1 })
  app.get('/note', async (request) => ({ note: request.session.note ?? null }))
  const hangingUp = way.wire === 'hang up' ? handlerThatOutlivesItsClient(app) : null
  await way.routes(app, (request) => { sessionOf(request).note = 'written' })
  if (kept) await client.get('/seed')
  const before = client.token
  const { headers: head, body } = await answer(way, app, client, hangingUp)
  const headers: Record<string, unknown> = { ...head }
  t.ok(setCookies(headers).length <= 1, 'one cookie at most')
  client.take(setCookies(headers))
  await settled()
  const saved = (await client.get('/note')).json().note === 'written'
  const late = rejected().filter(({ reason }) => reason === 'changed-too-late')
  const refused = body === 'FST_TYPED_SESSION_HEADERS_SENT' ? 'refused' : null
  return [
    refused ?? (saved ? 'saved' : late.length > 0 ? 'lost, reported' : 'as found'),
    (client.token !== before || setCookies(headers).length > 0) && 'cookie',
    /(^|, )Cookie$/.test(String(headers.vary)) && 'Vary',
    headers['cache-control'] === 'no-store' ? 'no-store' : headers['cache-control']
  ].filter(Boolean).join(', ')
}

async function answer (way: Way, app: App, client: Client, hangingUp: Promise<void> | null) {
  const { method = 'GET', wire = 'inject' } = way
  if (wire === 'inject') return await client.send({ method, url: '/answer', ...(method === 'POST' && { payload: {} }) })
  const url = `${await listen(app)}/answer`
  const headers: Record<string, string> = client.header === '' ? {} : { cookie: client.header }
  if (wire === 'http2') return await fetchHttp2(url, headers)
  if (wire === 'socket') return await talk(url, headers, 'go')
  if (wire === 'http') return await fetchHttp(url, headers)
  await hangUp(url, headers, hangingUp as Promise<void>)
  await settledLate(app)
  return { headers: {}, body: '' }
}

const finished = new WeakMap<App, Promise<unknown>>()
const settledLate = async (app: App) => { await finished.get(app); await settled() }

/** The client is gone before the handler answers. */
function handlerThatOutlivesItsClient (app: App): Promise<void> {
  const hook = { finish: () => {}, start: () => {} }
  finished.set(app, new Promise<void>((resolve) => { hook.finish = resolve }))
  app.get('/answer', async (request, reply) => {
    request.session.note = 'written'
    const gone = new Promise((resolve) => reply.raw.once('close', resolve))
    hook.start()
    await gone
    await settled()
    setImmediate(hook.finish)
    return 'too late for this client'
  })
  return new Promise((resolve) => { hook.start = resolve })
}

t.test('R-23: what Fastify throws while it sends is a 500, as it is without a session; the process lives', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  const kinds: Record<string, (reply: FastifyReply) => unknown> = {
    'a header that cannot be sent': (reply) => { reply.header('x-bad', 'a\nb'); return 'ok' },
    'a payload that is no text': (reply) => { reply.type('text/plain'); return 7 },
    'a Response that was read': async () => { const response = new Response('a'); await response.text(); return response }
  }
  for (const [index, answer] of Object.values(kinds).entries()) {
    app.get(`/${index}/awaited`, async (request, reply) => { request.session.visits++; return answer(reply) })
    app.get(`/${index}/called`, async (request, reply) => { request.session.visits++; reply.send(await answer(reply)); return reply })
  }
  for (const [index, kind] of Object.keys(kinds).entries()) {
    for (const way of ['awaited', 'called']) t.equal((await client.get(`/${index}/${way}`)).statusCode, 500, `${kind}, ${way}`)
  }
}))
