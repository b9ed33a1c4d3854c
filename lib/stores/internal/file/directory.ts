import { createHash, randomBytes } from 'node:crypto'
import { constants, lstatSync, mkdirSync } from 'node:fs'
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { InvalidOption } from '../../../errors.js'
import { assertText, fitsUtf8 } from '../values.js'
import { codeOf, ignore } from './codes.js'

/** `aa/<64 hexadecimal digits>`: nothing of the id but its hash ever reaches the file system. */
export function nameOf (id: string): string {
  assertText(fitsUtf8, { id })
  const hash = createHash('sha256').update(id).digest('hex')
  return join(hash.slice(0, 2), hash)
}

/**
 * Makes the directory if it is missing, and gives its absolute path.
 *
 * @throws {SessionError} `FST_TYPED_SESSION_INVALID_OPTION` if it cannot be made, is no directory, is a symbolic link,
 * belongs to another user, or lets other users in
 */
export function prepareDirectory (directory: string): string {
  if (typeof directory !== 'string' || directory === '') throw new InvalidOption('directory', 'must be a path')
  const path = resolve(directory)
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new InvalidOption('directory', `cannot be made (${codeOf(error)})`)
  }
  const stats = lstatSync(path)
  if (!stats.isDirectory()) throw new InvalidOption('directory', 'must be a directory, and no symbolic link to one')
  // Windows has neither, and keeps access in lists of its own.
  if (process.geteuid === undefined) return path
  if (stats.uid !== process.geteuid()) throw new InvalidOption('directory', 'must belong to the user that runs this process')
  if ((stats.mode & 0o077) !== 0) throw new InvalidOption('directory', 'must be closed to other users: chmod 700')
  return path
}

/** Makes the part of the directory that a name lies in, but never the directory itself: it may be on a lost volume. */
export async function preparePart (path: string): Promise<void> {
  const made = await mkdir(path, { mode: 0o700 }).then(() => true, ignore('EEXIST'))
  if (made) await syncDirectory(dirname(path))
  await assertPart(path)
}

/** False if there is none. Refuses a symbolic link in its place. */
export async function assertPart (path: string): Promise<boolean> {
  const stats = await lstat(path).catch(ignore('ENOENT'))
  if (stats !== undefined && !stats.isDirectory()) throw new Error('A part of the session directory is no directory')
  return stats !== undefined
}

/** Whether there is anything of this name. */
export async function isThere (path: string): Promise<boolean> {
  return await lstat(path).catch(ignore('ENOENT')) !== undefined
}

/** The whole file, or `null` if there is none or if it is something else than a file. Never follows a symbolic link. */
export async function readWhole (path: string): Promise<Buffer | null> {
  // A pipe in place of the file would be waited for without O_NONBLOCK. Windows has neither flag, nor needs it.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags).catch(ignore('ENOENT', 'ELOOP', 'EMLINK', 'ENXIO'))
  if (file === undefined) return null
  try {
    return (await file.stat()).isFile() ? await file.readFile() : null
  } finally {
    await file.close()
  }
}

/** Leaves the old content or the new one, at any moment and after any crash. `check` runs last and may still stop it. */
export async function writeWhole (path: string, content: Buffer, check: () => void): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    check()
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes renames and removals in a directory outlive a loss of power. */
export async function syncDirectory (path: string): Promise<void> {
  // Windows opens no directories, and keeps a journal of its changes by itself.
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
