import { lstat, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Turns } from '../async/queue.js'
import { assertPart, isThere, nameOf, prepareDirectory, preparePart, readWhole } from './internal/file/directory.js'
import { decode, type FileRecord } from './internal/file/format.js'
import { type Lock, lockedError, removeLeftover, takeLock } from './internal/file/lock.js'
import { isLive, isSpent, readRecord, removeRecord, writeRecord } from './internal/file/session-file.js'
import { FileSubjects, removeEntry } from './internal/file/subjects.js'
import { assertOptions, assertSeconds } from './internal/options.js'
import { wholeMilliseconds } from './internal/values.js'
import type { AsyncStore, ReplaceOutcome, SessionStore, StoredRecord } from '../../types/store.js'

/** Options of `fileStore`. */
export interface FileStoreOptions {
  /** Where the files are. Made if it is missing; must be the user's own and closed to others. Share it with nothing else. */
  readonly directory: string
  /** How long a change of a session may wait for those that are under way, of this or another process, in seconds. Default 1. */
  readonly lockTimeout?: number | undefined
}

/** The longest time that a timer can count, in milliseconds: 24 days. */
const longestTimer = 2 ** 31 - 1
/** How many files are read at a time when all of them are. */
const batchSize = 16

/**
 * Sessions in files, one each: for one host without a database, with any number of processes. Not for network file
 * systems. A change is written to a new file that takes the place of the old one, so a crash leaves one of the two. It costs
 * two or three `fsync`. `findBySubject` reads the files of that subject's sessions only. `sweep` reads every file of the
 * directory. On the machines we measured that takes one to two seconds for 10,000 sessions, and a millisecond more for each that is
 * removed. Other requests go on meanwhile. Nothing is removed by itself: call `sweep` from time to time.
 *
 * @throws {SessionError} `FST_TYPED_SESSION_INVALID_OPTION` if the directory is not fit, or for another option
 */
export function fileStore (options: FileStoreOptions): AsyncStore & Required<Pick<SessionStore, 'findBySubject' | 'sweep'>> {
  return new FileStore(options)
}

class FileStore implements AsyncStore {
  readonly name = 'fileStore'
  readonly #directory: string
  readonly #lockTimeout: number
  readonly #subjects: FileSubjects
  readonly #turns = new Turns()

  constructor (options: FileStoreOptions) {
    assertOptions('fileStore', options, ['directory', 'lockTimeout'])
    const { directory, lockTimeout = 1 } = options
    assertSeconds('lockTimeout', lockTimeout)
    this.#lockTimeout = lockTimeout * 1000
    this.#directory = prepareDirectory(directory)
    this.#subjects = new FileSubjects(this.#directory)
  }

