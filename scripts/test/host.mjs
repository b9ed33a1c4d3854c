// Runs the test files that TEST_RUN names, one after another: what they all need is loaded once, and runs hot.
import { setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { END } from './tap.mjs'

const { programs, args } = /** @type {{ programs: string[], args: string[] }} */ (JSON.parse(process.env.TEST_RUN ?? ''))
delete process.env.TEST_RUN
// Suites read their engine there, and tap the name of the folder for files of a test.
process.argv.splice(1, Infinity, ...programs.slice(0, 1), ...args)
const { t } = await import('./unhooked.mjs')
const environment = { ...process.env }
const listeners = heard()

if (programs.length > 1) {
  for (const name of ['teardown', 'after', 'before', 'beforeEach', 'afterEach']) {
    Object.assign(t, { [name]: () => { throw new Error(`Files share this process: call ${name} of the test that needs it`) } })
  }
}

for (const [at, program] of programs.entries()) {
  // Else tap would take the time that a file needs to load for the end.
  const open = setInterval(() => {}, 2 ** 30)
  await import(pathToFileURL(program).href).catch((error) => t.error(error ?? 'nothing', 'the file is loaded'))
  clearInterval(open)
  // Tests run in the order in which they are asked for: here those of the file are over, and errors that nobody caught are in.
  if (at + 1 < programs.length) await t.test(`${END} ${at}`, async (t) => { await turn(); leaveNothing(t) })
}

/** The next file finds what this one has found. */
function leaveNothing (/** @type {typeof t} */ t) {
  for (const name in process.env) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
  t.strictSame(heard(), listeners, 'no listener for errors is left')
}

function heard () {
  return ['uncaughtException', 'unhandledRejection'].map((event) => process.listenerCount(event))
}
