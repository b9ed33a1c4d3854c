import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'

/** Starts a program whose first line is its address. It ends with the test. (tap hooks into the Node programs it sees started: `env -u` keeps it out.) */
export async function startProgram (t: Pick<Test, 'teardown'>, command: readonly string[], environment: Readonly<Record<string, string>>, errors: 'inherit' | 'ignore' = 'inherit'): Promise<string> {
  const child = spawn('env', ['-u', 'NODE_OPTIONS', ...command], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', errors] })
  const ended = once(child, 'exit')
  t.teardown(async () => { child.kill(); await ended })
  const failed = ended.then(() => Promise.reject(new Error(`${command.join(' ')} has ended`)))
  const [address] = await Promise.race([once(createInterface(child.stdout as NonNullable<typeof child.stdout>), 'line'), failed]) as [string]
  return address
}
