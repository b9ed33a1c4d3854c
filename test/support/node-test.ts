import { execFileSync } from 'node:child_process'
import { SECRET } from './app.js'

/** Runs a test file with Node's own runner. Returns what it says, in TAP. */
export function runNodeTest (file: string): string {
  const env = { ...process.env, SESSION_SECRET: SECRET }
  // tap hooks into the Node programs it sees started: `env -u` keeps it out.
  return execFileSync('env', ['-u', 'NODE_OPTIONS', process.execPath, '--test', '--test-reporter=tap', file], { env, encoding: 'utf8' })
}
