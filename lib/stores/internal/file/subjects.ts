import { lstat, open, readdir, rm, rmdir } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { assertText, fitsUtf8 } from '../values.js'
import { ignore } from './codes.js'
import { assertPart, isThere, preparePart, syncDirectory } from './directory.js'

/**
 * Whose sessions are where: `subjects/aa/<hash of the subject>/<hash of the id>`, empty files. A session's entry is made before
 * its file and removed after it, under the lock of the session. One that names no file is passed over, and swept.
 */
export class FileSubjects {
  readonly #directory: string

  constructor (directory: string) {
    this.#directory = join(directory, 'subjects')
  }

  /** `name`: the hash of the session's id. */
  async enter (subject: string, name: string): Promise<void> {
    const directory = this.#directoryOf(subject)
    const entry = join(directory, name)
    // Where it is empty, the directory may go while the entry is made.
    for (;;) {
      await (await open(entry, 'wx', 0o600).catch(ignore('ENOENT', 'EEXIST')))?.close()
      if (await isThere(entry)) return await syncDirectory(directory)
      for (const part of [this.#directory, dirname(directory), directory]) await preparePart(part)
    }
  }

  /** Of no importance to the session if it fails. */
  async leave (subject: string, name: string): Promise<void> {
    await removeEntry(join(this.#directoryOf(subject), name)).catch(() => {})
  }

  /** The names of a subject's sessions. Some may be gone, or somebody else's by now. */
  async names (subject: string): Promise<string[]> {
    assertText(fitsUtf8, { subject })
    const directory = this.#directoryOf(subject)
    const names = await namesIn(directory)
    if (names !== undefined) return names
    // If the volume is gone, we know nothing about the sessions.
    await lstat(dirname(this.#directory))
    return []
  }

  /** Every entry, by the name of its session. */
  async * all (): AsyncGenerator<{ readonly name: string, readonly entry: string }> {
    for (const part of await this.#list(this.#directory)) {
      for (const subject of await this.#list(part)) {
        for (const entry of await this.#list(subject)) yield { name: entry.slice(-64), entry }
        await removeEmpty(subject)
      }
    }
  }

  async #list (directory: string): Promise<string[]> {
    const names = await namesIn(directory) ?? []
    return names.filter((name) => /^(?:[0-9a-f]{2}|[0-9a-f]{64})$/.test(name)).map((name) => join(directory, name))
  }

  #directoryOf (subject: string): string {
    assertText(fitsUtf8, { subject })
    const hash = createHash('sha256').update(subject).digest('hex')
    return join(this.#directory, hash.slice(0, 2), hash)
  }
}

export async function removeEntry (entry: string): Promise<void> {
  await rm(entry, { force: true })
  await removeEmpty(dirname(entry))
}

async function removeEmpty (directory: string): Promise<void> {
  // As a rule it is not empty.
  await rmdir(directory).catch(() => {})
}

/** `undefined`: it is not there, or not any more. */
async function namesIn (directory: string): Promise<string[] | undefined> {
  return await assertPart(directory) ? await readdir(directory).catch(ignore('ENOENT')) : undefined
}
