import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))
const importOf = /from '(\.[^']+)\.js'/g

/**
 * Writes `test/support/file-worker.ts` and what it imports as plain JavaScript, so that a process of it starts at once:
 * a loader would take a second, hundreds of times. Gives the path of the worker.
 */
export function buildWorker (): string {
  const out = realpathSync(mkdtempSync(join(tmpdir(), 'worker-')))
  symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'))
  writeFileSync(join(out, 'package.json'), '{"type":"module"}')
  const todo = ['test/support/file-worker']
  for (const module of todo) {
    const source = readFileSync(join(root, `${module}.ts`), 'utf8')
    const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } })
    mkdirSync(join(out, dirname(module)), { recursive: true })
    writeFileSync(join(out, `${module}.js`), outputText)
    for (const [, path] of outputText.matchAll(importOf)) {
      const imported = join(dirname(module), path!)
      if (!todo.includes(imported)) todo.push(imported)
    }
  }
  return join(out, 'test/support/file-worker.js')
}

export interface Ended {
  readonly signal: string | null
  readonly code: number | null
  readonly output: string
}

/** Runs the worker to its end, or kills it after `killAfter` milliseconds of output. */
export function runWorker (worker: string, args: string[], killAfter?: number): Promise<Ended> {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } })
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
