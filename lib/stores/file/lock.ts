import { randomBytes } from 'node:crypto'
import { link, open, readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, ignore } from './codes.js'

/** A lock whose owner cannot be asked counts as left over after this time, in milliseconds. */
export const staleAfter = 10_000

export interface Lock {
  /** @throws {Error} code `ELOCKED` if it was held for so long that another process may have taken it to be left over */
  assertHeld (): void
  release (): Promise<void>
}

/**
 * Takes the lock file at `path`, which only one process at a time can make. One that a dead process left is removed.
 * Its owner is known by host and process id: processes that share a directory are to share a host, and the file system
 * is to have hard links.
 *
 * @param end until when to wait for it, by `performance.now()`
 * @throws {Error} code `ELOCKED` if it does not become free in time
 */
export async function takeLock (path: string, end: number): Promise<Lock> {
  let taken = Date.now()
  for (let pause = 1; !await make(path); pause = Math.min(2 * pause, 20)) {
    if (!await removeStale(path)) {
      if (performance.now() > end) throw locked()
      await sleep(pause * (0.5 + Math.random()))
    }
    taken = Date.now()
  }
  return held(path, taken)
}

function held (path: string, taken: number): Lock {
  const isOurs = () => Date.now() - taken < staleAfter / 2
  return {
    assertHeld () {
      if (!isOurs()) throw locked()
    },
    async release () {
      // What cannot be removed is left over, and is dealt with as such; what was kept is kept.
      if (isOurs()) await rm(path, { force: true }).catch(() => {})
    }
  }
}

const locked = () => Object.assign(new Error('A session file is locked'), { code: 'ELOCKED' })

/** The lock is linked into its place when its owner is written in it: no crash leaves one that nobody owns. */
async function make (path: string): Promise<boolean> {
  const token = randomBytes(8).toString('hex')
  const draft = `${path}.${token}.tmp`
  const file = await open(draft, 'wx', 0o600)
  try {
    // On a full disk sessions can still be deleted: an empty lock is one, too, but whether it is left over only its
    // age can tell.
    await file.writeFile(`${process.pid} ${hostname()} ${token}`).catch(() => {})
  } finally {
    await file.close()
  }
  try {
    return await link(draft, path).then(() => true, ignore('EEXIST', ...whileRemoved())) ?? false
  } finally {
    await rm(draft, { force: true }).catch(() => {})
  }
}

/**
 * Removes a lock whose owner left it. Two processes may find the same one, and the slower must not remove what the
 * faster put in its place: only the one that makes the file named after this very lock may remove it, and looks again.
 */
export async function removeStale (path: string): Promise<boolean> {
  const token = await staleToken(path)
  if (token === null) return false
  const claim = `${path}.${token}.claim`
  const file = await open(claim, 'wx', 0o600).catch(ignore('EEXIST', ...whileRemoved()))
  if (file === undefined) return removeOld(claim)
  try {
    await file.close()
    if (await staleToken(path) === token) await rm(path, { force: true })
  } finally {
    await rm(claim, { force: true })
  }
  return true
}

/** Removes a file that no living process can still be at work on, and tells whether it did. */
export async function removeOld (path: string): Promise<boolean> {
  const stats = await stat(path).catch(ignore('ENOENT'))
  if (stats === undefined || Date.now() - stats.mtimeMs < staleAfter) return false
  await rm(path, { force: true })
  return true
}

/** What tells this lock from the next one at the same path, or `null` if its owner may be at work. */
async function staleToken (path: string): Promise<string | null> {
  const stats = await stat(path).catch(ignore('ENOENT', ...whileRemoved()))
  const text = await readFile(path, 'utf8').catch(ignore('ENOENT', ...whileRemoved()))
  if (stats === undefined || text === undefined) return null
  const [, pid, host, token] = /^(\d+) (\S+) ([0-9a-f]{16})$/.exec(text) ?? []
  const isOld = Date.now() - stats.mtimeMs > staleAfter
  const isDead = host === hostname() && !isRunning(Number(pid))
  return isOld || isDead ? token ?? `${stats.ino}-${Math.trunc(stats.mtimeMs)}` : null
}

function isRunning (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // A process of another user is one.
    return codeOf(error) === 'EPERM'
  }
}

/** What Windows answers while another process is about to remove the file. */
const whileRemoved = (): string[] => process.platform === 'win32' ? ['EPERM', 'EACCES', 'EBUSY'] : []
