import t from 'tap'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseSecrets } from '../../lib/tokens/secrets.js'
import { buildApp, COOKIE, SECRET } from '../support/app.js'
import { readText } from '../support/documents.js'

const program = fileURLToPath(new URL('../../lib/cli.js', import.meta.url))

// The real program, with the flags that this test itself was started with.
const cli = (...args: string[]) => start(args)
const start = (args: readonly string[], { env = {}, piped = '' }: { env?: Record<string, string>, piped?: string } = {}) => new Promise<{ status: unknown, stdout: string, stderr: string }>((resolve) => {
  const given = [...process.execArgv, program, ...args]
  const child = execFile(process.execPath, given, { env: { ...process.env, ...env } }, (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stdout, stderr }))
  child.stdin?.end(piped)
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
  t.match(superfluous, { status: 2, stdout: '', stderr: /^Unknown option '--bits'/ })
})

t.test('inspect prints what the cookie says, from a pipe or the environment', async (t) => {
  const { client, app } = await buildApp(t, { backend: 'cookie' })
  app.get('/', async ({ session }) => { session.note = 'a note' })
  await client.get('/')
  const env = { SESSION_SECRET: SECRET }
  const [byPipe, byEnvironment, withoutSecret, byPipeAlone] = await Promise.all([
    start(['inspect'], { env, piped: `${client.header}\n` }),
    start(['inspect', '--name', 'session', '--cookie', COOKIE, '--application', ''], { env: { ...env, SESSION_COOKIE: client.token as string } }),
    start(['inspect'], { env: { SESSION_SECRET: '', SESSION_COOKIE: client.token as string } }),
    start(['inspect'], { env: { ...env, SESSION_COOKIE: '' }, piped: `${client.header}\n` })
  ])
  t.match(byPipe, { status: 0, stderr: '', stdout: /^kind +sealed.*"note":"a note"/s })
  t.equal(byEnvironment.stdout.split('\n').at(-2), byPipe.stdout.split('\n').at(-2))
  t.same(byPipeAlone.stdout.split('\n').at(-2), byPipe.stdout.split('\n').at(-2), 'an empty variable is none')
  t.match(withoutSecret, { status: 2, stdout: '', stderr: /secret: it is missing/ })
})

t.test('a secret or a cookie as an argument is refused', async (t) => {
  t.match(await cli('inspect', '--secret', 'x'), { status: 2, stdout: '', stderr: /Unknown option '--secret'/ })
  t.match(await cli('inspect', 'token'), { status: 2, stdout: '', stderr: /^inspect takes no argument.*SESSION_COOKIE/ })
  t.notMatch((await cli('inspect', 'a-stolen-token')).stderr, /stolen/, 'and is not told again')
  t.match(await cli('keygen', '64'), { status: 2, stdout: '', stderr: /^keygen takes no argument/ })
})