  async create (id: string, payload: string, expiresAt: number, subject?: string): Promise<boolean> {
    return this.#locked(nameOf(id), async (path, lock) => {
      const record = await readRecord(path)
      if (isLive(record, id)) return false
      await this.#put(path, record, { id, payload, expiresAt, subject }, lock)
      return true
    })
  }

  async load (id: string): Promise<string | null> {
    const path = join(this.#directory, nameOf(id))
    const record = await assertPart(dirname(path)) ? await readRecord(path) : null
    if (isLive(record, id)) return record.payload
    // If the volume is gone, we know nothing about the session.
    await lstat(this.#directory)
    return null
  }

  async replace (id: string, expected: string, payload: string, expiresAt: number, subject?: string): Promise<ReplaceOutcome> {
    return this.#locked(nameOf(id), async (path, lock) => {
      const record = await readRecord(path)
      if (!isLive(record, id)) return 'missing'
      if (record.payload !== expected) return 'conflict'
      await this.#put(path, record, { id, payload, expiresAt, subject }, lock)
      return 'replaced'
    })
  }

  async touch (id: string, expiresAt: number): Promise<boolean> {
    return this.#locked(nameOf(id), async (path, lock) => {
      const record = await readRecord(path)
      if (!isLive(record, id)) return false
      await this.#put(path, record, { ...record, expiresAt }, lock)
      return true
    })
  }

  async delete (id: string): Promise<void> {
    await this.#locked(nameOf(id), async (path) => this.#remove(path, await readRecord(path)))
  }

  async * findBySubject (subject: string): AsyncGenerator<StoredRecord> {
    const names = await this.#subjects.names(subject)
    while (names.length > 0) {
      const records = await Promise.all(names.splice(-batchSize).map((name) => readRecord(join(this.#directory, pathOf(name)))))
      for (const record of records) {
        if (record?.subject !== subject || record.expiresAt <= Date.now()) continue
        yield { id: record.id, payload: record.payload, expiresAt: record.expiresAt }
      }
    }
  }

  /** Removes what crashed processes left behind as well; counts expired sessions only. */
  async sweep (): Promise<number> {
    let removed = 0
    for await (const paths of this.#batches()) {
      const outcomes = await Promise.all(paths.map((path) => isSession(path) ? this.#sweepSession(path) : removeLeftover(path)))
      removed += outcomes.filter(Boolean).length
    }
    for await (const { name, entry } of this.#subjects.all()) await this.#sweepEntry(name, entry)
    return removed
  }

  async #sweepSession (path: string): Promise<boolean> {
    if (!isSpent(await readWhole(path))) return false
    return this.#locked(pathOf(basename(path)), async (path, lock) => {
      // Another process may have removed it meanwhile, or made it anew.
      const file = await readWhole(path)
      if (!isSpent(file)) return false
      lock.assertHeld()
      const record = decode(file)
      await this.#remove(path, record)
      return record !== null
    })
  }

  /** An entry that names no session is one that is about to be made, or what a crash left. */
  async #sweepEntry (name: string, entry: string): Promise<void> {
    if (await isThere(join(this.#directory, pathOf(name)))) return
    await this.#locked(pathOf(name), async (path) => { if (!await isThere(path)) await removeEntry(entry) })
  }

  /** Puts `next` in the place of `record`. An end is no write: a full disk lets sessions end. */
  async #put (path: string, record: FileRecord | null, next: FileRecord, lock: Lock): Promise<void> {
    if (record !== null && wholeMilliseconds(next.expiresAt) <= Date.now()) return this.#remove(path, record)
    const name = basename(path)
    if (next.subject !== undefined && next.subject !== record?.subject) await this.#subjects.enter(next.subject, name)
    await writeRecord(path, next, lock)
    if (record?.subject !== undefined && record.subject !== next.subject) await this.#subjects.leave(record.subject, name)
  }

  async #remove (path: string, record: FileRecord | null): Promise<void> {
    await removeRecord(path)
    if (record?.subject !== undefined) await this.#subjects.leave(record.subject, basename(path))
  }

  /** Holds off every other process, and every other task of this one, that would change the session. */
  #locked <T>(name: string, task: (path: string, lock: Lock) => Promise<T>): Promise<T> {
    const path = join(this.#directory, name)
    return this.#inTurn(name, async (end) => {
      await preparePart(dirname(path))
      const lock = await takeLock(`${path}.lock`, end)
      try {
        return await task(path, lock)
      } finally {
        await lock.release()
      }
    })
  }

  /** One task of this process after the other. The wait for those before it counts, too. */
  #inTurn <T>(name: string, task: (end: number) => Promise<T>): Promise<T> {
    const end = performance.now() + this.#lockTimeout
    return new Promise((resolve, reject) => {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        reject(lockedError())
      }, Math.min(this.#lockTimeout, longestTimer))
      this.#turns.run(name, async () => {
        clearTimeout(timer)
        if (!isLate) resolve(await task(end))
      }).catch(reject)
    })
  }

  /** All files, leftovers included, a few at a time. */
  async * #batches (): AsyncGenerator<string[]> {
    for (const part of await readdir(this.#directory)) {
      const directory = join(this.#directory, part)
      if (!/^[0-9a-f]{2}$/.test(part) || !await assertPart(directory)) continue
      const names = (await readdir(directory)).filter((name) => /^[0-9a-f]{64}(?:\.|$)/.test(name))
      while (names.length > 0) yield names.splice(-batchSize).map((name) => join(directory, name))
    }
  }
}

/** Where a session lies, by the hash of its id. */
const pathOf = (name: string): string => join(name.slice(0, 2), name)

const isSession = (path: string): boolean => /[0-9a-f]{64}$/.test(path)
