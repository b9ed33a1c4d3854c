import { createSocket } from 'node:dgram'
import net from 'node:net'

export const host = '127.0.0.1'

/** Below the ephemeral range, with `port + 10000` below it too: the bus of a Redis Cluster node listens there. */
const candidate = () => 12_000 + Math.floor(Math.random() * 10_000)

/**
 * A port stays this process's own until it ends, whoever stops listening on it in between: the UDP port of the same number
 * says so to the other test processes. They would otherwise be given what is free between two looks.
 */
const claim = (port: number) => new Promise<boolean>(resolve => {
  const socket = createSocket('udp4').unref()
  socket.once('error', () => {
    socket.close()
    resolve(false)
  })
  socket.bind({ port, address: host, exclusive: true }, () => resolve(true))
})

const isFree = (port: number) => new Promise<boolean>(resolve => {
  const server = net.createServer()
  server.once('error', () => resolve(false))
  server.listen(port, host, () => server.close(() => resolve(true)))
})

/** A loopback port that nobody else will be given while this process runs. */
export async function freePort (): Promise<number> {
  for (;;) {
    const port = candidate()
    if (await claim(port) && await isFree(port) && await isFree(port + 10_000)) return port
  }
}

/** `start` on a free port, and on another one if a program that is none of ours was faster. */
export async function onFreePort<T> (start: (port: number) => Promise<T>, attempts = 5): Promise<T> {
  try {
    return await start(await freePort())
  } catch (error) {
    if (attempts === 1 || !/address (is )?already in use|EADDRINUSE/i.test(String(error))) throw error
    return await onFreePort(start, attempts - 1)
  }
}
