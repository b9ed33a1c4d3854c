const LATEST = 2 ** 48 - 1

/** Milliseconds since the epoch, or another whole number that 48 bits hold. */
export function isTime (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LATEST
}
