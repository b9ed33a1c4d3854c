// Import it before tap, which asks Node to follow every promise so that it knows whose an error is that nobody caught. This costs
// half the time of a test with many promises. Tests of one file run one after another, so it is that of the test that runs.
import hooks, { type HookCallbacks } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import type { Test } from 'tap'

const { createHook } = hooks
const idle = { enable () { return idle }, disable () { return idle } }
hooks.createHook = (callbacks: HookCallbacks) => new Error().stack?.includes('async-hook-domain') === true ? idle : createHook(callbacks)
syncBuiltinESMExports()
const { t } = await import('tap')

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    if (process.listenerCount(event) > 1) return
    process.exitCode = 1
    running().threw(typeof error === 'object' && error !== null ? Object.assign(error, { tapCaught: event }) : { error, tapCaught: event })
  })
}

function running (): Pick<Test, 'threw'> {
  let test = t as unknown as Pick<Test, 'threw' | 'activeSubtests'>
  for (let next: unknown = test; next !== undefined; next = [...test.activeSubtests ?? []].at(-1)) test = next as typeof test
  return test
}
