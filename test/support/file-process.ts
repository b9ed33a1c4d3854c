import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const worker = fileURLToPath(new URL('./file-worker.js', import.meta.url))

export interface Ended {
  readonly signal: string | null
  readonly code: number | null
  readonly output: string
}

/** Runs `file-worker.ts` to its end, hundreds of times and therefore without coverage, or kills it after `killAfter` milliseconds of output. */
export function runWorker (args: string[], killAfter?: number): Promise<Ended> {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_V8_COVERAGE: '' } })
  let output = ''
  child.stdout.on('data', (data) => {
    if (output === '' && killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter)
    output += String(data)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ signal, code, output }))
  })
}
