import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'

/** What the proxy does from now on, to connections that are open as well as to new ones. */
export type ProxyMode =
  | { kind: 'pass' }
  /** Answers arrive that many milliseconds later. */
  | { kind: 'delay', milliseconds: number }
  /** Takes connections and requests and never answers. */
  | { kind: 'hang' }
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

const host = '127.0.0.1'

/** A TCP proxy on a free loopback port in front of `target`, for faults that a server would not commit by itself. */
export async function startProxy (target: number): Promise<Proxy> {
  let mode: ProxyMode = { kind: 'pass' }
  let requests = ''
  const clients = new Set<Socket>()
  const server = net.createServer(client => {
    if (mode.kind === 'reset') return client.resetAndDestroy()
    clients.add(client)
    client.on('close', () => clients.delete(client))
    link(client, net.connect(target, host), { mode: () => mode, sent: data => { requests += data.toString('latin1') } })
  })

  const listen = async (port: number) => { await once(server.listen(port, host), 'listening') }
  const dropAll = (how: (client: Socket) => void) => { for (const client of clients) how(client) }
  async function stopListening () {
    const closed = server.listening ? new Promise(resolve => server.close(resolve)) : undefined
    dropAll(client => client.destroy())
    await closed
  }

  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    host,
    port,
    async set (next) {
      mode = next
      if (next.kind === 'refuse') return await stopListening()
      if (next.kind === 'reset') dropAll(client => client.resetAndDestroy())
      if (!server.listening) await listen(port)
    },
    takeRequests () {
      const taken = requests
      requests = ''
      return taken
    },
    get connections () { return clients.size },
    close: stopListening
  }
}

interface Watch {
  mode (): ProxyMode
  sent (data: Buffer): void
}

function link (client: Socket, upstream: Socket, { mode, sent }: Watch): void {
  let answered = 0
  function cut (data: Buffer, bytes: number) {
    const rest = data.subarray(0, Math.max(0, bytes - answered))
    answered += data.length
    if (answered < bytes) client.write(data)
    else client.end(rest, () => client.destroy())
  }
  client.on('data', data => {
    sent(data)
    if (mode().kind !== 'hang') upstream.write(data)
  })
  upstream.on('data', data => {
    const now = mode()
    if (now.kind === 'pass') client.write(data)
    else if (now.kind === 'delay') setTimeout(() => client.write(data), now.milliseconds).unref()
    else if (now.kind === 'cut') cut(data, now.bytes)
  })
  for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }
}
