import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @returns {Promise<number>} */
export async function freePort () {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address())
  probe.close()
  await once(probe, 'close')
  return port
}

/**
 * A redis-server of our own on a free port: no persistence, gone when we are.
 *
 * @param {readonly string[]} [options]
 * @param {number} [wantedPort]
 * @returns {Promise<{ url: string, port: number, stop: () => Promise<void> } | { unavailable: string }>}
 */
export async function startRedis (options = [], wantedPort) {
  const port = wantedPort ?? await freePort()
  const directory = await mkdtemp(join(tmpdir(), 'bench-redis-'))
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory, ...options], { stdio: ['ignore', 'pipe', 'ignore'] })
  const remove = () => rm(directory, { recursive: true, force: true })
  const exit = () => { child.kill('SIGKILL') }
  try {
    await Promise.race([
      said(child, 'Ready to accept connections'),
      once(child, 'exit').then(([code]) => { throw new Error(`redis-server ended with ${code}`) }),
      once(child, 'error').then(([error]) => { throw error })
    ])
  } catch (error) {
    await remove()
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return { unavailable: missing ? 'there is no redis-server on the PATH (Debian: apt-get install redis-server)' : String(error) }
  }
  process.once('exit', exit)
  const stop = async () => {
    process.off('exit', exit)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await remove()
  }
  return { url: `redis://127.0.0.1:${port}`, port, stop }
}

/** @param {import('node:child_process').ChildProcess} child @param {string} words @returns {Promise<void>} */
function said (child, words) {
  return new Promise((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk) => {
      if (text.includes(words)) return
      text += chunk
      if (text.includes(words)) resolve()
    })
  })
}

/** Empty it, so that no subject pays for what the one before it left. @param {number} port */
export async function flush (port) {
  const socket = connect(port, '127.0.0.1')
  socket.write('FLUSHALL\r\n')
  await once(socket, 'data')
  socket.destroy()
}
