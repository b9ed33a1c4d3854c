import { randomBytes } from 'node:crypto'
import { link, open, readFile, rm, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { startupSnapshot } from 'node:v8'
import { ignore } from './codes.js'
import { describeProcess, lifeOf, type Owner } from './owner.js'

/** A lock whose owner cannot be asked counts as left over when the same one was seen for this time, in milliseconds. */
const staleAfter = 10_000
/** A temporary file that is as old as this, in milliseconds, is nobody's. */
const abandonedAfter = 3_600_000

/** The lock that this process has seen at a path, and since when by `performance.now()`: a clock on the wall can be set. */
const seen = new Map<string, { readonly token: string, readonly since: number }>()
const mostSeen = 1000

/** The maker of locks here. `maker` begins the tokens of this copy of the module; another thread of this process has its own. */
interface Self extends Owner { readonly maker: string }

let known: Self | null = null

/** Found out when it is first needed, and never kept in a startup snapshot: many processes start from one. */
function self (): Self {
  if (known !== null) return known
  const found = { ...describeProcess(), maker: randomBytes(8).toString('hex') }
  if (!startupSnapshot.isBuildingSnapshot()) known = found
  return found
}

/** The tokens of the locks that this copy holds. If one of its own is not among them, it could not be removed. */
const atWork = new Set<string>()

export interface Lock {
  /** @throws {Error} code `ELOCKED` if it was held for so long that another process may have taken it to be left over */
  assertHeld (): void
  release (): Promise<void>
}

/**
 * Takes the lock file at `path`, which only one process at a time can make. The lock of a dead process is removed. That of a live
 * process never is: a write that it has begun may land at any time. Where nobody can tell, the same lock has to be seen for a
 * while. Processes that share a directory are to share a host, and the file system is to have
 * hard links.
 *
 * @param end until when to wait for it, by `performance.now()`
 * @throws {Error} code `ELOCKED` if it does not become free in time
 */
export async function takeLock (path: string, end: number): Promise<Lock> {
  let taken = performance.now()
  let token = await make(path)
  for (let pause = 1; token === null; pause = Math.min(2 * pause, 20)) {
    if (!await removeStale(path)) {
      if (performance.now() > end) throw lockedError()
      await sleep(pause * (0.5 + Math.random()))
    }
    taken = performance.now()
    token = await make(path)
  }
  const lock = held(path, token, taken)
  const release = async () => { if (!await lock.release()) await removeStale(path).catch(() => {}) }
  return { assertHeld: lock.assertHeld, release }
}

/** `release` says no if it was held for too long to be removed without looking whose it is. */
function held (path: string, token: string, taken: number): Omit<Lock, 'release'> & { release (): Promise<boolean> } {
  const isOurs = () => performance.now() - taken < staleAfter / 2
  return {
    assertHeld () {
      if (!isOurs()) throw lockedError()
    },
    async release () {
      const isSafe = isOurs()
      // A lock that cannot be removed is taken over later. The change is kept either way.
      if (isSafe) await rm(path, { force: true }).catch(() => {})
      atWork.delete(token)
      return isSafe
    }
  }
}

export const lockedError = (): Error => Object.assign(new Error('A session file is locked'), { code: 'ELOCKED' })

/**
 * The lock is linked into its place when its owner is written in it: no crash leaves one that nobody owns. Gives its token,
 * or `null` if there is another.
 */
async function make (path: string): Promise<string | null> {
  const { pid, place, born, maker } = self()
  const token = `${maker}${randomBytes(4).toString('hex')}`
  const draft = `${path}.${token}.tmp`
  const file = await open(draft, 'wx', 0o600)
  try {
    // On a full disk sessions can still be deleted: an empty lock is one, too. Only time can tell whether it
    // is left over.
    await file.writeFile(`${pid} ${place} ${born} ${token}`).catch(() => {})
  } finally {
    await file.close()
  }
  atWork.add(token)
  let made: true | undefined
  try {
    made = await link(draft, path).then(() => true as const, ignore('EEXIST', ...whileRemoved()))
    return made ? token : null
  } finally {
    if (!made) atWork.delete(token)
    await rm(draft, { force: true }).catch(() => {})
  }
}

/**
 * Removes a lock whose owner left it. Two processes may find the same one, and the slower must not remove the lock that the
 * faster has put in its place. So the process that makes the file named after this very lock may remove it, and looks again.
 * That file is a lock itself: if its owner died at it, it is removed in the same way.
 */
export async function removeStale (path: string): Promise<boolean> {
  const token = await staleToken(path)
  if (token === null) return false
  const claim = `${path.replace(/\.[^.]+\.claim$/, '')}.${token}.claim`
  const taken = performance.now()
  const claimToken = await make(claim)
  if (claimToken === null) return removeStale(claim)
  const lock = held(claim, claimToken, taken)
  try {
    const isSame = await staleToken(path) === token
    lock.assertHeld()
    if (isSame) await rm(path, { force: true })
  } finally {
    await lock.release()
  }
  seen.delete(path)
  return true
}

/** Removes a file that a crash has left beside a session. Never a session. */
export async function removeLeftover (path: string): Promise<false> {
  if (/\.(?:lock|claim)$/.test(path)) await removeStale(path)
  else if (path.endsWith('.tmp')) await removeAbandoned(path)
  return false
}

/** Removes a temporary file that no living process can still be at work on. */
async function removeAbandoned (path: string): Promise<void> {
  const stats = await stat(path).catch(ignore('ENOENT'))
  if (stats !== undefined && Date.now() - stats.mtimeMs > abandonedAfter) await rm(path, { force: true })
}

/** The token that tells this lock from the next one at the same path, or `null` if its owner may be at work. */
async function staleToken (path: string): Promise<string | null> {
  const stats = await stat(path).catch(ignore('ENOENT', ...whileRemoved()))
  const text = await readFile(path, 'utf8').catch(ignore('ENOENT', ...whileRemoved()))
  if (stats === undefined || text === undefined) return null
  const [, pid, place, born, owner] = /^(\d+) (\S+) (\d+|-) ([0-9a-f]{24})$/.exec(text) ?? []
  const token = owner ?? `${stats.ino}-${Math.trunc(stats.mtimeMs)}`
  const me = self()
  if (token.startsWith(me.maker)) return atWork.has(token) ? null : token
  const life = place && born ? lifeOf({ pid: Number(pid), place, born }, me) : 'unknown'
  if (life === 'alive' && Number(pid) !== me.pid) return null
  return life === 'dead' || isSeenForLong(path, token) ? token : null
}

function isSeenForLong (path: string, token: string): boolean {
  const now = performance.now()
  const found = seen.get(path)
  if (found?.token === token) return now - found.since > staleAfter
  seen.delete(path)
  seen.set(path, { token, since: now })
  if (seen.size > mostSeen) seen.delete(seen.keys().next().value as string)
  return false
}

/** The answers of Windows while another process is about to remove the file. */
const whileRemoved = (): string[] => process.platform === 'win32' ? ['EPERM', 'EACCES', 'EBUSY'] : []
