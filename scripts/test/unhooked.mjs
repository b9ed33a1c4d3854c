// tap asks Node to follow every promise, so that it knows whose an error is that nobody caught. This costs half the time of a
// test with many promises. Tests of a process run one after another, so it is that of the test that runs.
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
