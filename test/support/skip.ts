/** What a test needs of tap to say that it cannot run here. */
interface Skippable {
  fail (message: string): unknown
  plan (n: number, comment?: string): void
}

/**
 * Without its server a test is skipped on a laptop and fails in CI, where a skip would be a hole nobody sees.
 * The caller returns right after it.
 */
export function skipOrFail (t: Skippable, reason: string): void {
  if (process.env.CI) t.fail(`cannot be skipped in CI: ${reason}`)
  else t.plan(0, reason)
}
