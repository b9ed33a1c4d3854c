import type { Times } from './record.js'

/** The timeouts that are in force, in milliseconds. */
export interface Timeouts { readonly idle: number, readonly absolute: number }

/** When a session that was last used at `usedAt` ends: whole milliseconds, as stores keep them. */
export function deadline (times: Times, usedAt: number, timeouts: Timeouts): number {
  return Math.floor(Math.min(usedAt + timeouts.idle, times.createdAt + timeouts.absolute))
}

/** Clocks of a fleet may differ by this much; a record from further ahead is not ours. */
export const CLOCK_SKEW = 60_000

/** Is a record that was last used at `usedAt` still good, with times that a clock of ours can have written? */
export function isLive (times: Times, usedAt: number, timeouts: Timeouts, now: number): boolean {
  return usedAt <= now + CLOCK_SKEW && times.createdAt <= now + CLOCK_SKEW && now < deadline(times, usedAt, timeouts)
}
