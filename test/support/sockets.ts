import websocket from '@fastify/websocket'
import { connect } from 'node:net'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { sessionSocket } from '../../lib/index.js'
import type { Runtime } from '../../lib/request/runtime.js'
import { SessionControl } from '../../lib/plugin/control.js'
import type { SessionSocketOptions } from '../../types/index.js'
import { type AppOptions, buildApp, type Client, sessionOf, settled } from './app.js'
import { pass } from './clock.js'
import { listen } from './wire.js'

export interface SocketAppOptions extends AppOptions {
  readonly socket?: SessionSocketOptions
}

/** An application with a socket at /live that does what it is told, and routes that do things to the session. */
export async function socketApp (t: Pick<Test, 'teardown'>, { socket: options, ...rest }: SocketAppOptions) {
  const scene = await buildApp(t, { ...rest, before: (app) => app.register(websocket) })
  const { app, client, sessions } = scene
  app.get('/login', async ({ session, query }) => { session.userId = (query as { user?: string }).user ?? 'u1' })
  app.get('/logout', async ({ session }) => await session.destroy())
  app.get('/visit', async ({ session }) => { session.visits++ })
  app.get('/rotate', async ({ session }) => await session.rotate())
  app.get('/again', async ({ session }) => await session.reauthenticated())
  app.get('/touch', async ({ session }) => session.touch())
  app.get('/read', async ({ session }) => session.data())
  app.get('/live', { websocket: true }, (socket, request) => {
    socket.on('message', async (message) => {
      try {
        socket.send(JSON.stringify(await obey(sessionOf(request), String(message))))
      } catch (error) {
        socket.send(JSON.stringify((error as { code?: string }).code))
      }
    })
    sessionSocket(socket, request, options)
  })
  const runtime: Runtime = SessionControl.runtimeOf(sessions as unknown as SessionControl)
  const lines: Line[] = []
  const open = async (by: Client = client) => {
    const line = await Line.open(`${await listen(app)}/live`, by.header)
    lines.push(line)
    return line
  }
  // Before the time goes on: a mock timer that is cleared later takes another test's with it.
  t.teardown(async () => {
    for (const line of lines) await line.close()
    await app.close()
    await settled()
  })
  return { ...scene, open, runtime, watched: () => runtime.sockets.size }
}

async function obey (session: ReturnType<typeof sessionOf>, message: string): Promise<unknown> {
  const [command, value = ''] = message.split(' ')
  if (command === 'write') session.note = value
  if (command === 'touch') session.touch()
  if (command === 'rotate') await session.rotate()
  if (command === 'destroy') await session.destroy()
  if (command === 'reload') await session.reload()
  else if (command !== 'read') await session.save()
  return session.data()
}

/** The client's end of a socket. */
export class Line {
  readonly socket: WebSocket
  /** How it ended. */
  readonly closed: Promise<readonly [code: number, reason: string]>

  private constructor (socket: WebSocket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve([code, String(reason)])))
  }

  static async open (url: string, cookie: string): Promise<Line> {
    const socket = new WebSocket(url.replace('http:', 'ws:'), { headers: cookie === '' ? {} : { cookie } })
    const line = new Line(socket)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return line
  }

  /** Says something, and resolves to what was said back. Rejects if the socket closes instead. */
  async ask (message: string): Promise<unknown> {
    const answer = new Promise((resolve) => this.socket.once('message', (data) => resolve(JSON.parse(String(data)))))
    const closed = this.closed.then(([code]) => { throw new Error(`closed: ${code}`) })
    this.socket.send(message)
    return await Promise.race([answer, closed])
  }

  async close (): Promise<void> {
    this.socket.close()
    await this.closed
  }
}

/** Lets the stopped time go on, in steps of a second so that every timer finds the time it waited for. */
export async function letPass (seconds: number): Promise<void> {
  for (let left = seconds * 1000; left > 0; left -= 1000) {
    pass(Math.min(1000, left))
    await settled()
  }
}

/** Opens a socket, and from then on says nothing whatever it is told. */
export async function deafClient (url: string, cookie: string) {
  const { hostname, port, pathname } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  const chunks: Buffer[] = []
  const opened = new Promise((resolve) => socket.on('data', (chunk: Buffer) => { chunks.push(chunk); resolve(chunk) }))
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve('closed')).on('error', () => {}))
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nCookie: ${cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`)
  await opened
  return { received: () => Buffer.concat(chunks), closed, end: () => socket.destroy() }
}
