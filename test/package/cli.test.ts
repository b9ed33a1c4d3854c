import t from 'tap'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseSecrets } from '../../lib/tokens/secrets.js'
import { readText } from '../support/documents.js'

const program = fileURLToPath(new URL('../../lib/cli.js', import.meta.url))

// The real program, with the flags that this test itself was started with.
const cli = (...args: string[]) => new Promise<{ status: unknown, stdout: string, stderr: string }>((resolve) => {
  execFile(process.execPath, [...process.execArgv, program, ...args], (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stdout, stderr }))
})

// Starting a process takes long, so all start at once.
const runs = Promise.all([cli('keygen'), cli('keygen'), cli('--help'), cli('-h'), cli(), cli('kegen'), cli('keygen', '--bits'), cli('keygen', '--help'), cli('--version'), cli('-v')] as const)

t.test('keygen prints one secret that the plugin accepts, another each time', async (t) => {
  const [first, second] = await runs
  t.match(first, { status: 0, stderr: '', stdout: /^[\w-]{43}\n$/ })
  t.equal(parseSecrets(first.stdout.trim())[0]!.length, 32)
  t.not(first.stdout, second.stdout)
})

t.test('--help says what there is', async (t) => {
  const [,, long, short] = await runs
  t.match(long, { status: 0, stderr: '', stdout: /^Usage: .*keygen/s })
  t.same(short, long)
  t.same((await runs)[7], long, 'also behind a command')
})

t.test('--version says the version of the package', async (t) => {
  const [,,,,,,,, long, short] = await runs
  const { version } = JSON.parse(readText('package.json')) as { version: string }
  t.same(long, { status: 0, stderr: '', stdout: `${version}\n` })
  t.same(short, long)
})

t.test('anything else is a message on stderr and exit code 2', async (t) => {
  const [,,,, nothing, unknown, superfluous] = await runs
  t.match(nothing, { status: 2, stdout: '', stderr: /^Usage: / })
  t.match(unknown, { status: 2, stdout: '', stderr: /^Unknown command: kegen\n.*keygen/s })
  t.match(superfluous, { status: 2, stdout: '', stderr: /^Unknown command: keygen --bits\n/ })
})
