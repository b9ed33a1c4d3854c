import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { describeProcess } from '../../lib/stores/internal/file/owner.js'

/** An empty directory that goes with the test. */
export function scratch (t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'sessions-'))
  t.teardown(() => {
    chmodSync(directory, 0o700)
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

export function fileOf (directory: string, id: string): string {
  const hash = createHash('sha256').update(id).digest('hex')
  return join(directory, hash.slice(0, 2), hash)
}

/** All files below, without the directories. */
export const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name)).filter((path) => !statSync(path, { throwIfNoEntry: false })?.isDirectory())

const self = describeProcess()

/** The text of a lock: by default one that another thread of this process would write. */
export function lockText ({ pid = self.pid, place = self.place, born = self.born, token = '0123456789abcdef01234567' } = {}): string {
  return `${pid} ${place} ${born} ${token}`
}

/** Makes a file look as if it had been there for two hours. */
export function age (path: string): void {
  const then = Date.now() / 1000 - 7200
  utimesSync(path, then, then)
}

let ahead = 0
const now = performance.now.bind(performance)
Object.defineProperty(performance, 'now', { configurable: true, value: () => now() + ahead })

/** Sets the clock that nobody else can set, and that only goes forward. */
export function letPass (milliseconds: number): void {
  ahead += milliseconds
}
