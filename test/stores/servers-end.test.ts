import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { waitUntil } from '../support/server-process.js'

const posix = process.platform === 'win32' ? { skip: 'Windows has other signals' } : {}
const worker = fileURLToPath(new URL('../support/killed-worker.js', import.meta.url))
const isRunning = (pid: number) => /^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout)

t.test('a database, its processes and its files end with the tests that started it, even if those are killed', posix, async t => {
  const child = spawn(process.execPath, [...process.execArgv, worker], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = await once(child.stdout, 'data') as [Buffer]
  const { directory, pids } = JSON.parse(String(said)) as { directory: string, pids: number[] }
  t.strictSame(pids.map(isRunning), [true, true])
  child.kill('SIGKILL')
  await waitUntil('all of it has ended', async () => !pids.some(isRunning) && !existsSync(directory))
  t.pass()
})
