#!/usr/bin/env node
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { inspectToken } from './command/inspect.js'
import { readCookieText } from './command/input.js'
import { random } from './tokens/random.js'
import { SECRET_BYTES } from './tokens/secrets.js'

const USAGE = `Usage: fastify-typed-session <command>

Commands:
  keygen    print a new secret: ${SECRET_BYTES} random bytes as base64url
  inspect   print what a session cookie says: its key, age, deadlines and data

inspect reads the secret from SESSION_SECRET (several: newest first, with commas between them), and the cookie from
SESSION_COOKIE, standard input, or a prompt. Neither may be an argument: every user of a machine sees those.
  --name <name>          of the session, default session
  --cookie <name>        of the cookie, default __Host-Http-session
  --application <id>     the option application, default none

Options:
  --help      print this
  --version   print the version of the package
`
const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
  name: { type: 'string', default: 'session' },
  cookie: { type: 'string', default: '__Host-Http-session' },
  application: { type: 'string', default: '' }
} as const

class Misuse extends Error {}

async function run (given: readonly string[]): Promise<string> {
  const { values, positionals: [command, ...rest] } = parse(given)
  if (values.help) return USAGE
  if (values.version) return `${version()}\n`
  if (command === undefined) throw new Misuse('')
  if (command !== 'keygen' && command !== 'inspect') throw new Misuse(`Unknown command: ${command}\n\n`)
  // It may be a cookie or a secret, so it is not told again.
  if (rest.length > 0) throw new Misuse(`${command} takes no argument. inspect finds the cookie in SESSION_COOKIE or standard input\n\n`)
  if (command === 'keygen') return `${random(SECRET_BYTES).toString('base64url')}\n`
  const { SESSION_SECRET = '', SESSION_COOKIE } = process.env
  const text = SESSION_COOKIE || await readCookieText(process.stdin, process.stderr)
  return await inspectToken(text, SESSION_SECRET, { session: values.name, cookie: values.cookie, application: values.application }, Date.now())
}

function parse (args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new Misuse(`${(error as Error).message}\n\n`)
  }
}

function version (): string {
  return (createRequire(import.meta.url)('fastify-typed-session/package.json') as { version: string }).version
}

try {
  process.stdout.write(await run(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(error instanceof Misuse ? error.message + USAGE : `${(error as Error).message}\n`)
  process.exitCode = 2
}
