import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { codeOf } from './codes.js'

/** A process as its locks name it. */
export interface Owner {
  readonly pid: number
  /** Where this id means one process: the host; on Linux also since which start of it, and in which space of ids. */
  readonly place: string
  /** When the process was started, in ticks of the kernel: a later one of the same id is another. `'-'`: nobody can tell. */
  readonly born: string
}

/** This process. On Linux `/proc` tells when other processes were started; elsewhere an id is all there is. */
export function describeProcess (proc = '/proc'): Owner {
  const { pid } = process
  try {
    // One of another space of process ids would tell of other processes.
    if (readlinkSync(`${proc}/self`) === String(pid)) {
      const start = readFileSync(`${proc}/sys/kernel/random/boot_id`, 'utf8').trim()
      return { pid, place: `${hostname()}/${start}/${readlinkSync(`${proc}/self/ns/pid`)}`, born: stateOf(pid, proc).born }
    }
  } catch {}
  return { pid, place: hostname(), born: '-' }
}

/** As far as `observer` can tell. A dead owner does nothing any more, a live one may. */
export function lifeOf (owner: Owner, observer: Owner, proc = '/proc'): 'alive' | 'dead' | 'unknown' {
  if (owner.place !== observer.place) return 'unknown'
  if (!exists(owner.pid)) return 'dead'
  if (owner.born === '-') return 'unknown'
  try {
    const { born, hasEnded } = stateOf(owner.pid, proc)
    return born === owner.born && !hasEnded ? 'alive' : 'dead'
  } catch {
    return 'unknown'
  }
}

/** See proc(5). The name of the program, in brackets, may hold anything. */
const stat = /^.*\) (?<state>\S) (?:\S+ ){16}(?<threads>\d+) \S+ (?<born>\d+) /s

/** A zombie has ended when its other threads have: one of them may still be waiting for the disk. */
function stateOf (pid: number, proc: string): { born: string, hasEnded: boolean } {
  const { state, threads, born } = stat.exec(readFileSync(`${proc}/${pid}/stat`, 'utf8'))!.groups!
  return { born: born!, hasEnded: state === 'Z' && Number(threads) <= 1 }
}

function exists (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // A process of another user is one.
    return codeOf(error) === 'EPERM'
  }
}
