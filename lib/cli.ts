#!/usr/bin/env node
import { random } from './tokens/random.js'
import { SECRET_BYTES } from './tokens/secrets.js'

const USAGE = `Usage: fastify-typed-session <command>

Commands:
  keygen   print a new secret: ${SECRET_BYTES} random bytes as base64url

Options:
  --help   print this
`

function run ([command, ...rest]: readonly string[]): number {
  if (command === 'keygen' && rest.length === 0) {
    process.stdout.write(`${random(SECRET_BYTES).toString('base64url')}\n`)
    return 0
  }
  if (command === '--help' || command === '-h') {
    process.stdout.write(USAGE)
    return 0
  }
  process.stderr.write(command === undefined ? USAGE : `Unknown command: ${[command, ...rest].join(' ')}\n\n${USAGE}`)
  return 2
}

process.exitCode = run(process.argv.slice(2))
