import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { host, onFreePort } from './ports.js'

export { host } from './ports.js'

/** A real server on loopback, with a port and a directory of its own. */
export interface RunningServer {
  readonly host: string
  readonly port: number
  readonly directory: string
  /** SIGSTOP hangs it, SIGCONT wakes it, SIGKILL ends it without a goodbye. */
  signal (signal: NodeJS.Signals): Promise<void>
  /** The same port and directory again, after it was killed. What is still there is up to the engine. */
  restart (): Promise<void>
  /** Ends the process and removes the directory. */
  stop (): Promise<void>
}

export interface ServerCommand {
  readonly command: string
  readonly args: (port: number, directory: string) => string[]
  /** Sent raw after connecting; the server is up when the answer starts with `answer`. */
  readonly probe: string
  readonly answer: string
}

export function hasBinary (command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

export async function waitUntil (what: string, probe: () => Promise<boolean>, milliseconds = 20_000): Promise<void> {
  const end = Date.now() + milliseconds
  while (!(await probe())) {
    if (Date.now() > end) throw new Error(`gave up waiting: ${what}`)
    await sleep(25)
  }
}

/** Sends `command` on a connection of its own and resolves to the first answer, or to '' when there is none. */
export function ask (port: number, command: string, milliseconds = 1000): Promise<string> {
  return new Promise(resolve => {
    const socket = net.connect(port, host)
    const answer = (text: string) => { socket.destroy(); resolve(text) }
    socket.setTimeout(milliseconds, () => answer(''))
    socket.once('error', () => answer(''))
    socket.once('close', () => resolve(''))
    socket.once('data', data => answer(data.toString()))
    socket.write(`${command}\r\n`)
  })
}

/** However this process ends, by SIGKILL too: its end of the pipe closes, and the server and the directory go. */
export function guard ({ pid }: ChildProcess, directory: string): () => void {
  // A database serves each connection from a process of its own: stopped first, it starts no new one while they are ended.
  const children = '$(ps -A -o pid=,ppid= | while read child parent; do [ "$parent" = "$0" ] && echo "$child"; done)'
  const script = `cat; kill -STOP "$0"; kill -9 ${children} "$0"; rm -rf "$1" || { sleep 1; rm -rf "$1"; }`
  const guardian = spawn('sh', ['-c', script, String(pid), directory], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  guardian.unref()
  return () => guardian.kill('SIGKILL')
}

async function end (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

export async function startServer (server: ServerCommand): Promise<RunningServer> {
  return await onFreePort(async port => await startServerOn(port, server))
}

async function startServerOn (port: number, server: ServerCommand): Promise<RunningServer> {
  const directory = mkdtempSync(join(tmpdir(), `session-test-${server.command}-`))
  let child: ChildProcess | undefined
  let dismissGuard = () => {}

  async function start () {
    const started = spawn(server.command, server.args(port, directory), { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    dismissGuard()
    dismissGuard = guard(started, directory)
    let output = ''
    let hasEnded = false
    started.once('close', () => { hasEnded = true })
    for (const stream of [started.stdout, started.stderr]) stream.on('data', data => { output += data })
    await waitUntil(`${server.command} answers on ${port}`, async () => {
      if (hasEnded) throw new Error(`${server.command} did not start:\n${output}`)
      return (await ask(port, server.probe)).startsWith(server.answer)
    })
  }

  async function stop () {
    if (child) await end(child)
    dismissGuard()
    rmSync(directory, { recursive: true, force: true })
  }

  await start().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    host,
    port,
    directory,
    async signal (signal) {
      if (!child) return
      if (signal === 'SIGKILL') await end(child)
      else child.kill(signal)
      // A signal is on its way when kill returns, and the server may still answer one more request.
      if (signal === 'SIGSTOP') await waitUntil(`${server.command} has stopped`, async () => await ask(port, server.probe, 100) === '')
    },
    restart: start,
    stop
  }
}
