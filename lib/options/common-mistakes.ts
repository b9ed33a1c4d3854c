const DAY = 86_400
const DURATIONS: ReadonlySet<string> = new Set(['idleTimeout', 'absoluteTimeout', 'touchAfter', 'rotateEvery'])

/** The reason why something is no schema of Zod 4. */
export function schemaMistake (value: unknown): string {
  if (value === undefined) return 'is missing, it must be a Zod 4 schema: z.object({ … })'
  if (value instanceof Object && '_def' in value) return "was made by Zod 3: npm install zod@4, and import { z } from 'zod'"
  return 'must be a Zod 4 schema, wrap it: z.object({ … })'
}

/** A long time that is meant in seconds is whole days; half an hour in milliseconds would be 20.8 days. */
export function looksLikeMilliseconds (option: string, seconds: number): boolean {
  return DURATIONS.has(option) && seconds > 2 * DAY && seconds % DAY !== 0 && seconds % 60_000 === 0
}
