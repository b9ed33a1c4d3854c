import { Console } from 'node:console'
import { channel } from 'node:diagnostics_channel'
import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { MemoryStore } from '../../lib/stores/memory.js'
import { type BackendName, buildApp, eachBackend, SECRET, setCookies, settled } from '../support/app.js'

const SHORTEST = 8

/** Finds pieces of `secrets` of at least 8 characters in `text`. Fingerprints of both are made once. */
function piecesOf (secrets: readonly string[]) {
  const pieces = new Map<string, number>()
  for (const [index, secret] of secrets.entries()) {
    for (let at = 0; at + SHORTEST <= secret.length; at++) pieces.set(secret.slice(at, at + SHORTEST), index)
  }
  return (text: string): string[] => {
    const found = new Set<string>()
    for (let at = 0; at + SHORTEST <= text.length; at++) {
      const index = pieces.get(text.slice(at, at + SHORTEST))
      if (index !== undefined) found.add(`a piece of secret ${index} in …${text.slice(Math.max(0, at - 40), at)}`)
    }
    return [...found]
  }
}

/** Everything that leaves by stdout, stderr and warnings until the test ends. */
function captureOutput (t: Test): string[] {
  const seen: string[] = []
  for (const stream of [process.stdout, process.stderr]) {
    const { write } = stream
    // tap reports on stdout itself, about nothing that is secret.
    stream.write = ((chunk: string | Uint8Array, ...rest: never[]) => { seen.push(String(chunk)); return write.call(stream, chunk, ...rest) }) as never
    t.teardown(() => { stream.write = write })
  }
  const listener = (warning: Error) => { seen.push(inspect(warning, { depth: 20, showHidden: true })) }
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  return seen
}

const deep = (value: unknown) => inspect(value, { depth: 12, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity })

/** The session's own values. They may be printed by whoever prints the session, and by nobody else. */
const VALUES = ['ann-the-customer', 'a-note-that-is-private']

async function scene (t: Test, backend: BackendName) {
  const output = captureOutput(t)
  const said: string[] = []
  const keys: string[] = []
  const built = await buildApp(t, { backend })
  if (built.store instanceof MemoryStore) {
    const { create } = built.store
    built.store.create = (id, ...rest) => { keys.push(id); return create.call(built.store, id, ...rest) }
  }
  const { app } = built
  app.setErrorHandler(async (error, _request, reply) => {
    said.push(deep(error), String((error as Error).stack))
    return await reply.send(error)
  })
  app.get('/login', async (request) => { request.session.userId = VALUES[0]; request.session.note = VALUES[1] })
  app.get('/rotate', async (request) => await request.session.rotate())
  app.get('/inspect', async (request, reply) => {
    const { cookie: _cookie, ...headers } = request.headers
    const { session } = request
    said.push(deep(headers), JSON.stringify(app.sessions.policy()), deep(app.sessions), JSON.stringify(app.sessions), String(session), session.id)
    said.push(...[request, reply].map((object) => withoutCookie(inspect(object, { depth: 5 }))), withoutCookie(inspect(request)))
    return session.id
  })
  app.get('/unread', async (request) => { said.push(withoutCookie(inspect(request, { depth: 5 }))) })
  app.get('/handle', async (request) => request.session.id)
  app.get('/invalid', async (request) => { request.session.cart = [{ sku: 'x', qty: -1 }] })
  app.get('/unknown', async (request) => { Object.assign(request.session, { stranger: VALUES[1] }) })
  app.get('/large', async (request) => { request.session.note = `${VALUES[1]} `.repeat(400) })
  app.get('/late', (request, reply) => { request.session.theme = 'dark'; reply.hijack(); reply.raw.end() })
  app.get('/out', async (request) => await request.session.destroy())
  // As it came in: the header itself, and what @fastify/cookie made of it.
  const withoutCookie = (text: string) => built.client.token === undefined ? text : text.replaceAll(built.client.token, 'the token')
  return { ...built, output, said, keys }
}

t.test('K-52, P0.11: no token, id, secret or key of a store, and no value of a session, in anything that is printed', t => eachBackend(t, async (t, backend) => {
  const { app, client, output, said, keys, logs, events } = await scene(t, backend)
  const heard: string[] = []
  for (const name of ['tracing:fastify.request.handler:start', 'tracing:fastify.request.handler:end', 'tracing:fastify.request.handler:error']) {
    const listener = (message: unknown) => { heard.push(Object.keys(message as object).join()) }
    channel(name).subscribe(listener)
    t.teardown(() => channel(name).unsubscribe(listener))
  }
  const tokens: string[] = []
  for (const path of ['/login', '/unread', '/inspect', '/rotate', '/inspect', '/invalid', '/unknown', '/late', '/large', '/inspect', '/out']) {
    const response = await client.get(path)
    tokens.push(...setCookies(response.headers).map((line) => /=([^;]*)/.exec(line)?.[1] ?? ''))
    const { 'set-cookie': _cookie, ...headers } = response.headers
    said.push(JSON.stringify(headers), response.payload)
    // Forged, cut and doubled cookies are logged too.
    for (const cookie of [`${client.header}x`, client.header.slice(0, -1), `${client.header}; ${client.header}`]) {
      said.push((await app.inject({ url: '/handle', headers: { cookie } })).payload)
    }
  }
  await settled()
  t.ok(tokens.length >= 3)
  t.ok(logs.length > 30, 'the log is at level trace')
  t.ok(heard.length > 0, 'the diagnostics channels speak')
  const raw = tokens.map((token) => Buffer.from(token, 'base64url').toString('hex'))
  const hashes = keys.map((key) => key.slice(key.indexOf(':') + 1))
  if (backend === 'memory') t.ok(hashes.length >= 2)
  const secret = piecesOf([SECRET, Buffer.from(SECRET, 'base64url').toString('hex'), ...tokens, ...raw, ...keys, ...hashes])
  const value = piecesOf(VALUES)
  const places = { logs: logs.map((line) => JSON.stringify(line)), output, 'errors, answers, inspect': said, channels: heard }
  for (const [place, texts] of Object.entries(places)) {
    t.strictSame([...new Set(texts.flatMap(secret))].slice(0, 3), [], `no secret in ${place}`)
    if (place === 'logs' || place === 'output') t.strictSame([...new Set(texts.flatMap(value))], [], `no value in ${place}`)
  }
  const events2 = events.map(({ event }) => deep({ ...event, request: null }))
  t.strictSame(events2.flatMap(secret).slice(0, 3), [], 'no secret in events')
}))

t.test('P2.9: a session prints as its data and nothing else', t => eachBackend(t, async (t, backend) => {
  const { app, client } = await buildApp(t, { backend })
  app.get('/seed', async (request) => { request.session.note = 'x' })
  app.get('/print', async (request) => {
    const { session } = request
    let printed = ''
    const stdout = new Writable({ write (chunk, _encoding, done) { printed += String(chunk); done() } })
    new Console({ stdout }).log(session)
    return { printed, inspected: inspect(session), json: JSON.stringify(session), keys: Object.keys(session), symbols: Object.getOwnPropertySymbols(session).length }
  })
  await client.get('/seed')
  t.strictSame((await client.get('/print')).json(), {
    printed: "Session { visits: 0, note: 'x', theme: 'light', cart: [] }\n",
    inspected: "Session { visits: 0, note: 'x', theme: 'light', cart: [] }",
    json: '{"visits":0,"note":"x","theme":"light","cart":[]}',
    keys: ['visits', 'note', 'theme', 'cart'],
    symbols: 0
  })
}))
