import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { root } from './root.js'

const server = join(root, 'examples/dist/shop/server.js')

export interface Shop {
  readonly address: string
  stop (): Promise<void>
}

/** A folder for what the shop keeps beside itself, removed when the test ends. Give it to two of them, and they are one. */
export function shopData (t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'shop-data-'))
  t.teardown(() => { rmSync(directory, { recursive: true, force: true }) })
  return directory
}

/** The shop in a process of its own, as `npm run shop` starts it, with data of its own. Stopped when the test ends. */
export async function startShop (t: Test, environment: Readonly<Record<string, string>>): Promise<Shop> {
  if (!existsSync(server)) throw new Error('The shop is not built: npm run build && npm run build:examples')
  const env = { ...process.env, PORT: '0', DATA: environment.DATA ?? shopData(t), ...environment }
  const child = spawn(process.execPath, [server], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = () => end(child)
  t.teardown(stop)
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /The shop is open: (\S+)/.exec(line)?.[1]
    if (address !== undefined) return { address, stop }
  }
  throw new Error(`The shop ended with ${child.exitCode}`)
}

/** A shop that cannot start: what it leaves. */
export async function runShop (environment: Readonly<Record<string, string>>): Promise<{ code: number | null, stderr: string }> {
  const child = spawn(process.execPath, [server], { env: { ...process.env, PORT: '0', ...environment }, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  await once(child, 'close')
  return { code: child.exitCode, stderr }
}

async function end (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
