import type { Timeouts } from '../../lib/record/timeouts.js'

/** Timeouts that are numbers, in milliseconds. */
export const lasting = (idle: number, absolute: number): Timeouts => ({
  idle: { usual: idle, most: idle, ask: null },
  absolute: { usual: absolute, most: absolute, ask: null }
})
