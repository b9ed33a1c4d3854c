import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import type { App } from './app.js'

export interface Answer { readonly status: number, readonly headers: IncomingHttpHeaders, readonly body: string }

/** Where the application listens, on the loopback interface. */
export async function listen (app: App): Promise<string> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

/** One request over a real HTTP/1.1 connection. */
export function fetchHttp (url: string, headers: Record<string, string | string[]> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => { body += chunk })
      response.on('end', () => resolve({ status: response.statusCode as number, headers: response.headers, body }))
    })
    request.on('error', reject)
    request.end()
  })
}

/** One request over HTTP/2 without TLS. A list of cookies is sent as that many header fields. */
export function fetchHttp2 (url: string, headers: Record<string, string | string[]> = {}): Promise<Answer> {
  const { origin, pathname } = new URL(url)
  return new Promise((resolve, reject) => {
    const session = connect(origin)
    session.on('error', reject)
    const stream = session.request({ ':path': pathname, ...headers })
    let head: IncomingHttpHeaders & { ':status'?: number | undefined } = {}
    let body = ''
    stream.setEncoding('utf8').on('response', (answer) => { head = answer }).on('data', (chunk: string) => { body += chunk })
    stream.on('error', reject)
    stream.on('end', () => session.close(() => resolve({ status: head[':status'] ?? 0, headers: head, body })))
  })
}

/** Sends a request and hangs up as soon as `started` resolves. */
export async function hangUp (url: string, headers: Record<string, string>, started: Promise<void>): Promise<void> {
  const request = httpRequest(url, { headers, agent: false })
  request.on('error', () => {})
  request.end()
  await started
  request.destroy()
}

/** Opens a socket, says one thing, and resolves to the head it got, what was said back, when it has been closed. */
export function talk (url: string, headers: Record<string, string>, message: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http:', 'ws:'), { headers })
    let head: IncomingHttpHeaders = {}
    let body = ''
    socket.on('upgrade', (response) => { head = response.headers })
    socket.on('open', () => socket.send(message))
    socket.on('message', (data) => {
      body += String(data)
      socket.close()
    })
    socket.on('close', () => resolve({ status: 101, headers: head, body }))
    socket.on('error', reject)
  })
}
