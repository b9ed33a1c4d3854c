// Runs the test files that TEST_RUN names, one after another: what they all need is loaded once, and runs hot.
import { pathToFileURL } from 'node:url'
import { END } from './tap.mjs'

const { programs, args } = /** @type {{ programs: string[], args: string[] }} */ (JSON.parse(process.env.TEST_RUN ?? ''))
delete process.env.TEST_RUN
// Suites read their engine there, and tap the name of the folder for files of a test.
process.argv.splice(1, Infinity, ...programs.slice(0, 1), ...args)
const { t } = await import('./unhooked.mjs')
// Else tap would take the time that a file needs to load for the end.
const open = setInterval(() => {}, 2 ** 30)

if (programs.length > 1) t.teardown = () => { throw new Error('Files share this process: give the teardown to the test that needs it') }

for (const [at, program] of programs.entries()) {
  await import(pathToFileURL(program).href).catch((error) => t.error(error, 'the file is loaded'))
  // Tests run in the order in which they are asked for: here those of the file are over.
  if (at + 1 < programs.length) await t.test(END, async (t) => { t.pass() })
}
clearInterval(open)
