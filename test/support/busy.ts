import { availableParallelism, loadavg } from 'node:os'

/**
 * Milliseconds that this machine may add to what was promised: half a second when it is idle, more the more work waits
 * for each of its processors, ten seconds at most. A load comes and goes: ask when the time is measured.
 */
export const busy = (): number => Math.min(500 * (1 + (loadavg()[0] ?? 0) / availableParallelism()), 10_000)
