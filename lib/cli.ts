#!/usr/bin/env node
import { createRequire } from 'node:module'
import { random } from './tokens/random.js'
import { SECRET_BYTES } from './tokens/secrets.js'

const USAGE = `Usage: fastify-typed-session <command>

Commands:
  keygen   print a new secret: ${SECRET_BYTES} random bytes as base64url

Options:
  --help      print this
  --version   print the version of the package
`
const asksForHelp = (argument: string) => argument === '--help' || argument === '-h'

function run (given: readonly string[]): number {
  const [command, ...rest] = given
  if (given.some(asksForHelp)) {
    process.stdout.write(USAGE)
    return 0
  }
  if (command === '--version' || command === '-v') {
    process.stdout.write(`${version()}\n`)
    return 0
  }
  if (command === 'keygen' && rest.length === 0) {
    process.stdout.write(`${random(SECRET_BYTES).toString('base64url')}\n`)
    return 0
  }
  process.stderr.write(command === undefined ? USAGE : `Unknown command: ${given.join(' ')}\n\n${USAGE}`)
  return 2
}

function version (): string {
  return (createRequire(import.meta.url)('fastify-typed-session/package.json') as { version: string }).version
}

process.exitCode = run(process.argv.slice(2))
