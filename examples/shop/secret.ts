import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** `SESSION_SECRET`, or one that is made on the first start and kept beside the shop, so that a restart logs nobody out. */
export async function shopSecret (directory: string): Promise<string> {
  if (process.env.SESSION_SECRET) return process.env.SESSION_SECRET
  const file = join(directory, 'secret')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  try {
    await writeFile(file, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFile(file, 'utf8')
}
