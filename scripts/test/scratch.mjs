import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Of Linux: a folder in memory. */
const MEMORY = '/dev/shm'
/** What all servers together may need, in bytes. */
const NEEDED = 6 * 2 ** 30

/**
 * Where tests and their servers keep files until the runner ends: in memory where there is enough, because a disk makes
 * whoever wants something kept wait.
 */
export function makeScratch () {
  const folder = mkdtempSync(join(hasMemory() ? MEMORY : tmpdir(), 'session-tests-'))
  // A database has a user of its own.
  chmodSync(folder, 0o755)
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
  return folder
}

function hasMemory () {
  if (process.env.TMPDIR !== undefined || !existsSync(MEMORY)) return false
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize >= NEEDED
}
