import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import { host, onFreePort } from './ports.js'

/** What the proxy does from now on, to connections that are open as well as to new ones. */
export type ProxyMode =
  | { kind: 'pass' }
  /** Answers arrive that many milliseconds later. */
  | { kind: 'delay', milliseconds: number }
  /** Takes connections and requests and holds the answers back, as a stopped server does. */
  | { kind: 'hang' }
  /** The open connections are dead and nobody tells: no answer ever again, no end. New ones work. */
  | { kind: 'lose' }
  /** Nobody listens. */
  | { kind: 'refuse' }
  /** Closes a connection once that many bytes of answers went through it. */
  | { kind: 'cut', bytes: number }
  /** Answers everything with a reset. */
  | { kind: 'reset' }

export interface Proxy {
  readonly host: string
  readonly port: number
  set (mode: ProxyMode): Promise<void>
  /** What clients have sent since the last time somebody asked. */
  takeRequests (): string
  /** Connections from clients that are open now. */
  readonly connections: number
  close (): Promise<void>
}

/**
 * A TCP proxy in front of `target`, for faults that a server would not commit by itself. Its port is none that the system
 * hands out, so that it can be taken again after a while without listener.
 */
export async function startProxy (target: number, at = host): Promise<Proxy> {
  let mode: ProxyMode = { kind: 'pass' }
  let requests = ''
  const links = new Set<Link>()
  const server = net.createServer(client => {
    if (mode.kind === 'reset') return client.resetAndDestroy()
    const link = new Link(client, net.connect(target, at), mode)
    links.add(link)
    client.on('data', data => { requests += data.toString('latin1') })
    client.on('close', () => links.delete(link))
  })

  async function listen (port: number) {
    await once(server.listen(port, host), 'listening')
    return port
  }
  async function stopListening () {
    const closed = server.listening ? new Promise(resolve => server.close(resolve)) : undefined
    for (const link of links) link.client.destroy()
    await closed
  }

  const port = await onFreePort(listen)
  return {
    host,
    port,
    async set (next) {
      mode = next
      if (next.kind === 'refuse') return await stopListening()
      for (const link of links) link.set(next)
      if (!server.listening) await listen(port)
    },
    takeRequests () {
      const taken = requests
      requests = ''
      return taken
    },
    get connections () { return links.size },
    close: stopListening
  }
}

/** One connection through the proxy. Answers keep their order whatever happens to them. */
class Link {
  readonly client: Socket
  #mode: ProxyMode
  #isLost = false
  #answered = 0
  readonly #held: Array<{ data: Buffer, since: number }> = []

  constructor (client: Socket, upstream: Socket, mode: ProxyMode) {
    this.client = client
    this.#mode = mode
    client.on('data', data => upstream.write(data))
    upstream.on('data', data => {
      this.#held.push({ data, since: Date.now() })
      this.#release()
    })
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
  }

  set (mode: ProxyMode): void {
    this.#mode = mode
    this.#answered = 0
    if (mode.kind === 'lose') this.#isLost = true
    else if (mode.kind === 'reset') this.client.resetAndDestroy()
    else this.#release()
  }

  #release (): void {
    const mode = this.#mode
    if (this.#isLost || mode.kind === 'hang') return
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      const wait = mode.kind === 'delay' ? next.since + mode.milliseconds - Date.now() : 0
      if (wait > 0) {
        setTimeout(() => this.#release(), wait).unref()
        return
      }
      this.#held.shift()
      if (mode.kind === 'cut') this.#cut(next.data, mode.bytes)
      else this.client.write(next.data)
    }
  }

  #cut (data: Buffer, bytes: number): void {
    const rest = data.subarray(0, Math.max(0, bytes - this.#answered))
    this.#answered += data.length
    if (this.#answered < bytes) this.client.write(data)
    else this.client.end(rest, () => this.client.destroy())
  }
}
