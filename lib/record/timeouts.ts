import { isPromise } from '../async/promises.js'
import { InvalidData } from '../errors.js'
import type { Data, Times } from './record.js'

/** Milliseconds. */
export interface Timeout {
  /** For every session, or, where it is a function of the data, for one whose record has no answer. */
  readonly usual: number
  /** A longer answer is cut to this. */
  readonly most: number
  /** In seconds. `null`: it is a number, and what a record says of it counts for nothing. */
  readonly ask: ((data: Data) => unknown) | null
}

/** How long sessions live: since the last use, and since they began. */
export interface Timeouts { readonly idle: Timeout, readonly absolute: Timeout }

/** The timeout of a session whose record has kept this answer, in milliseconds. */
export function inForce (kept: number, { usual, most, ask }: Timeout): number {
  return ask === null || kept === 0 ? usual : Math.min(kept, most)
}

/** When a session that was last used at `usedAt` ends: whole milliseconds, as stores keep them. */
export function deadline (times: Times, usedAt: number, { idle, absolute }: Timeouts): number {
  return Math.floor(Math.min(usedAt + inForce(times.idle, idle), times.createdAt + inForce(times.absolute, absolute)))
}

/** The timeouts that the record keeps for these data. Throws `InvalidData` where one is no time. */
export function askTimeouts (data: Data, { idle, absolute }: Timeouts): Pick<Times, 'idle' | 'absolute'> {
  const inAll = absolute.ask === null ? 0 : answer('absoluteTimeout', absolute.ask, absolute.most, data)
  return { idle: idle.ask === null ? 0 : answer('idleTimeout', idle.ask, Math.min(idle.most, inForce(inAll, absolute)), data), absolute: inAll }
}

function answer (option: string, ask: (data: Data) => unknown, most: number, data: Data): number {
  let seconds: unknown
  try {
    seconds = ask({ ...data })
  } catch (cause) {
    throw Object.assign(new InvalidData(`${option} (the function threw)`), { cause })
  }
  if (typeof seconds === 'number' && seconds > 0) return Math.ceil(Math.min(seconds * 1000, most))
  throw new InvalidData(`${option} (the function gave ${isPromise(seconds) ? 'a promise' : 'what is no positive number of seconds'})`)
}

/** Clocks of a fleet may differ by this much, in milliseconds, without anybody being told. */
export const CLOCK_SKEW = 60_000
