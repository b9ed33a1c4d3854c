// tap follows every promise, to know whose an error is that nobody caught. That costs half the time of a test with many promises.
// Here the error is that of the test that runs. Of two that run at once it may be the other's.
import hooks from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'

const { createHook } = hooks
const idle = { enable: () => idle, disable: () => idle }
hooks.createHook = (callbacks) => new Error().stack?.includes('async-hook-domain') ? idle : createHook(callbacks)
syncBuiltinESMExports()
export const { t } = await import('tap')

for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => {
    // A test that listens itself expects it.
    if (process.listenerCount(event) > 1) return
    process.exitCode = 1
    running().threw(typeof error === 'object' && error !== null ? Object.assign(error, { tapCaught: event }) : { error, tapCaught: event })
  })
}

function running () {
  /** @type {any} */
  let test = t
  for (let next = test; next !== undefined; next = [...test.activeSubtests ?? []].at(-1)) test = next
  return test
}
