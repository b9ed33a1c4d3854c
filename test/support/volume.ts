import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readdirSync } from 'node:fs'
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

/** Root may do everything: the test gives the directory away and becomes somebody else, until it calls what this returns. */
export function asOrdinaryUser (directory: string): () => void {
  if (process.geteuid!() !== 0) return () => {}
  const below = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  for (const path of [directory, ...below.map((name) => join(directory, name))]) chownSync(path, 65534, 65534)
  process.seteuid!(65534)
  return () => process.seteuid!(0)
}

export function asRoot (...command: string[]): void {
  const [program = '', ...args] = process.geteuid!() === 0 ? command : ['sudo', '-n', ...command]
  execFileSync(program, args, { stdio: 'ignore' })
}
