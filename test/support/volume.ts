import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { scratch } from './file-scene.js'

/** A small file system of its own in memory, to be filled; `undefined` where that is not allowed. */
export function mountVolume (t: Test, size: string): string | undefined {
  const volume = join(scratch(t), 'volume')
  mkdirSync(volume)
  try {
    asRoot('mount', '-t', 'tmpfs', '-o', `${size},mode=700,uid=${process.geteuid!()}`, 'tmpfs', volume)
  } catch {
    return undefined
  }
  t.teardown(() => asRoot('umount', '-l', volume))
  return volume
}

export function asRoot (...command: string[]): void {
  const [program = '', ...args] = process.geteuid!() === 0 ? command : ['sudo', '-n', ...command]
  execFileSync(program, args, { stdio: 'ignore' })
}
