import type { Test } from 'tap'

/** What nobody caught, and what was warned of, while the test ran. */
export function watchProcess (t: Pick<Test, 'teardown'>): { uncaught: unknown[], warnings: Error[] } {
  const uncaught: unknown[] = []
  const warnings: Error[] = []
  const onUncaught = (error: unknown) => { uncaught.push(error) }
  const onWarning = (warning: Error) => { if (String((warning as NodeJS.ErrnoException).code).startsWith('FST_')) warnings.push(warning) }
  process.on('unhandledRejection', onUncaught)
  process.on('uncaughtException', onUncaught)
  process.on('warning', onWarning)
  t.teardown(() => {
    process.removeListener('unhandledRejection', onUncaught)
    process.removeListener('uncaughtException', onUncaught)
    process.removeListener('warning', onWarning)
  })
  return { uncaught, warnings }
}
