import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { spawn, spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { describeProcess, lifeOf } from '../../../lib/stores/internal/file/owner.js'
import { scratch } from '../../support/file-scene.js'
import { waitUntil } from '../../support/server-process.js'

const dead = spawnSync(process.execPath, ['--version']).pid

interface Kernel { readonly self?: number, readonly boot?: string, readonly ids?: string, readonly born?: string, readonly state?: string, readonly threads?: number }

/** A `/proc` as Linux would show it to this process. */
function procOf (t: Test, { self = process.pid, boot = 'boot', ids = 'pid:[1]', born = '4711', state = 'S', threads = 11 }: Kernel = {}): string {
  const proc = scratch(t)
  for (const path of [`${process.pid}/ns`, `${self}/ns`, 'sys/kernel/random']) mkdirSync(join(proc, path), { recursive: true })
  symlinkSync(String(self), join(proc, 'self'))
  writeFileSync(join(proc, 'sys/kernel/random/boot_id'), `${boot}\n`)
  symlinkSync(ids, join(proc, `${self}/ns/pid`))
  const fields = [1, 1, 1, 0, -1, 4194304, 2175, 0, 17, 0, 6, 1, 0, 0, 20, 0, threads, 0, born, 745660416]
  writeFileSync(join(proc, `${process.pid}/stat`), `${process.pid} (a) Z 1 (odd name) ${state} ${fields.join(' ')} 0\n`)
  return proc
}

t.test('a process is told by its id, its host, the start of that host, the space of ids, and its own start', async (t) => {
  t.strictSame(describeProcess(procOf(t)), { pid: process.pid, place: `${hostname()}/boot/pid:[1]`, born: '4711' })
})

t.test('without /proc, or with one that tells of other processes, it is its id and its host', async (t) => {
  for (const proc of [join(scratch(t), 'none'), procOf(t, { self: dead })]) {
    t.strictSame(describeProcess(proc), { pid: process.pid, place: hostname(), born: '-' })
  }
})

t.test('of a process of its own place one can tell whether it is alive, also if it was given the id of another', async (t) => {
  const proc = procOf(t)
  const self = describeProcess(proc)
  t.equal(lifeOf(self, self, proc), 'alive')
  t.equal(lifeOf({ ...self, born: '4710' }, self, proc), 'dead')
  t.equal(lifeOf({ ...self, pid: dead }, self, proc), 'dead')
})

t.test('of a process of another host, of another start of it or of another container nobody can tell', async (t) => {
  const self = describeProcess(procOf(t))
  for (const kernel of [{ boot: 'another' }, { ids: 'pid:[2]' }]) {
    const proc = procOf(t, kernel)
    t.equal(lifeOf({ ...self, pid: dead }, describeProcess(proc), proc), 'unknown')
  }
})

t.test('where nobody tells when a process was started, one that is running may be another, and one that is not is dead', async (t) => {
  const none = join(scratch(t), 'none')
  const self = describeProcess(none)
  t.equal(lifeOf(self, self, none), 'unknown')
  t.equal(lifeOf({ ...self, pid: dead }, self, none), 'dead')
  t.equal(lifeOf({ ...self, born: '4711' }, self, none), 'unknown', 'it ended this very moment')
})

t.test('a zombie is dead when its last thread has ended, which may be at work until then', async (t) => {
  for (const [threads, life] of [[1, 'dead'], [2, 'alive']] as const) {
    const proc = procOf(t, { state: 'Z', threads })
    const self = describeProcess(proc)
    t.equal(lifeOf(self, self, proc), life)
  }
})

t.test('the real /proc tells the same', process.platform === 'linux' ? {} : { skip: 'Linux only' }, async (t) => {
  const self = describeProcess()
  t.match(self, { pid: process.pid, place: /^[^/]+\/[0-9a-f-]{36}\/pid:\[\d+\]$/, born: /^\d+$/ })
  t.equal(lifeOf(self, self), 'alive')
  t.equal(lifeOf({ ...self, born: '1' }, self), 'dead')
  // Its parent does not ask how it ended.
  const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'])
  t.teardown(() => parent.kill('SIGKILL'))
  const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (data) => resolve(Number(data))))
  const born = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21]!
  t.equal(lifeOf({ ...self, pid, born }, self), 'alive')
  await waitUntil('the child has ended', async () => lifeOf({ ...self, pid, born }, self) === 'dead')
  t.equal(process.kill(pid, 0), true, 'its id is still taken')
})
