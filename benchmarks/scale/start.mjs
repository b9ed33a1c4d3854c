import { fileURLToPath } from 'node:url'
import { runProgram } from '../src/process.mjs'
import { measuredCheckout } from '../src/subjects/index.mjs'

const program = fileURLToPath(new URL('./server.mjs', import.meta.url))

/** Ours over a store, in a process of its own. @param {Omit<import('./store.mjs').Plan, 'root' | 'url'> & { url?: string | undefined }} plan @param {NodeJS.ProcessEnv} [env] */
export function startScaleServer (plan, env = {}) {
  return runProgram(program, [JSON.stringify({ ...plan, root: measuredCheckout })], { env, execArgv: ['--expose-gc', '--max-old-space-size=8192'] })
}
