import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { host, onFreePort } from './ports.js'
import { guard, waitUntil, type RunningServer } from './server-process.js'

export interface DatabaseCommand {
  readonly name: string
  readonly command: string
  readonly args: (port: number, directory: string) => string[]
  /** Makes the data directory, once. */
  readonly init?: { command: string, args: (directory: string) => string[] }
  /** Whether it answers queries by now. */
  readonly isUp: (port: number) => Promise<boolean>
  /** Some databases refuse to run as root: whose process it is then. */
  readonly user?: string
}

const idOf = (flag: '-u' | '-g', user: string) => Number(spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout)

function ownerFor (user: string | undefined) {
  return user && process.getuid?.() === 0 ? { uid: idOf('-u', user), gid: idOf('-g', user) } : {}
}

/** A database serves each connection from a process of its own, in a session of its own: a signal has to reach them all. */
function family (pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  const children = stdout.split('\n').map(line => line.trim().split(/\s+/).map(Number)).filter(([, parent]) => parent === pid)
  return [pid, ...children.map(([child]) => child as number)]
}

function signalAll (child: ChildProcess | undefined, signal: NodeJS.Signals) {
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return
  for (const pid of family(child.pid)) {
    try { process.kill(pid, signal) } catch { /* it has just ended by itself */ }
  }
}

const stateOf = (pid: number) => spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout
const isRunning = (pid: number) => /^[^Z]/.test(stateOf(pid))
const isAtWork = (pid: number) => /^[^ZT]/.test(stateOf(pid))

/** A signal is on its way when kill returns: stopped is what answers nobody any more, and starts no new process. */
async function stopAll (child: ChildProcess | undefined): Promise<void> {
  if (!child?.pid) return
  const { pid } = child
  child.kill('SIGSTOP')
  await waitUntil('it starts no more processes', async () => !isAtWork(pid))
  signalAll(child, 'SIGSTOP')
  await waitUntil('every process has stopped', async () => !family(pid).some(isAtWork))
}

/** Ends every process of it. While one of them is there, PostgreSQL does not start again. */
async function end (child: ChildProcess | undefined): Promise<void> {
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGSTOP') // No new one while they are counted.
  const pids = family(child.pid)
  signalAll(child, 'SIGKILL')
  await exited
  await waitUntil('every process has ended', async () => !pids.some(isRunning))
}

/** Unless it is there. A test may have removed it: the server then comes back empty. */
function initialise ({ name, init, user }: DatabaseCommand, directory: string) {
  const owner = ownerFor(user)
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(directory, owner.uid, owner.gid)
  if (!init || existsSync(join(directory, 'data'))) return
  const { status, stdout, stderr } = spawnSync(init.command, init.args(directory), { encoding: 'utf8', cwd: directory, ...owner })
  if (status !== 0) throw new Error(`${name} made no data directory:\n${stdout}${stderr}`)
}

export async function startDatabase (database: DatabaseCommand): Promise<RunningServer> {
  return await onFreePort(async port => await startDatabaseOn(port, database))
}

async function startDatabaseOn (port: number, database: DatabaseCommand): Promise<RunningServer> {
  const directory = mkdtempSync(join(tmpdir(), `session-test-${database.name}-`))
  let child: ChildProcess | undefined
  let dismissGuard = () => {}

  async function start () {
    initialise(database, directory)
    const started = spawn(database.command, database.args(port, directory), {
      stdio: ['ignore', 'pipe', 'pipe'], cwd: directory, ...ownerFor(database.user)
    })
    child = started
    dismissGuard()
    dismissGuard = guard(started, directory)
    let output = ''
    let hasEnded = false
    started.once('close', () => { hasEnded = true })
    for (const stream of [started.stdout, started.stderr]) stream.on('data', data => { output = (output + data).slice(-10_000) })
    await waitUntil(`${database.name} answers on ${port}`, async () => {
      if (hasEnded) throw new Error(`${database.name} did not start:\n${output}`)
      return await database.isUp(port)
    }, 40_000)
  }

  async function stop () {
    await end(child)
    dismissGuard()
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
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
      if (signal === 'SIGKILL') await end(child)
      else if (signal === 'SIGSTOP') await stopAll(child)
      else signalAll(child, signal)
    },
    restart: start,
    stop
  }
}
