import '../schema/zod-version.js'
import * as z from 'zod'
import { isAsyncFunction } from '../async/promises.js'
import { InvalidOption } from '../errors.js'
import type { Timeout } from '../record/timeouts.js'
import { MAX_AGE } from './cookie-options.js'

const DAY = 86_400
/** NIST SP 800-63B-4 §2.1.3, §2.2.3, §2.3.3, in seconds. */
const PRESETS = {
  aal1: { idle: 30 * DAY, absolute: 30 * DAY },
  aal2: { idle: 3_600, absolute: DAY },
  aal3: { idle: 900, absolute: DAY / 2 }
} as const
const DEFAULTS = { idle: DAY, absolute: 30 * DAY }

export const duration = z.number('must be a number of seconds')
const seconds = duration.positive('must be more than 0 seconds').max(MAX_AGE, 'browsers keep a cookie for 400 days (34560000 seconds) at most. It is given in seconds, not in milliseconds')
const callable = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'must be a function')
/** A function of the application that may not be asynchronous. */
export const immediate = callable.refine((value) => !isAsyncFunction(value), 'must answer at once: it cannot be asynchronous')
export const timeout = z.union([seconds, immediate], 'must be a number of seconds, or a function of the data that gives it')

interface Given {
  readonly timeouts?: keyof typeof PRESETS | undefined
  readonly idleTimeout?: unknown
  readonly absoluteTimeout?: unknown
}

/** Throws `InvalidOption` for what contradicts itself, or a preset. */
export function readTimeouts ({ timeouts, idleTimeout, absoluteTimeout }: Given): { idle: Timeout, absolute: Timeout } {
  const preset = timeouts === undefined ? DEFAULTS : PRESETS[timeouts]
  const most = timeouts === undefined ? { idle: MAX_AGE, absolute: MAX_AGE } : preset
  const inAll = typeof absoluteTimeout === 'number' ? absoluteTimeout : preset.absolute
  const unused = typeof idleTimeout === 'number' ? idleTimeout : Math.min(preset.idle, inAll)
  const longest = typeof absoluteTimeout === 'function' ? most.absolute : inAll
  if (unused > longest) throw new InvalidOption('idleTimeout', `must not be longer than absoluteTimeout (${longest} seconds)`)
  if (unused > most.idle || inAll > most.absolute) {
    throw new InvalidOption('timeouts', `${timeouts} allows ${most.idle} seconds idle and ${most.absolute} in all; yours may only be shorter`)
  }
  return {
    idle: asTimeout(idleTimeout, unused, Math.min(most.idle, longest)),
    absolute: asTimeout(absoluteTimeout, inAll, most.absolute)
  }
}

/** `usual` and `most`: seconds. */
function asTimeout (option: unknown, usual: number, most: number): Timeout {
  return Object.freeze({ usual: usual * 1000, most: most * 1000, ask: typeof option === 'function' ? option as Timeout['ask'] : null })
}

/** An interval that is not shorter than its timeout would never pass. */
export function checkInterval (option: string, seconds: number | undefined, limiting: string, { usual, most, ask }: Timeout): void {
  const limit = (ask === null ? usual : most) / 1000
  if (seconds !== undefined && seconds >= limit) throw new InvalidOption(option, `must be less than ${limiting} (${limit} seconds)`)
}
